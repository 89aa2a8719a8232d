"""Reads one table: CSV, JSON or Parquet, packed or not.

The content of texts is not checked here. Paths of images are checked here and opened later.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as paparquet

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import SplitName
from modelwright.data.image_files import format_of
from modelwright.data.readers.columns import Role, find_columns
from modelwright.data.readers.csv_tables import read_csv
from modelwright.data.readers.encodings import to_utf8
from modelwright.data.readers.image_tables import image_records
from modelwright.data.readers.json_tables import read_json
from modelwright.data.readers.packed import PACKED, read_packed
from modelwright.data.readers.split_column import read_split_column
from modelwright.data.readers.table_rows import TableRows, assemble
from modelwright.data.records import Column, Records
from modelwright.data.unused_settings import unused_settings

TEXT_TABLES = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
"""Extensions of tables of plain text, with their usual delimiter."""
JSON_TABLES = frozenset({".json", ".jsonl", ".ndjson"})
TABLE_EXTENSIONS = frozenset({*TEXT_TABLES, *JSON_TABLES, ".parquet"})
_STARTS = {
    b"\x1f\x8b": "a file packed with gzip",
    b"BZh": "a file packed with bzip2",
    b"\xfd7zXZ\0": "a file packed with xz",
    b"PK\x03\x04": "a zip file or a workbook (.xlsx)",
    b"\xd0\xcf\x11\xe0": "an old workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "a database",
}
"""First bytes of files that are no text, with what they are."""


def read_table(
    path: Path,
    config: DataConfig,
    *,
    split: SplitName | None = None,
    like: Mapping[Role, str] | None = None,
) -> Records:
    """Returns the rows of one table, packed (``.csv.gz``) or not.

    Args:
        path: A file with one of ``TABLE_EXTENSIONS``.
        config: Names of the columns, and how the file is written.
        split: Split of all rows; None to read it from a column.
        like: See ``find_columns``.

    Raises:
        DataError: The file is not readable, lacks a column, has broken quotes, or is in another
            encoding.
    """
    content: bytes | Path = path  # pyarrow reads only the columns that are used
    if path.suffix.lower() != ".parquet":
        try:
            content = read_packed(path)
        except OSError as error:
            raise DataError(f"{path} cannot be read ({error.strerror or error})") from None
    return read_table_content(content, path, table_name(path), config, split=split, like=like)


def read_table_content(
    content: bytes | Path,
    path: Path,
    name: str,
    config: DataConfig,
    *,
    split: SplitName | None = None,
    like: Mapping[Role, str] | None = None,
) -> Records:
    """Returns the rows of a table that is in memory, or of a Parquet file.

    Args:
        content: The bytes of the table, or the path of a Parquet file.
        path: The file that they come from; paths of images are relative to its folder.
        name: Name of the table, with one of ``TABLE_EXTENSIONS``.
        config: As for ``read_table``.
        split: As for ``read_table``.
        like: As for ``read_table``.

    Raises:
        DataError: As for ``read_table``.
    """
    rows = _read_rows(content, name, config, like)
    rows = rows.with_notes(*unused_settings(config, _kind(name)))

    def origin(row: int) -> str:
        return f"{name} row {rows.number(row)}"

    splits: list[SplitName | None] | None = None
    if split is not None:
        splits = [split] * len(rows.labels)
    elif rows.splits is not None and rows.columns is not None and rows.columns.split is not None:
        found = read_split_column(rows.splits, rows.columns.names[rows.columns.split], name, config)
        splits, rows = found.splits, rows.with_notes(found.note)
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
        notes=rows.notes,
        columns=None if rows.columns is None else rows.columns.chosen(),
    )


def table_name(path: Path) -> str:
    """Returns the name of a table without the extension of its packing."""
    return path.stem if path.suffix.lower() in PACKED else path.name


def is_table(path: Path) -> bool:
    """Returns whether a file is a table by its name, packed or not."""
    return Path(table_name(path)).suffix.lower() in TABLE_EXTENSIONS


def _kind(name: str) -> str:
    """Returns the kind of a table for ``unused_settings``."""
    suffix = Path(name).suffix.lower()
    if suffix in TEXT_TABLES:
        return "text tables"
    return "JSON" if suffix in JSON_TABLES else "Parquet"


def _check_content(data: bytes, name: str) -> None:
    """Checks that a text table is not another kind of file under its name.

    Raises:
        DataError: It is packed, a workbook, an image or a Parquet file.
    """
    found = next((kind for start, kind in _STARTS.items() if data.startswith(start)), None)
    if kind := found or format_of(data[:16].ljust(16)):
        if kind == "BMP":  # two letters are no proof
            return
        raise DataError(
            f"{name} is {found or f'an image ({kind})'} under another name; rename it, or save "
            "the table as CSV in UTF-8"
        )


def _read_rows(
    content: bytes | Path, name: str, config: DataConfig, like: Mapping[Role, str] | None
) -> TableRows:
    suffix = Path(name).suffix.lower()
    if suffix == ".parquet" or isinstance(content, Path):
        return _read_parquet(content, name, config, like)
    _check_content(content, name)
    data = to_utf8(content, config.encoding, name)
    if not data or data.isspace():
        what = "objects" if suffix in JSON_TABLES else "a header and rows"
        raise DataError(f"{name} is empty; expected {what}")
    if suffix in JSON_TABLES:
        return read_json(data, name, config, like)
    return read_csv(data, name, config, TEXT_TABLES[suffix], like)


def _read_parquet(
    content: bytes | Path, name: str, config: DataConfig, like: Mapping[Role, str] | None
) -> TableRows:
    try:
        source = content if isinstance(content, Path) else pa.BufferReader(content)
        file = paparquet.ParquetFile(source)
        names = _names(file.schema_arrow)
        columns = find_columns(names, config, name, like)
        wanted = [names[position] for position in columns.wanted()]
        if len(set(names)) < len(names):
            table = file.read()  # columns of one name can only be told apart by their position
            top = table.num_columns
            found = [
                table.column(at) if at < top else _column(table, names[at])
                for at in columns.wanted()
            ]
        else:
            table = file.read(columns=wanted)
            found = [_column(table, key) for key in wanted]
        table = pa.table(found, wanted)
        table.validate(full=True)
        order = _class_names(file.schema_arrow.metadata, names[columns.label])
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} is not a readable Parquet file ({error})") from None
    return assemble(table, columns, None, 1, (), name, order)


def _names(fields: Iterable[Any], prefix: str = "") -> list[str]:
    """Returns the names of columns; those of nested ones follow, as ``data.text``."""
    fields = list(fields)
    names = [f"{prefix}{field.name}" for field in fields]
    for field in fields:
        if pa.types.is_struct(field.type):
            names += _names(field.type.fields, f"{prefix}{field.name}.")
    return names


def _column(table: Any, key: str) -> Any:
    if key in table.column_names:
        return table.column(key)
    outer, *inner = key.split(".")
    return pc.struct_field(table.column(outer), inner)


def _class_names(metadata: Any, column: str) -> tuple[str, ...] | None:
    """Returns the names of an integer label, which Hugging Face datasets store in the schema."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return tuple(str(name) for name in features[column]["names"])
    except (KeyError, ValueError, TypeError):
        return None
