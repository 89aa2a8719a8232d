"""Reads tables: one file, or a folder with a file for each split.

The content of texts is not checked here. Paths of images are checked here and opened later.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, SplitName
from modelwright.data.readers.columns import find_columns
from modelwright.data.readers.csv_tables import read_csv
from modelwright.data.readers.encodings import to_utf8
from modelwright.data.readers.folders import SPLIT_NAMES
from modelwright.data.readers.json_tables import read_json_lines
from modelwright.data.readers.table_rows import TableRows, assemble
from modelwright.data.records import Column, Encoded, Records, join_records

TABLE_EXTENSIONS = frozenset({".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet"})


def split_files(folder: Path) -> dict[Path, SplitName]:
    """Returns the tables of a folder that are named after splits, such as ``train.csv``."""
    found: dict[Path, SplitName] = {}
    for path in sorted(folder.iterdir()):
        split = SPLIT_NAMES.get(path.stem.lower().partition("-")[0])
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
        return _image_records(rows, splits, origin, path)
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
    known.update(SPLIT_NAMES.items())
    folded = [None if value is None else value.strip().lower() for value in values]
    unknown = next((value for value in folded if value not in known), None)
    if unknown is None:
        return [known[value] for value in folded]
    if config.split is None:
        return None
    raise DataError(
        f"{name} has '{unknown[:40]}' in the column '{config.split}' (data.split); expected "
        f"{', '.join(SPLIT_NAMES)}"
    )


def _image_records(
    rows: TableRows,
    splits: Sequence[SplitName | None] | None,
    origin: Callable[[int], str],
    path: Path,
) -> Records:
    """Returns rows whose images are paths, bytes, or a struct of both, as Hugging Face writes."""
    found = [_find_image(value, path.parent) for value in rows.values.to_pylist()]
    usable = [row for row, image in enumerate(found) if not isinstance(image, str)]
    rejected = [
        Rejected(origin(row), reason) for row, reason in enumerate(found) if isinstance(reason, str)
    ]
    values: list[Encoded] = [image for image in found if not isinstance(image, str)]
    return Records(
        task="image",
        values=values,
        labels=rows.labels.take(pa.array(usable, pa.int64())),
        splits=None if splits is None else [splits[row] for row in usable],
        origin=lambda row: origin(usable[row]),
        source=str(path),
        rejected=(*rows.rejected, *rejected),
        label_order=rows.label_order,
    )


def _find_image(value: Any, folder: Path) -> Encoded | str:
    """Returns the image of a cell, or why there is none."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return "has no image"
    path = folder / value.replace("\\", "/")
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
        exists = inside and path.is_file()
    except OSError:
        return "has a path that cannot be a file"
    if not inside:
        return f"has the path '{value[:100]}', outside the table's folder"
    return path if exists else f"has the path '{value[:100]}', where there is no file"
