"""Reads a folder of Parquet files as one table, in the order of the files' names."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.data.readers.parquet_parts import check_parts, parts_note
from modelwright.scoring.chunks import FAULT, regroup
from modelwright.scoring.parquet_source import ParquetSource


class ParquetParts:
    """The rows of all files. A column that has no value in one file has the type of the others."""

    first_row = 1

    def __init__(self, folder: Path, parts: Sequence[Path]) -> None:
        """Reads the schemas.

        Raises:
            DataError: The files are not one table, or one of them is damaged.
        """
        check_parts(folder, parts)
        self._paths = list(parts)
        self._sources = [ParquetSource(path) for path in parts]
        self._starts = [0, *accumulate(source.rows for source in self._sources)]
        self.rows = self._starts[-1]
        self.names = self._sources[0].names
        named = [pa.schema(list(map(_named, source.schema, source.names))) for source in
                 self._sources]  # fmt: skip
        try:
            self._named = pa.unify_schemas(named, promote_options="permissive")
        except pa.ArrowException as error:
            raise DataError(
                f"the files in {folder} are not one table: their types differ ({error}); give the"
                " path of one"
            ) from None
        fields = [self._named.field(name).with_name(str(at)) for at, name in enumerate(self.names)]
        self.schema = pa.schema(fields)
        self.metadata: dict[bytes, bytes] = {}
        self.notes = [parts_note(folder, len(parts))]

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows with columns by position, and the part that was read."""
        done = 0
        parts = (self._tables_of(source, rows) for source in self._sources)
        for table in regroup(chain.from_iterable(parts), rows):
            done += len(table)
            yield table, done / max(self.rows, 1)

    def listing(self) -> Iterator[str]:
        """Yields a line for each file that changes if the file does."""
        for path in self._paths:
            status = path.stat()
            yield f"{path.name}\0{status.st_size}\0{status.st_mtime_ns}\n"

    def row_name(self, row: int) -> str:
        """Returns how a person finds a row, by its position."""
        part = min(bisect_right(self._starts, row), len(self._paths)) - 1
        return f"{self._paths[part].name} row {row - self._starts[part] + self.first_row}"

    def _tables_of(self, source: ParquetSource, rows: int) -> Iterator[Any]:
        """Yields the rows of one file, with the columns in the order and types of all."""
        schema = pa.schema([*self.schema, pa.field(FAULT, pa.string())])
        places = [source.names.index(name) for name in self.names]
        for table, _ in source.tables(rows):
            columns = [table.column(place) for place in places]
            found = pa.table([*columns, table.column(FAULT)], schema.names)
            yield found.cast(schema)


def _named(field: Any, name: str) -> Any:
    return field.with_name(name)
