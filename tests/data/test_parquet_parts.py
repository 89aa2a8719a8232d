"""A folder of Parquet files that is one table in parts, for training and for scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as paparquet
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.dispatch import read_sources
from modelwright.data.load import load_data
from modelwright.scoring.inputs import open_input


def write(path: Path, **columns: list[Any]) -> None:
    paparquet.write_table(pa.table(columns), path)


def read(folder: Path) -> Any:
    return read_sources(DataConfig(source=str(folder)))


def scored(folder: Path) -> list[tuple[Any, ...]]:
    """The rows that ``predict`` asks about, with all their columns."""
    opened = open_input(folder, "text", DataConfig(), None, ".csv")
    tables = [table for table, _ in opened.source.tables(3)]
    assert all(len(table) == 3 for table in tables[:-1])
    pairs = [(table.column(0).to_pylist(), table.column(1).to_pylist()) for table in tables]
    return [row for pair in pairs for row in zip(*pair, strict=True)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two parts: the columns in another order, and no label in the first."""
    found = tmp_path / "parts"
    found.mkdir()
    write(found / "a.parquet", text=["one", "two"], label=pa.nulls(2, pa.null()))
    write(found / "b.parquet", label=["x", "y", None, "x"], text=["three", "four", "five", "six"])
    (found / "_SUCCESS").touch()
    (found / ".a.parquet.partial").touch()
    return found


def test_parts_are_read_as_one_table_in_the_order_of_their_names(folder: Path) -> None:
    records = read(folder)
    assert records.values.to_pylist() == ["one", "two", "three", "four", "five", "six"]
    assert records.labels.to_pylist() == [None, None, "x", "y", None, "x"]
    assert [records.origin(row) for row in (1, 2)] == ["a.parquet row 2", "b.parquet row 1"]
    assert "2 Parquet files in parts are read as one table" in records.notes
    (folder / "a.parquet").unlink()
    assert "the one Parquet file in parts is read as one table" in read(folder).notes


def test_rows_without_a_label_are_left_out_and_counted(folder: Path) -> None:
    data = load_data(DataConfig(source=str(folder), val=0, test=0))
    assert data.counts() == {"train": 3}
    assert len(data.rejected) == 3
    (folder / "b.parquet").unlink()
    with pytest.raises(DataError, match="label"):
        load_data(DataConfig(source=str(folder), val=0, test=0))


def test_parts_are_scored_in_the_same_order_with_every_column(folder: Path) -> None:
    assert scored(folder) == [
        *(("one", None), ("two", None), ("three", "x"), ("four", "y"), ("five", None)),
        ("six", "x"),
    ]
    opened = open_input(folder, "text", DataConfig(), None, ".csv")
    assert opened.row_name(1) == "a.parquet row 2" and opened.row_name(2) == "b.parquet row 1"
    assert opened.notes == ["2 Parquet files in parts are read as one table"]
    before = opened.fingerprint(), opened.signature()
    write(folder / "c.parquet", text=["new"], label=["x"])
    again = open_input(folder, "text", DataConfig(), None, ".csv")
    assert again.fingerprint() != before[0] and again.signature() != before[1]


def test_files_that_are_not_one_table_are_refused(folder: Path) -> None:
    write(folder / "c.parquet", text=["new"], stars=[3])
    for use in (read, scored):
        with pytest.raises(DataError, match=r"c.parquet and a.parquet differ in the columns label"):
            use(folder)
    (folder / "c.parquet").write_bytes(b"PAR1 and not")
    for use in (read, scored):
        with pytest.raises(DataError, match=r"c.parquet is not a readable Parquet file"):
            use(folder)
    write(folder / "c.parquet", text=["new"], label=[{"a": 1}])
    with pytest.raises(DataError, match="their types differ"):
        scored(folder)


@pytest.mark.parametrize("other", ["notes.txt", "table.csv", "images/"])
def test_other_files_make_it_another_kind_of_folder(folder: Path, other: str) -> None:
    (folder / other).mkdir() if other.endswith("/") else (folder / other).write_text("text,label")
    with pytest.raises(DataError):
        read(folder)
    with pytest.raises(ConfigError, match="or a folder of Parquet files and nothing else"):
        scored(folder)


def test_a_file_that_is_named_after_a_split_is_no_part(folder: Path) -> None:
    write(folder / "test.parquet", text=["new"], label=["x"])
    with pytest.raises(DataError, match=r"holds tables and no train.csv"):
        read(folder)
    write(folder / "train.parquet", text=["a", "b"], label=["x", "y"])
    assert read(folder).splits == ["test", "train", "train"]


def test_images_in_parts_are_read_and_scored(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.parquet", image=[name.encode()], label=["x"])
    assert read(tmp_path).values == [b"a", b"b"]
    opened = open_input(tmp_path, "image", DataConfig(), None, ".csv")
    asked = [value for chunk in opened.chunks() for value in chunk.questions.column(1).to_pylist()]
    assert asked == [b"a", b"b"]
