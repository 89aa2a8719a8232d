from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.types import Dataset
from modelwright.data.load import load_data
from sample_data import write_csv


def rows(count: int = 60) -> list[tuple[str, str]]:
    return [(f"text {at}", "ab"[at % 2]) for at in range(count)]


def load(folder: Path, texts: list[tuple[str, ...]], **config: object) -> Dataset:
    names = ("text", "mark")[: len(texts[0])]
    unlabelled = write_csv(folder / "more.csv", texts, names)
    source = write_csv(folder / "a.csv", rows(), ("text", "label"))
    return load_data(DataConfig(source=str(source), unlabelled=str(unlabelled), **config))


def unlabeled_texts(data: Dataset) -> list[str]:
    assert data.unlabelled is not None
    return data.unlabelled.take(np.arange(len(data.unlabelled)))


@pytest.mark.parametrize("texts", [[("one",), ("two",)], [("one", "x"), ("two", "")]])
def test_a_table_needs_no_labels(texts: list[tuple[str, ...]], tmp_path: Path) -> None:
    data = load(tmp_path, texts)
    assert unlabeled_texts(data) == ["one", "two"]
    assert data.unlabelled is not None and data.unlabelled.origin(1) == "more.csv row 3"
    assert sum(data.counts().values()) == 60, "the splits are as without them"
    assert data.notes[-1].startswith("2 texts without labels, of ")


def test_existing_labels_are_not_read(tmp_path: Path) -> None:
    other = write_csv(tmp_path / "b.csv", [("good", "c"), ("bad", "")], ("text", "label"))
    source = write_csv(tmp_path / "a.csv", rows(), ("text", "label"))
    data = load_data(DataConfig(source=str(source), unlabelled=[str(other)]))
    assert unlabeled_texts(data) == ["good", "bad"] and data.labels == ("a", "b")
    assert not data.rejected


def test_held_out_rows_are_left_out_and_training_rows_stay(tmp_path: Path) -> None:
    data = load(tmp_path, [("new",), *((text,) for text, _ in rows())])
    counts = data.counts()
    assert counts["val"] and counts["test"]
    assert len(unlabeled_texts(data)) == 1 + counts["train"]
    held_out = {
        text
        for name in ("val", "test")
        for text in data.splits[name].inputs.take(np.arange(counts[name]))  # type: ignore[index]
    }
    assert not held_out & set(unlabeled_texts(data))
    assert f"{len(held_out)} texts of " in data.notes[-1] and "left out" in data.notes[-1]
    # With a limit, too: a row that the limit leaves out of the test is still one of the test.
    few = load(tmp_path, [("new",), *((text,) for text, _ in rows())], limit=50)
    assert not held_out & set(unlabeled_texts(few))


def test_bad_texts_are_rejected_and_listed(tmp_path: Path) -> None:
    data = load(tmp_path, [("one",), (" ",), ("x" * 30,)], max_characters=20)
    assert unlabeled_texts(data) == ["one"]
    assert [(row.origin, row.reason.split()[2]) for row in data.rejected] == [
        ("more.csv row 3", "empty"),
        ("more.csv row 4", "text"),
    ]


def test_the_limit_and_the_fingerprint_depend_on_content(tmp_path: Path) -> None:
    texts = [(f"more {at}",) for at in range(9)]
    data = load(tmp_path, texts)
    assert load(tmp_path, texts[::-1]).fingerprint == data.fingerprint
    assert load(tmp_path, texts[:-1]).fingerprint != data.fingerprint
    few = load(tmp_path, texts, limit=4)
    assert len(unlabeled_texts(few)) == 4 and sorted(
        unlabeled_texts(load(tmp_path, texts[::-1], limit=4))
    ) == sorted(unlabeled_texts(few))


def test_unusable_sources_are_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no usable texts: 1 were rejected and 0 are held out"):
        load(tmp_path, [("",)])
    source = str(write_csv(tmp_path / "a.csv", rows(), ("text", "label")))
    images = str(write_csv(tmp_path / "p.csv", [("a.png",)], ("image",)))
    with pytest.raises(DataError, match="given as data.unlabelled, holds images"):
        load_data(DataConfig(source=source, unlabelled=images))
    other = str(write_csv(tmp_path / "o.csv", [("one", "x")], ("foo", "bar")))
    with pytest.raises(DataError, match=r"Columns: foo, bar.* rename the column in the file of"):
        load_data(DataConfig(source=source, unlabelled=other))
    with pytest.raises(DataError, match="no file, folder or named set 'nowhere.csv'"):
        load_data(DataConfig(source=source, unlabelled="nowhere.csv"))
    with pytest.raises((ConfigError, ValueError), match="label"):
        DataConfig(source=source, label="")
