"""Rows that a list names are left out of training and validation, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.spreadsheet import safe_cell
from modelwright.core.types import Dataset
from modelwright.data.dropped_rows import hex_digests
from modelwright.data.load import load_data
from sample_data import sentences, write_csv


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", sentences(60), ("text", "label"))


def load(rows: Path, content: str | None = None, **more: Any) -> Dataset:
    drop: str | list[str] = []
    if content is not None:
        drop = str(rows.with_name("drop.csv"))
        Path(drop).write_text(content, "utf-8")
    return load_data(DataConfig(source=str(rows), drop=drop, **more))


def origins(data: Dataset, split: Any) -> list[str]:
    rows = data.splits[split].inputs
    return [rows.origin(at) for at in range(len(rows))]


def test_rows_are_found_by_origin_and_test_rows_stay(rows: Path) -> None:
    before = load(rows)
    train, val, test = (origins(before, name) for name in ("train", "val", "test"))
    listed = [train[3], val[0], test[0]]
    after = load(rows, "origin\n" + "\n".join(listed) + "\n")
    assert origins(after, "train") == [one for one in train if one != train[3]]
    assert origins(after, "val") == val[1:]
    assert origins(after, "test") == test
    assert after.fingerprint != before.fingerprint
    assert after.dropped is not None
    counts = {key: value for key, value in after.dropped.items() if key != "files"}
    assert counts == {"listed": 3, "dropped": 2, "kept_test_rows": 1, "not_found": 0}
    assert len(after.dropped["files"][0]["sha256"]) == 64
    assert any("1 listed rows are test rows and stay" in note for note in after.notes)


def test_a_content_hash_finds_a_row_that_moved(rows: Path) -> None:
    before = load(rows)
    split = before.splits["train"]
    content, label = hex_digests(split.digests)[5], before.labels[split.labels[5]]
    text = split.inputs.raw(5)
    write_csv(rows, [("a new first row", "pos"), *sentences(60)], ("text", "label"))
    wrong_place = split.inputs.origin(0)
    after = load(rows, f"origin,label,digest\n{wrong_place},{label},{content.upper()}\n")
    left = after.splits["train"].inputs.take(np.arange(len(after.splits["train"])))
    assert text not in left
    assert after.dropped is not None
    assert after.dropped["dropped"] == 1


def test_only_the_row_with_the_listed_label_is_left_out(tmp_path: Path) -> None:
    twice = [*sentences(40), ("both ways", "pos"), ("both ways", "neg")]
    rows = write_csv(tmp_path / "rows.csv", twice, ("text", "label"))
    content = hex_digests(load(rows, val=0, test=0).splits["train"].digests)[-1]
    after = load(rows, f"digest,label\n{content},neg\n", val=0, test=0)
    split = after.splits["train"]
    kept = [
        after.labels[label]
        for label, text in zip(split.labels, split.inputs.take(np.arange(len(split))), strict=True)
        if text == "both ways"
    ]
    assert kept == ["pos"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_spreadsheet_may_have_saved_the_list_again(rows: Path, delimiter: str) -> None:
    place = origins(load(rows), "train")[0]
    header, cells = ["Origin", "text"], [place, '"a, b; c"']
    content = f"\ufeff{delimiter.join(header)}\r\n{delimiter.join(cells)}\r\n"
    after = load(rows, content)
    assert after.dropped is not None
    assert after.dropped["dropped"] == 1


def test_an_origin_like_a_formula_is_found(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "=rows.csv", sentences(40), ("text", "label"))
    place = origins(load(rows), "train")[0]
    assert place.startswith("=")
    after = load(rows, f"origin\n{safe_cell(place)}\n")
    assert after.dropped is not None
    assert after.dropped["dropped"] == 1


def test_rows_that_are_not_there_are_counted(rows: Path) -> None:
    place = origins(load(rows), "train")[0]
    after = load(rows, f"origin\n{place}\nother.csv row 7\n")
    assert any("1 rows listed in drop.csv are not in" in note for note in after.notes)


def test_a_list_without_rows_changes_nothing(rows: Path) -> None:
    assert load(rows, "origin,label\n").fingerprint == load(rows).fingerprint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,score\na,1\n", "has the columns name, score; expected a CSV file with the column"),
        ("", "has the columns none"),
        ("origin\nother.csv row 3\n", "none of the 1 rows listed in drop.csv"),
        ("digest\nabc\n", "line 2 has the digest 'abc'; expected 32 hexadecimal digits"),
        ("origin,label\n,pos\n", "line 2 names no row"),
        ('origin\n"open\n', "is not CSV"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(rows: Path, content: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(rows, content)


def test_a_list_with_other_labels_is_of_other_data(rows: Path) -> None:
    place = origins(load(rows), "train")[0]
    with pytest.raises(DataError, match="with that label; the list is of other data"):
        load(rows, f"origin,label\n{place},five stars\n")


@pytest.mark.parametrize("name", ["gone.csv", "."])
def test_a_list_that_cannot_be_read_is_named(rows: Path, name: str) -> None:
    with pytest.raises(DataError, match="given as data.drop"):
        load_data(DataConfig(source=str(rows), drop=str(rows.parent / name)))


def test_a_list_in_another_encoding_is_refused(rows: Path) -> None:
    path = rows.with_name("drop.csv")
    path.write_bytes("origin\n好".encode("utf-16"))
    with pytest.raises(DataError, match="it is not UTF-8"):
        load_data(DataConfig(source=str(rows), drop=str(path)))


def test_a_class_may_not_lose_all_of_its_rows(rows: Path) -> None:
    before = load(rows, val=0, test=0)
    split = before.splits["train"]
    listed = [split.inputs.origin(at) for at in np.flatnonzero(split.labels == 0)]
    with pytest.raises(DataError, match="no training rows of 'neg'"):
        load(rows, "origin\n" + "\n".join(listed), val=0, test=0)
