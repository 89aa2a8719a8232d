"""Reads a Parquet file of any size in chunks. Every column keeps its type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.errors import DataError
from modelwright.scoring.chunks import FAULT, no_faults, regroup


class ParquetSource:
    """The rows of one file. The first row is row 1."""

    first_row = 1

    def __init__(self, path: Path) -> None:
        """Reads the schema.

        Raises:
            DataError: The file is not Parquet, or is damaged.
        """
        self._path = path
        with self._open() as file:
            schema = file.schema_arrow
            self.rows = file.metadata.num_rows
        self.names = list(schema.names)
        fields = [schema.field(at).with_name(str(at)) for at in range(len(self.names))]
        self.schema = pa.schema(fields)
        self.metadata: dict[bytes, bytes] = dict(schema.metadata or {})

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows with columns by position, and the part that was read."""
        done = 0
        for table in regroup(self._batches(rows), rows):
            done += len(table)
            yield table, done / max(self.rows, 1)

    def _batches(self, rows: int) -> Iterator[Any]:
        with self._open() as file:
            try:
                for batch in file.iter_batches(batch_size=rows):
                    columns = [*batch.columns, no_faults(len(batch))]
                    fields = [*self.schema, pa.field(FAULT, pa.string())]
                    yield pa.Table.from_arrays(columns, schema=pa.schema(fields))
            except (pa.ArrowException, OSError) as error:
                raise DataError(f"{self._path.name} cannot be read to its end ({error})") from None

    def _open(self) -> Any:
        try:
            return paparquet.ParquetFile(self._path)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{self._path.name} is not a readable Parquet file ({error})") from None
