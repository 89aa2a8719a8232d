"""The columns of a table that are used, in the form that every table reader returns.

Labels of any plain type become text. Nothing else is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, Task
from modelwright.data.readers.columns import Columns


@dataclass(frozen=True)
class TableRows:
    """The columns of one file that are used, each ``[n]``.

    Attributes:
        task: The kind of ``values``.
        values: A pyarrow array: large_string, or binary or struct for images in Parquet.
        labels: large_string; null for a row without a label.
        splits: large_string or None.
        numbers: Number of each row in the file, as a person counts: the header of a CSV file is
            row 1, the first line of JSON Lines is row 1. None for consecutive rows.
        first: Number of the first row if ``numbers`` is None.
        rejected: Rows that could not be read.
        label_order: Order of the classes, from Parquet written by Hugging Face datasets.
    """

    task: Task
    values: Any
    labels: Any
    splits: Any | None
    numbers: Sequence[int] | None
    first: int
    rejected: tuple[Rejected, ...] = ()
    label_order: tuple[str, ...] | None = None

    def number(self, row: int) -> int:
        """Returns the number of a row in the file."""
        return self.first + row if self.numbers is None else int(self.numbers[row])


def assemble(
    table: Any,
    columns: Columns,
    numbers: Sequence[int] | None,
    first: int,
    rejected: tuple[Rejected, ...],
    name: str,
    order: tuple[str, ...] | None = None,
) -> TableRows:
    """Returns the rows of a pyarrow table with the columns value, label and possibly split.

    Without labels, the values take their place.

    Raises:
        DataError: The texts are not strings, or the labels are neither names nor integers.
    """
    value = _combine(table.column(0))
    if columns.task == "text":
        if not (pa.types.is_string(value.type) or pa.types.is_large_string(value.type)):
            raise DataError(f"{name} has texts of the type {value.type}; expected strings")
        value = value.cast(pa.large_string())
    splits = None if columns.split is None else _combine(table.column(2))
    labeled = columns.label != columns.value
    return TableRows(
        task=columns.task,
        values=value,
        labels=_label_texts(_combine(table.column(1)), order, name) if labeled else value,
        splits=None if splits is None else _label_texts(splits, None, name),
        numbers=numbers,
        first=first,
        rejected=rejected,
        label_order=order,
    )


def _combine(column: Any) -> Any:
    """Returns a column as one array, of a plain type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind):
        column = column.cast(pa.large_string())
    elif pa.types.is_binary(kind):
        column = column.cast(pa.large_binary())
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([], kind)
    return combined


def _label_texts(column: Any, order: tuple[str, ...] | None, name: str) -> Any:
    kind = column.type
    if pa.types.is_floating(kind):
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid:
            raise DataError(
                f"{name} has labels with fractions; expected names or numbers of classes"
            ) from None
    elif not (
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_null(kind)
    ):
        raise DataError(f"{name} has labels of the type {kind}; expected names or integers")
    if order is not None and pa.types.is_integer(kind):
        known = dict(enumerate(order))
        return pa.array([known.get(number) for number in column.to_pylist()], pa.large_string())
    return column.cast(pa.large_string())
