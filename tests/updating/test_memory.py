"""What the memory keeps, what it gives back, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_made import base_model, stored, stored_images

from modelwright.core.errors import ServableError
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.updating.memory import (
    ROWS,
    Memory,
    choose_kept,
    place_memory,
    read_memory,
    write_memory,
)
from modelwright.updating.row_store import from_table, join_rows, to_table
from modelwright.updating.seen_rows import SeenRows, no_rows

ROWS_OF_BOTH = stored(
    ["一", "two", "three\n", '"four"', "five"],
    [0, 1, 0, 1, 0],
    [TRAIN, TRAIN, VAL, TEST, TRAIN],
    [1, 1, 1, 1, 2],
    [[0.75, 0.25], [0.5, 0.5], [np.nan, np.nan], [np.nan, np.nan], [0.125, 0.875]],
)


def write(folder: Path, memory: Memory, limit: int = 10) -> Path:
    memory = replace(memory, origins=memory.origins or {1: "", 2: "u1"})
    write_memory(folder / "next", memory, ("neg", "pos"), limit, "u1")
    place_memory(folder / "next", folder)
    return folder


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    base = base_model(tmp_path, version=2, lineage={"ancestors": [1], "update": "u1"})
    state = {"counts": np.arange(3)}
    seen = SeenRows(np.array([[7, 2**64 - 1, 2]], np.uint64))
    write(base.memory, Memory(ROWS_OF_BOTH, seen, {"counts": state}, version=2))
    found = read_memory(base)
    assert found is not None
    assert found.rows is not None
    assert found.rows.contents.to_pylist() == ROWS_OF_BOTH.contents.to_pylist()
    for name in ("labels", "sides", "versions", "digests", "outputs"):
        np.testing.assert_array_equal(getattr(found.rows, name), getattr(ROWS_OF_BOTH, name))
    np.testing.assert_array_equal(found.seen.marks, seen.marks)
    np.testing.assert_array_equal(found.states["counts"]["counts"], [0, 1, 2])
    record = json.loads((base.memory / "memory.json").read_text())
    assert record["rows"] == {"exemplar": 3, "val": 1, "test": 1}


def test_rows_and_states_of_a_version_that_was_rolled_back_are_left_out(tmp_path: Path) -> None:
    newer = base_model(tmp_path, version=2, lineage={"ancestors": [1], "update": "u1"})
    states = {"counts": {"n": np.ones(1)}}
    seen = SeenRows(np.array([[7, 8, 1], [9, 10, 2]], np.uint64))
    write(newer.memory, Memory(ROWS_OF_BOTH, seen, states, 2, every_row=True))
    found = read_memory(base_model(tmp_path, version=1))
    assert found is not None
    assert found.rows is not None
    assert found.rows.contents.to_pylist() == ["一", "two", "three\n", '"four"']
    assert found.seen.marks.tolist() == [[7, 8, 1]]  # the others are new to this version
    assert found.states == {}
    # All rows of the version before are still there, though: they are among those of this one.
    assert found.every_row
    path = newer.memory / "memory.json"
    record = json.loads(path.read_text())
    del record["origins"]  # a memory of an earlier version does not say where its rows come from
    path.write_text(json.dumps(record))
    found = read_memory(base_model(tmp_path, version=1))
    assert found is not None
    assert not found.every_row


def test_rows_of_other_weights_with_the_same_number_are_left_out(tmp_path: Path) -> None:
    newer = base_model(tmp_path, version=2, lineage={"ancestors": [1], "update": "u1"})
    origins = {1: "rows of the first training", 2: "u1"}
    write(newer.memory, Memory(ROWS_OF_BOTH, no_rows(), version=2, origins=origins))
    first = replace(base_model(tmp_path), data={"fingerprint": origins[1]})
    assert read_memory(newer) is not None
    assert read_memory(first) is not None
    # A training was exported anew, after versions were deleted or beside them.
    for number in (1, 2, 3):
        trained = base_model(tmp_path, version=number)
        assert read_memory(replace(trained, data={"fingerprint": "other rows"})) is None
    other = base_model(tmp_path, version=2, lineage={"ancestors": [1], "update": "u2"})
    assert read_memory(other) is None


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    base = base_model(tmp_path)
    write(base.memory, Memory(ROWS_OF_BOTH, no_rows(), version=1))
    path = base.memory / ROWS
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ServableError, match=r"rows\.parquet has changed.*--old-data"):
        read_memory(base)
    record = json.loads((base.memory / "memory.json").read_text())
    (base.memory / "memory.json").write_text(json.dumps({**record, "format": 1}))
    with pytest.raises(ServableError, match="memory format 1; this version reads 2"):
        read_memory(base)


def test_placing_can_be_repeated_at_any_point(tmp_path: Path) -> None:
    base = base_model(tmp_path)
    memory = Memory(ROWS_OF_BOTH, no_rows(), {"counts": {"n": np.ones(1)}}, 1, origins={1: ""})
    write(base.memory, memory)
    write_memory(base.memory / "next", memory, ("neg", "pos"), 10, "u2")
    (base.memory / "next" / ROWS).replace(base.memory / ROWS)  # killed after the first file
    place_memory(base.memory / "next", base.memory)
    assert read_memory(base) is not None
    assert json.loads((base.memory / "memory.json").read_text())["update"] == "u2"
    assert not (base.memory / "next").exists()


def test_a_memory_without_rows_deletes_those_before_and_keeps_no_hash(tmp_path: Path) -> None:
    base = base_model(tmp_path)
    seen = SeenRows(np.arange(27, dtype=np.uint64).reshape(-1, 3))
    write(base.memory, Memory(ROWS_OF_BOTH, seen, {"counts": {"n": np.ones(1)}}, 1))
    write(base.memory, Memory(None, seen, {}, 1), limit=0)
    assert sorted(one.name for one in base.memory.iterdir()) == ["memory.json", "seen.npy"]
    found = read_memory(base)
    assert found is not None
    assert found.rows is None
    assert len(found.seen) == 0


def test_no_hash_is_dropped_however_many_rows_trained(tmp_path: Path) -> None:
    base = base_model(tmp_path)
    numbers = np.arange(2_000_003, dtype=np.uint64)
    seen = SeenRows(np.stack([numbers, numbers, np.ones_like(numbers)], axis=1))
    write(base.memory, Memory(ROWS_OF_BOTH, seen, version=1))
    found = read_memory(base)
    assert found is not None
    assert found.seen.marks[-1].tolist() == [2_000_002, 2_000_002, 1]
    assert len(found.seen) == len(seen)


def test_examples_are_even_over_classes_and_held_out_rows_keep_their_shares() -> None:
    count = 900
    labels = [0] * 800 + [1] * 100
    train = stored([f"a{n}" for n in range(count)], labels, [TRAIN] * count)
    test = stored([f"b{n}" for n in range(count)], labels, [TEST] * count)
    kept = choose_kept(join_rows([train, test]), 100, 0)
    assert np.bincount(kept.labels[kept.sides == TRAIN]).tolist() == [50, 50]
    assert np.bincount(kept.labels[kept.sides == TEST]).tolist() == [800, 100]
    again = choose_kept(join_rows([train, test]), 100, 0)
    assert again.contents.equals(kept.contents)


def test_images_and_answers_with_fewer_classes_survive_a_table() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3)).astype(np.uint8)
    rows = stored_images(pixels, [0, 1, 2], [TRAIN, VAL, TEST])
    found = from_table(to_table(rows, "abc"), "abc", "image")
    np.testing.assert_array_equal(found.rows((5, 4, 3)).take(np.arange(3)), pixels)
    wide = stored(["x"], [0], [TRAIN], outputs=[[0.5, 0.25, 0.25]])
    joined = join_rows([stored(["y"], [1], [TRAIN], outputs=[[0.25, 0.75]]), wide])
    np.testing.assert_array_equal(joined.outputs[0], np.float32([0.25, 0.75, np.nan]))
    back = from_table(to_table(joined, "abc"), "abc", "text")
    np.testing.assert_array_equal(back.outputs, joined.outputs)
