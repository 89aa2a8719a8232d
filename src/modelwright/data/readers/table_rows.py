"""The columns of a table that are used, in the form that every table reader returns.

Labels of any plain type become text. Nothing else is changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
        columns: The columns that were read.
        notes: Decisions made while reading, for messages.
    """

    task: Task
    values: Any
    labels: Any
    splits: Any | None
    numbers: Sequence[int] | None
    first: int
    rejected: tuple[Rejected, ...] = ()
    label_order: tuple[str, ...] | None = None
    columns: Columns | None = None
    notes: tuple[str, ...] = ()

    def with_notes(self, *notes: str) -> TableRows:
        """Returns the same rows with more notes. Empty ones are left out."""
        return replace(self, notes=(*self.notes, *filter(None, notes)))

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
        DataError: The texts are not strings, or the labels are neither names nor numbers.
    """
    notes: list[str] = []
    value = _combine(table.column(0))
    if columns.task == "text":
        value = _texts(value, name, notes)
    splits = None if columns.split is None else _combine(table.column(2))
    labeled = columns.label != columns.value
    return TableRows(
        task=columns.task,
        values=value,
        labels=_label_texts(_combine(table.column(1)), order, name, notes) if labeled else value,
        splits=None if splits is None else _label_texts(splits, None, name, []),
        numbers=numbers,
        first=first,
        rejected=rejected,
        label_order=order,
        columns=columns,
        notes=(*columns.notes, *notes),
    )


def _combine(column: Any) -> Any:
    """Returns a column as one array, of a plain type."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_string_view(kind):
        kind = pa.large_string()
    elif pa.types.is_binary(kind) or pa.types.is_binary_view(kind):
        kind = pa.large_binary()
    elif pa.types.is_fixed_size_binary(kind):
        kind = pa.binary()
    combined = column.cast(kind).combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        combined = pa.concat_arrays(combined.chunks) if combined.num_chunks else pa.array([], kind)
    return combined


def _texts(column: Any, name: str, notes: list[str]) -> Any:
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        notes.append("the texts are stored as bytes and are read as UTF-8")
        return _decode(column)
    if not pa.types.is_large_string(kind):
        raise DataError(
            f"{name} has texts of the type {kind}; expected strings. Is it the right column "
            "(data.text)?"
        )
    return column


def _decode(column: Any) -> Any:
    """Returns bytes as texts; null for bytes that are not UTF-8."""
    try:
        texts = column.cast(pa.large_string())
        texts.validate(full=True)
        return texts
    except pa.ArrowInvalid:
        return pa.array([_utf8(value) for value in column.to_pylist()], pa.large_string())


def _utf8(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _label_texts(column: Any, order: tuple[str, ...] | None, name: str, notes: list[str]) -> Any:
    """Returns labels of any plain type as text: ``1`` for the number 1.0."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        column, kind = _single_entries(column, name, notes)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        try:
            column = column.cast(pa.int64())
        except pa.ArrowInvalid:  # fractions, or not a number
            values = [_number(value) for value in column.to_pylist()]
            column = pa.array(values, pa.large_string())
        kind = column.type
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return _decode(column)
    elif pa.types.is_temporal(kind):
        raise DataError(
            f"{name} has dates or times as labels (type {kind}); expected names or numbers of "
            "classes. Choose another column (data.label), or save the dates as texts"
        )
    elif not (
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_null(kind)
    ):
        hint = ""
        if pa.types.is_struct(kind) and kind.num_fields:
            field = kind.field(0).name
            hint = f". Name one of its fields, such as COLUMN.{field}, with data.label"
        raise DataError(
            f"{name} has labels of the type {kind}; expected names or numbers of classes, one a "
            f"row{hint}"
        )
    if order is not None and pa.types.is_integer(kind):
        known = dict(enumerate(order))
        return pa.array([known.get(number) for number in column.to_pylist()], pa.large_string())
    return column.cast(pa.large_string())


def _single_entries(column: Any, name: str, notes: list[str]) -> tuple[Any, Any]:
    """Returns the entries of lists that have one each."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    several = pc.sum(pc.greater(lengths, 1)).as_py() or 0
    if several:
        raise DataError(
            f"{name} has several labels in {several:,} of {len(column):,} rows; expected one label "
            "a row"
        )
    notes.append("each label is the one entry of a list")
    entries = pc.list_flatten(column)
    has_one = np.flatnonzero(lengths.to_numpy(zero_copy_only=False))
    at = np.full(len(column), -1)
    at[has_one] = np.arange(len(has_one))
    column = entries.take(pa.array(at, mask=at < 0))
    return _combine(pa.chunked_array([column])), _combine(pa.chunked_array([column])).type


def _number(value: float | Decimal | None) -> str | None:
    """Returns 1.0 as ``1``, and nothing for a value that is no number."""
    if value is None or math.isnan(value):
        return None
    return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
