"""What every reader gives back: rows as found, before cleaning, decoding and splitting.

It reads and rejects nothing; ``load.py`` has that done, once, for every reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, SplitName, Task, UInt8Array

Encoded = Path | bytes
"""A picture that is not decoded yet: its file, or the file's bytes."""

Column: TypeAlias = Any
"""Text of each row: a ``list[str]``, a numpy array of str or a pyarrow array of strings.

A null is allowed and is rejected later, as is an empty text. pyarrow has no types of its own.
"""

Values: TypeAlias = Column | UInt8Array | list[Encoded]


@dataclass(frozen=True)
class Records:
    """The rows of one source.

    Attributes:
        task: What kind of rows they are.
        values: Texts (``Column``), pictures already decoded (uint8 ``[n, h, w, c]``) or
            pictures still encoded (``list[Encoded]``).
        labels: The name of each row's class.
        splits: The given split of each row; None for a row, or for all, where there is none.
        origin: From a row's position to where it came from, for a person: ``train.csv row 17``
            (rows counted as a spreadsheet does: the header is row 1), ``cats/003.png``,
            ``cifar10 train 17``.
        source: What was read, for a person.
        rejected: Rows that could not be read at all and so are not among ``values``.
        label_order: A source's own order of classes; None to sort the names.
        notes: What was decided while reading, for a person.
    """

    task: Task
    values: Values
    labels: Column
    splits: Sequence[SplitName | None] | None
    origin: Callable[[int], str]
    source: str
    rejected: tuple[Rejected, ...] = ()
    label_order: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def with_notes(self, *notes: str) -> Records:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def join(parts: Sequence[Records], source: str) -> Records:
    """Several as one, in their order; the order of classes stays where all agree on it.

    Raises:
        DataError: texts and pictures, or arrays of pictures of different shapes.
    """
    if len(parts) == 1:
        return parts[0]
    kinds = {_kind(part) for part in parts}
    if len(kinds) > 1:
        found = "; ".join(f"{part.source} has {_kind(part)}" for part in parts)
        raise DataError(f"sources cannot be read as one: {found}; expected one kind and shape")
    orders = {part.label_order for part in parts}
    starts = np.cumsum([0, *(len(part) for part in parts)])
    splits: list[SplitName | None] = []
    for part in parts:
        splits += part.splits if part.splits is not None else [None] * len(part)

    def origin(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return parts[at].origin(row - int(starts[at]))

    return Records(
        task=parts[0].task,
        values=_joined([part.values for part in parts]),
        labels=pa.concat_arrays([as_strings(part.labels) for part in parts]),
        splits=splits if any(part.splits is not None for part in parts) else None,
        origin=origin,
        source=source,
        rejected=tuple(row for part in parts for row in part.rejected),
        label_order=orders.pop() if len(orders) == 1 else None,
        notes=tuple(note for part in parts for note in part.notes),
    )


def as_strings(values: Column) -> Any:
    """A column as a pyarrow large_string array; a text that is not valid Unicode becomes null."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values.cast(pa.large_string())
    try:
        return pa.array(values, pa.large_string())
    except (UnicodeEncodeError, pa.ArrowException):
        return pa.array([_valid(value) for value in values], pa.large_string())


def _kind(part: Records) -> str:
    if part.task == "text":
        return "texts"
    if isinstance(part.values, np.ndarray):
        return f"arrays of {'x'.join(str(side) for side in part.values.shape[1:])} pictures"
    return "picture files"


def _joined(values: list[Any]) -> Any:
    if isinstance(values[0], np.ndarray) and values[0].dtype == np.uint8:
        return np.concatenate(values)
    if all(isinstance(part, list) for part in values):
        return [value for part in values for value in part]
    return pa.concat_arrays([as_strings(part) for part in values])


def _valid(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text
