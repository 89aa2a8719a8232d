"""Finds the Parquet files of a folder that are one table in parts, as Spark writes it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records, join_records

_SUFFIX = ".parquet"


def parquet_parts(folder: Path) -> list[Path]:
    """Returns the files of a table in parts, in the order of their names.

    The list is empty unless the folder holds Parquet files and nothing else. Hidden files, and
    those that begin with an underscore as ``_SUCCESS`` does, do not count.
    """
    entries = [
        path
        for path in sorted(folder.iterdir())
        if not is_hidden(path.name) and not path.name.startswith("_")
    ]
    alike = all(path.suffix.lower() == _SUFFIX and path.is_file() for path in entries)
    return entries if alike else []


def check_parts(folder: Path, parts: Sequence[Path]) -> None:
    """Checks that all parts have the same columns.

    Raises:
        DataError: one has others, or is no Parquet file.
    """
    first = None
    for path in parts:
        try:
            names = paparquet.read_schema(path).names
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path} is not a readable Parquet file ({error})") from None
        first = names if first is None else first
        if sorted(names) != sorted(first):
            other = set(names).symmetric_difference(first)
            raise DataError(
                f"the files in {folder} are not one table: {path.name} and {parts[0].name} differ"
                f" in the columns {', '.join(sorted(other)) or 'that occur twice'}; give the path"
                " of one, or name them train, val and test"
            )


def read_parts(folder: Path, parts: Sequence[Path], config: DataConfig) -> Records:
    """Returns the rows of all parts.

    Raises:
        DataError: The parts are not one table, or see ``read_table``.
    """
    check_parts(folder, parts)
    records = join_records([read_table(path, config) for path in parts], str(folder))
    return records.with_notes(parts_note(folder, len(parts)))


def parts_note(folder: Path, count: int) -> str:
    """Returns what is said about a folder that is read as one table."""
    files = f"{count:,} Parquet files" if count > 1 else "the one Parquet file"
    return f"{files} in {folder.name} {'are' if count > 1 else 'is'} read as one table"
