"""Reads tables: one file, or a folder with a file for each split.

The content of texts is not checked here. Paths of images are checked here and opened later.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import SplitName
from modelwright.data.readers.columns import find_columns
from modelwright.data.readers.csv_tables import read_csv
from modelwright.data.readers.encodings import to_utf8
from modelwright.data.readers.image_tables import image_records
from modelwright.data.readers.json_tables import read_json_lines
from modelwright.data.readers.table_rows import TableRows, assemble
from modelwright.data.records import Column, Records, join_records
from modelwright.data.split_names import expected_split_names, read_split_names

TABLE_EXTENSIONS = frozenset({".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet"})


def split_files(folder: Path) -> dict[Path, SplitName]:
    """Returns the tables of a folder that are named after splits, such as ``train.csv``."""
    found: dict[Path, SplitName] = {}
    for path in sorted(folder.iterdir()):
        stem = path.stem.lower().partition("-")[0]
        split = read_split_names([stem]).get(stem)
        if split is not None and path.suffix.lower() in TABLE_EXTENSIONS and path.is_file():
            found[path] = split
    return found


def read_split_files(files: dict[Path, SplitName], folder: Path, config: DataConfig) -> Records:
    """Returns the tables that ``split_files`` found, as one source with splits.

    Raises:
        DataError: See ``read_table``.
    """
    parts = [read_table(path, config, split=split) for path, split in files.items()]
    records = join_records(parts, str(folder))
    others = sorted(
        path.name
        for path in folder.iterdir()
        if path.suffix.lower() in TABLE_EXTENSIONS and path not in files
    )
    if not others:
        return records
    verb = "is" if len(others) == 1 else "are"
    return records.with_notes(
        f"{', '.join(others)} in {folder.name} {verb} not read: no split's name"
    )


def read_table(path: Path, config: DataConfig, *, split: SplitName | None = None) -> Records:
    """Returns the rows of one table.

    Args:
        path: A file with one of ``TABLE_EXTENSIONS``.
        config: Names of the columns, and the encoding.
        split: Split of all rows; None to read it from a column.

    Raises:
        DataError: The file is not readable, lacks a column, has broken quotes, or is in another
            encoding.
    """
    rows = _read_file(path, config)

    def origin(row: int) -> str:
        return f"{path.name} row {rows.number(row)}"

    splits: list[SplitName | None] | None = None
    if split is not None:
        splits = [split] * len(rows.labels)
    elif rows.splits is not None:
        splits = _split_names(rows.splits, path.name, config)
    values: Column = rows.values
    if rows.task == "image":
        return image_records(rows, splits, origin, path, config)
    return Records(
        task="text",
        values=values,
        labels=rows.labels,
        splits=splits,
        origin=origin,
        source=str(path),
        rejected=rows.rejected,
        label_order=rows.label_order,
    )


def _read_file(path: Path, config: DataConfig) -> TableRows:
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        return _read_parquet(path, config)
    try:
        data = to_utf8(path.read_bytes(), config.encoding, path.name)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None
    if not data or data.isspace():
        raise DataError(f"{path.name} is empty; expected a header and rows")
    if suffix in (".jsonl", ".ndjson"):
        return read_json_lines(data, path.name, config)
    return read_csv(data, path.name, config, "\t" if suffix in (".tsv", ".tab") else None)


def _read_parquet(path: Path, config: DataConfig) -> TableRows:
    try:
        file = paparquet.ParquetFile(path)
        names = list(file.schema_arrow.names)
        columns = find_columns(names, config, path.name)
        wanted = [names[position] for position in columns.wanted()]
        table = file.read(columns=list(dict.fromkeys(wanted)))
        table.validate(full=True)
        order = _class_names(file.schema_arrow.metadata, names[columns.label])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path.name} is not a readable Parquet file ({error})") from None
    return assemble(table.select(wanted), columns, None, 1, (), path.name, order)


def _class_names(metadata: Any, column: str) -> tuple[str, ...] | None:
    """Returns the names of an integer label, which Hugging Face datasets store in the schema."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[column]["names"])
    except (KeyError, ValueError, TypeError):
        return None


def _split_names(column: Any, name: str, config: DataConfig) -> list[SplitName | None] | None:
    """Returns the split of each row, or None if the column does not hold splits."""
    values = column.to_pylist()
    known: dict[str | None, SplitName | None] = {None: None, "": None}
    known.update(read_split_names(value.strip().lower() for value in values if value))
    folded = [None if value is None else value.strip().lower() for value in values]
    unknown = next((value for value in folded if value not in known), None)
    if unknown is None:
        return [known[value] for value in folded]
    if config.split is None:
        return None
    raise DataError(
        f"{name} has '{unknown[:40]}' in the column '{config.split}' (data.split); expected "
        f"{expected_split_names()}"
    )
