"""Chunks of rows: what is sent to the model at once, and what a stop may lose.

The chunks of a file depend on the file alone. So a run that goes on after a stop asks the model
the same questions in the same batches, and gets the same answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

FAULT = "\0fault"
"""The column of a table with the reasons why rows cannot be read."""
_LARGEST = 16 * 2**20
_FEWEST = 16


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows of the input.

    Attributes:
        table: The input's columns as they are, ``[n, columns]``, a pyarrow table.
        questions: What the model is asked, ``[n]``, a pyarrow record batch: ``text``, or ``json``
            for a line that holds it, or ``path`` and ``content`` of an image.
        faults: Why a row cannot be asked, ``[n]``, pyarrow strings; null for the others.
        fraction: The part of the input that has been read.
    """

    table: Any
    questions: Any
    faults: Any
    fraction: float

    def __len__(self) -> int:
        return len(self.faults)


def regroup(tables: Iterable[Any], rows: int) -> Iterator[Any]:
    """Yields the same rows in tables of ``rows`` rows; the last one may have fewer.

    Tables of more than 16 MiB are halved, so that long texts do not fill the memory.
    """
    waiting: list[Any] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += len(table)
        if count < rows:
            continue
        joined = pa.concat_tables(waiting)
        start = 0
        while count - start >= rows:
            yield from _halve(joined.slice(start, rows))
            start += rows
        waiting, count = [joined.slice(start)], count - start
    if count:
        yield from _halve(pa.concat_tables(waiting))


def _halve(table: Any) -> Iterator[Any]:
    if len(table) <= _FEWEST or table.nbytes <= _LARGEST:
        yield table
        return
    half = len(table) // 2
    yield from _halve(table.slice(0, half))
    yield from _halve(table.slice(half))


def as_array(column: Any) -> Any:
    """Returns a column as one array; without a copy if it has one chunk."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if not column.num_chunks:
        return pa.array([], column.type)
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def is_text(kind: Any) -> bool:
    """Returns whether values of a type are strings, in whichever way they are stored."""
    types = pa.types
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_bytes(kind: Any) -> bool:
    """Returns whether values of a type are bytes, in whichever way they are stored."""
    types = pa.types
    sized = types.is_binary(kind) or types.is_large_binary(kind)
    return bool(sized or types.is_binary_view(kind) or types.is_fixed_size_binary(kind))


def no_faults(count: int) -> Any:
    """Returns the faults of rows without any."""
    return pa.nulls(count, pa.string())
