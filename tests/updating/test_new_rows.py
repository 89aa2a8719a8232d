"""New rows: their labels, their splits, and those that the model has seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hand_made import base_model, old_rows, stored
from new_texts import new_rows

from modelwright.core.errors import DataError
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.updating.new_rows import NewRows, read_new_rows
from modelwright.updating.settings import resolve_update
from sample_data import write_csv, write_images

OLD = stored(["old a", "old b", "old c"], [0, 1, 0], [TRAIN, TRAIN, TEST])


def read(tmp_path: Path, rows: list[tuple[str, str]], **options: object) -> NewRows:
    path = write_csv(tmp_path / "new.csv", rows, ("text", "label"))
    settings = resolve_update(**options)  # type: ignore[arg-type]
    return read_new_rows(base_model(tmp_path), str(path), old_rows(OLD), settings, 2)


def test_rows_are_split_by_their_content_and_belong_to_the_new_version(tmp_path: Path) -> None:
    found = read(tmp_path, new_rows(400))
    counts = np.bincount(found.stored.sides, minlength=3)
    assert 90 < counts[TEST] < 150
    assert 15 < counts[VAL] < 60
    assert counts.sum() == 400
    assert set(found.stored.versions.tolist()) == {2}
    assert (found.refusal, found.names) == ("", ("neg", "pos"))
    again = read(tmp_path, list(reversed(new_rows(400))))
    ours = {
        tuple(d): s for d, s in zip(found.stored.digests.tolist(), found.stored.sides, strict=True)
    }
    theirs = {
        tuple(d): s for d, s in zip(again.stored.digests.tolist(), again.stored.sides, strict=True)
    }
    assert ours == theirs


def test_seen_rows_are_never_held_out_and_held_out_ones_never_train(tmp_path: Path) -> None:
    rows = [("old a", "neg"), ("old b", "pos"), ("old c", "neg"), *new_rows(100)]
    found = read(tmp_path, rows)
    texts = found.stored.contents.to_pylist()
    assert "old c" not in texts
    held_out = [text for text, side in zip(texts, found.stored.sides, strict=True) if side != TRAIN]
    assert not {"old a", "old b"} & set(held_out)
    assert any("was withdrawn since: 2" in note for note in found.notes)
    assert any("held out of the training before: 1" in note for note in found.notes)
    few = read(tmp_path, [*rows[:2], *new_rows(3)])
    assert "3 different new rows, and 2 that it or a version withdrawn since" in few.refusal


def test_an_own_split_is_obeyed(tmp_path: Path) -> None:
    lines = [(*row, ("train", "test")[at % 3 == 0]) for at, row in enumerate(new_rows(90))]
    path = tmp_path / "new.csv"
    write_csv(path, lines, ("text", "label", "split"))  # type: ignore[arg-type]
    settings = resolve_update(settings={"data": {"val": 0}})
    found = read_new_rows(base_model(tmp_path), str(path), old_rows(OLD), settings, 2)
    assert np.bincount(found.stored.sides, minlength=3).tolist() == [60, 0, 30]


def test_a_content_on_two_sides_of_an_own_split_only_measures(tmp_path: Path) -> None:
    twice = [
        *[(*row, "train") for row in new_rows(90)],
        *[(*row, "test") for row in new_rows(40)],
        *[(*row, "val") for row in new_rows(50)],
    ]
    path = tmp_path / "new.csv"
    write_csv(path, twice, ("text", "label", "split"))  # type: ignore[arg-type]
    found = read_new_rows(base_model(tmp_path), str(path), old_rows(OLD), resolve_update(), 2)
    assert np.bincount(found.stored.sides, minlength=3).tolist() == [40, 10, 40]
    assert len(np.unique(found.stored.digests[:, 0])) == 90
    assert any("own split: 90; they are left out" in note for note in found.notes)


@pytest.mark.parametrize(
    ("labels", "offered"),
    [
        ({"pos": "POS", "neg": "NEG"}, '"NEG" = "neg", "POS" = "pos"'),
        ({"pos": "ｐｏｓ", "neg": "neg"}, '"ｐｏｓ" = "pos"'),
        ({"pos": "poss", "neg": "neg"}, '"poss" = "pos"'),
        ({"pos": "1", "neg": "0"}, '"0" = "...", "1" = "..."'),
        (
            {"pos": "positive", "neg": "negative"},
            '"negative" = "neg", "positive" = "pos"',
        ),
        ({"pos": "好评", "neg": "差评"}, '"好评" = "..."'),
    ],
)
def test_labels_under_other_names(tmp_path: Path, labels: dict[str, str], offered: str) -> None:
    rows = [(text, labels[label]) for text, label in new_rows(80)]
    with pytest.raises(DataError) as caught:
        read(tmp_path, rows)
    assert offered in str(caught.value)
    assert "--new-classes" in str(caught.value)
    table = {new: old for old, new in labels.items() if new != old}
    renamed = read(tmp_path, rows, settings={"data": {"labels": table}})
    assert renamed.names == ("neg", "pos")
    added = read(tmp_path, rows, new_classes=True)
    assert added.names[:2] == ("neg", "pos")
    assert set(added.names[2:]) == set(table)


def test_a_new_class_among_known_ones_is_said_and_needs_rows(tmp_path: Path) -> None:
    rows = new_rows(80)
    some = [(f"so so {n}", "mixed") for n in range(30)]
    found = read(tmp_path, [*rows, *some])
    assert found.names == ("neg", "pos", "mixed")
    assert any("new classes: 'mixed' (30 rows)" in note for note in found.notes)
    few = read(tmp_path, [*rows, *some[:4]])
    assert "'mixed' (4)" in few.refusal


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (new_rows(3), "3 different new rows"),
        ([row for row in new_rows(100) if row[1] == "neg"], "one class only, 'neg'"),
        ([("old a", "neg"), ("old b", "pos"), ("old c", "neg")] * 30, "nothing new"),
        ([("same text", "neg"), ("other text", "pos")] * 50, "2 different new rows"),
    ],
)
def test_rows_that_can_show_nothing_are_refused(
    tmp_path: Path, rows: list[tuple[str, str]], said: str
) -> None:
    assert said in read(tmp_path, rows).refusal


@pytest.mark.parametrize(
    ("tested", "said"),
    [
        (
            lambda label, third: third and label == "pos",
            "are all of one class, 'pos'.*--split-column none",
        ),
        (lambda label, third: third and label != "mixed", "the new class 'mixed' has no test rows"),
        (lambda label, third: True, "leaves no new train rows.*--split-column none"),
    ],
)
def test_a_split_that_measures_too_little_is_refused(
    tmp_path: Path, tested: Callable[[str, bool], bool], said: str
) -> None:
    rows = [*new_rows(90), *((f"so so {n}", "mixed") for n in range(30))]
    lines = [
        (text, label, "test" if tested(label, at % 3 == 0) else "train")
        for at, (text, label) in enumerate(rows)
    ]
    path = tmp_path / "new.csv"
    write_csv(path, lines, ("text", "label", "split"))  # type: ignore[arg-type]
    settings = resolve_update(settings={"data": {"val": 0}})
    found = read_new_rows(base_model(tmp_path), str(path), old_rows(OLD), settings, 2)
    assert re.search(said, found.refusal), found.refusal


def test_shares_are_numbers_however_they_are_written(tmp_path: Path) -> None:
    found = read(tmp_path, new_rows(400), settings={"data": {"test": "0.5"}})
    assert 170 < (found.stored.sides == TEST).sum() < 230
    none = read(tmp_path, new_rows(400), settings={"data": {"test": 0}})
    assert "no new test rows; give more rows, or another share (data.test)" in none.refusal


def test_another_task_and_another_shape(tmp_path: Path) -> None:
    images = np.zeros((40, 8, 8, 3), np.uint8)
    np.savez(tmp_path / "images.npz", x=images, y=np.arange(40) % 2)
    settings = resolve_update()
    path = str(tmp_path / "images.npz")
    with pytest.raises(DataError, match="holds images, and .* classifies texts"):
        read_new_rows(base_model(tmp_path), path, old_rows(OLD), settings, 2)
    base = base_model(tmp_path, task="image", shape=(16, 16, 3), labels=("0", "1"))
    with pytest.raises(DataError, match="holds images of 8x8x3, and .* 16x16x3"):
        read_new_rows(base, path, old_rows(OLD), settings, 2)


def test_image_files_of_another_size_are_resized_and_said(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "colors", 20, side=24)
    base = base_model(tmp_path, task="image", shape=(16, 16, 3), labels=("blue", "green", "red"))
    note = "images keep the size they share, 16x16"
    base = replace(base, data={"notes": [note]})
    found = read_new_rows(base, str(folder), old_rows(OLD), resolve_update(), 2)
    assert any("other sizes (24x24) than those of the training, 16x16" in n for n in found.notes)
    assert found.refusal == ""
