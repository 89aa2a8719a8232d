"""What every reader returns: rows as found, before cleaning, decoding and splitting.

Nothing is read or rejected here. ``load.py`` cleans the rows of all readers in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, SplitName, Task, UInt8Array

Encoded = Path | bytes
"""An image that is not decoded yet: its file, or the bytes of the file."""

Column: TypeAlias = Any
"""The text of each row: a ``list[str]``, a numpy array of str or a pyarrow array of strings.

A null is allowed and is rejected later, like an empty text. pyarrow has no types of its own.
"""

Values: TypeAlias = Column | UInt8Array | list[Encoded]


@dataclass(frozen=True)
class Records:
    """The rows of one source.

    Attributes:
        task: The kind of rows.
        values: Texts (``Column``), decoded images (uint8 ``[n, h, w, c]``) or encoded images
            (``list[Encoded]``).
        labels: Name of the class of each row.
        splits: Split of each row, as the source gives it. None for a row without a split, or for
            all rows.
        origin: Maps the position of a row to where it came from: ``train.csv row 17`` (counted as
            in a spreadsheet: the header is row 1), ``cats/003.png``, ``cifar10 train 17``.
        source: Name of the source, for messages.
        rejected: Rows that could not be read at all. They are not among ``values``.
        label_order: The source's own order of classes; None to sort the names.
        notes: Decisions made while reading, for messages.
        columns: Names of the columns of a table that were read, by what they hold.
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
    columns: Mapping[Any, str] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def with_notes(self, *notes: str) -> Records:
        """Returns the same rows with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def join_records(parts: Sequence[Records], source: str) -> Records:
    """Returns several sources as one, in their order.

    The order of classes stays if all sources agree on it.

    Raises:
        DataError: The sources mix texts and images, or arrays of images of different shapes.
    """
    if len(parts) == 1:
        return parts[0]
    kinds = {_kind(part) for part in parts}
    if len(kinds) > 1:
        found = "; ".join(f"{part.source} has {_kind(part)}" for part in parts)
        raise DataError(f"sources cannot be read as one: {found}; expected one kind and shape")
    orders = {part.label_order for part in parts}
    lengths = [len(part) for part in parts]
    splits: list[SplitName | None] = []
    for part in parts:
        splits += part.splits if part.splits is not None else [None] * len(part)

    def origin(row: int) -> str:
        part, position = find_part(lengths, row)
        return parts[part].origin(position)

    return Records(
        task=parts[0].task,
        values=_join_values([part.values for part in parts]),
        labels=pa.concat_arrays([as_strings(part.labels) for part in parts]),
        splits=splits if any(part.splits is not None for part in parts) else None,
        origin=origin,
        source=source,
        rejected=tuple(row for part in parts for row in part.rejected),
        label_order=orders.pop() if len(orders) == 1 else None,
        notes=_join_notes(parts),
    )


def find_part(lengths: Sequence[int], row: int) -> tuple[int, int]:
    """Returns which of several parts holds a row, and the row's position in that part.

    Args:
        lengths: Number of rows of each part.
        row: Position among the rows of all parts.
    """
    ends = np.cumsum(lengths)
    part = int(np.searchsorted(ends, row, side="right"))
    return part, row - int(ends[part] - lengths[part])


def as_strings(values: Column) -> Any:
    """Returns a column as a pyarrow large_string array. Text that is not Unicode becomes null."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pa.Array):
        return values.cast(pa.large_string())
    try:
        return pa.array(values, pa.large_string())
    except (UnicodeEncodeError, pa.ArrowException):
        return pa.array([_valid_text(value) for value in values], pa.large_string())


def _join_notes(parts: Sequence[Records]) -> tuple[str, ...]:
    """Returns the notes of all parts; one that only some have begins with their names."""
    owners: dict[str, list[str]] = {}
    for part in parts:
        for note in dict.fromkeys(part.notes):
            owners.setdefault(note, []).append(Path(part.source).name)
    return tuple(
        note if len(names) == len(parts) else f"{', '.join(names[:3])}: {note}"
        for note, names in owners.items()
    )


def _kind(part: Records) -> str:
    if part.task == "text":
        return "texts"
    if isinstance(part.values, np.ndarray):
        return f"arrays of {'x'.join(str(side) for side in part.values.shape[1:])} images"
    return "image files"


def _join_values(values: list[Any]) -> Any:
    if isinstance(values[0], np.ndarray) and values[0].dtype == np.uint8:
        return np.concatenate(values)
    if all(isinstance(part, list) for part in values):
        return [value for part in values for value in part]
    return pa.concat_arrays([as_strings(part) for part in values])


def _valid_text(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return None
    return text
