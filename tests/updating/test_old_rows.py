"""The rows that a model learned before: where they come from, and which of them measure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_made import base_model, stored
from hand_made import old_rows as learned_rows

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.load import load_data
from modelwright.data.splits import TEST, TRAIN
from modelwright.updating import old_rows
from modelwright.updating.memory import Memory, place_memory, write_memory
from modelwright.updating.old_rows import OldRows, find_old_rows
from modelwright.updating.seen_rows import seen_rows
from modelwright.updating.settings import resolve_update
from sample_data import sentences, write_csv


def old_data(folder: Path, path: Path) -> OldRows:
    return find_old_rows(base_model(folder), resolve_update(old_data=path))


def test_an_old_row_that_ever_trained_measures_nothing(tmp_path: Path) -> None:
    rows = sentences(64)
    lines = [
        *[(*row, "train") for row in rows[:30]],
        *[(*row, "test") for row in rows[20:60]],
        *[(*row, "val") for row in rows[60:]],
    ]
    path = tmp_path / "old.csv"
    write_csv(path, lines, ("text", "label", "split"))  # type: ignore[arg-type]
    found = old_data(tmp_path, path)
    tested = found.stored.of_side(TEST).contents.to_pylist()
    assert tested == [text for text, _ in rows[30:60]]
    assert "whose content also trained: 10" in found.notes[-1]

    # An update before this one learned some of the others.
    base = base_model(tmp_path)
    learned = stored([text for text, _ in rows[30:35]], [0] * 5, [TRAIN] * 5)
    seen = seen_rows(learned.digests, learned.labels, base.labels, 1)
    memory = Memory(learned, seen, version=1, origins={1: ""})
    write_memory(base.memory / "next", memory, base.labels, 10, "")
    place_memory(base.memory / "next", base.memory)
    found = old_data(tmp_path, path)
    assert found.stored.of_side(TEST).contents.to_pylist() == tested[5:]
    assert found.seen.has(learned.digests).all()


def test_the_data_of_an_updated_version_are_only_a_part_of_what_it_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_csv(tmp_path / "rows.csv", sentences(64), ("text", "label"))
    data = load_data(DataConfig(source=str(path), test=0.3))
    monkeypatch.setattr(old_rows, "reload_data", lambda *_, **__: data)
    settings = resolve_update(memory=0)
    first = find_old_rows(base_model(tmp_path), settings)
    assert first.inputs is not None
    assert first.labels is not None
    lineage = {"ancestors": [1], "update": "u1"}
    second = find_old_rows(base_model(tmp_path, version=2, lineage=lineage), settings)
    assert (second.inputs, second.labels) == (None, None)
    assert len(second.stored) == len(first.stored)


def test_old_data_that_is_not_as_the_training_data_was_says_what_to_give(tmp_path: Path) -> None:
    rows = sentences(100)
    path = write_csv(tmp_path / "old.csv", rows, ("stars", "verdict"))
    with pytest.raises(DataError) as caught:
        old_data(tmp_path, path)
    said = str(caught.value)
    assert said.startswith(f"--old-data was given {path}, which cannot be read")
    assert "Columns: stars, verdict. " in said
    assert "options of the new rows (--data) alone; give a copy" in said
    numbers = [(text, {"pos": "1", "neg": "0"}[label]) for text, label in rows]
    path = write_csv(tmp_path / "old.csv", numbers, ("text", "label"))
    with pytest.raises(DataError, match="the label '0', which .* Give a copy with the labels of"):
        old_data(tmp_path, path)


def test_an_example_goes_where_its_label_is_corrected_and_held_out_rows_stay() -> None:
    old = learned_rows(stored(["a", "b", "c"], [0, 1, 0], [TRAIN, TRAIN, TEST]))
    corrected = old.stored.take(np.array([0, 2]))
    left = old.without_examples(corrected)
    assert left.stored.contents.to_pylist() == ["b", "c"]
    assert len(left.seen) == 2
