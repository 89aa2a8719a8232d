"""Reads CSV and TSV files with pyarrow, after a look at their delimiter, quotes and header.

Every value is text: no types are inferred, and no word means "missing".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Rejected
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.readers.columns import (
    ColumnNotFoundError,
    Columns,
    Role,
    find_columns,
    has_usual_name,
)
from modelwright.data.readers.csv_layout import (
    CsvLayout,
    data_in_header,
    find_layout,
    guess_two_columns,
    split_rows,
    swallowed_rows,
)
from modelwright.data.readers.encodings import is_utf8, not_utf8
from modelwright.data.readers.header_hints import looks_like_header, why_not_found
from modelwright.data.readers.quotes import CheckedCsv, remove_broken_rows
from modelwright.data.readers.split_column import unread_split
from modelwright.data.readers.table_rows import TableRows, assemble

_BLANK_LINES = re.compile(rb"\A(?:[ \t]*[\r\n])*")
_BLOCK = 8 * 2**20
_LARGEST_BLOCK = 2**31 - 2
_BEHIND_QUOTE = "has text behind a closing quote"
_QUOTE_ADVICE = (
    'inside a cell in quotes, a quote is written as "" and not as \\"; if quotes are text, set '
    'data.quoting = "none"'
)
_ROWS_LOOKED_AT = 1000
"""Rows in which it is looked for a header, at the beginning of a file."""


def read_csv(
    data: bytes,
    name: str,
    config: DataConfig,
    usual: str = ",",
    like: Mapping[Role, str] | None = None,
) -> TableRows:
    """Returns the rows of a file.

    Args:
        data: The bytes of the file, in UTF-8 without a byte order mark.
        name: Name of the file.
        config: Names of the columns, and how the file is written.
        usual: The delimiter that the extension of the file promises.
        like: See ``find_columns``.

    Raises:
        DataError: The quotes are broken, a column is missing, or the bytes are not UTF-8.
    """
    # pyarrow would read a blank first line as the header, and needs at least one line end.
    data = _BLANK_LINES.sub(b"", data, count=1)
    if b"\n" not in data and b"\r" not in data:
        data += b"\n"
    layout = find_layout(data, config, usual)
    data = layout.data
    checked = (
        remove_broken_rows(data, layout.delimiter, name) if layout.quoted else CheckedCsv(data)
    )
    columns, notes = _columns(checked.data, layout, config, name, like)
    first = 1 + config.header
    invalid: list[tuple[int | None, int]] = []
    table = _parse_csv(checked.data, layout, config.header, columns, invalid, name)
    if invalid:
        # Row numbers are only known with a single thread. Most files do not need them.
        invalid.clear()
        table = _parse_csv(checked.data, layout, config.header, columns, invalid, name, False)
    if checked.broken and not len(table):
        raise DataError(f"{name}: every row {_BEHIND_QUOTE}; {_QUOTE_ADVICE}")
    total = len(table) + len(invalid) + config.header
    numbers, rejected = _rejected_rows(checked, invalid, total, config.header, columns, name)
    if config.header:
        table, numbers, again = _without_headers(table, columns, numbers, name)
        rejected += again
    found = assemble(table, columns, numbers, first, rejected, name)
    if columns.task == "text" and columns.label != columns.value:
        notes.append(swallowed_rows(found.values, found.labels, layout))
    if checked.broken:
        notes.append(f"rows with text behind a closing quote are rejected: {_QUOTE_ADVICE}")
    return found.with_notes(*layout.notes, *notes)


def _rejected_rows(
    checked: CheckedCsv,
    invalid: list[tuple[int | None, int]],
    total: int,
    header: bool,
    columns: Columns,
    name: str,
) -> tuple[list[int] | None, tuple[Rejected, ...]]:
    """Returns the numbers of the rows that were read, if some are missing, and the others."""
    rejected = [Rejected(f"{name} row {row}", _BEHIND_QUOTE) for row in checked.broken]
    if not invalid and checked.rows is None:
        return None, tuple(rejected)
    rows = np.arange(1, total + 1) if checked.rows is None else np.array(checked.rows)
    bad = [int(number) - 1 for number, _ in invalid if number is not None]
    rejected += [
        Rejected(
            f"{name} row {rows[int(number or 1) - 1]}",
            f"has {count} columns, expected {len(columns.names)}",
        )
        for number, count in invalid
    ]
    return np.delete(rows, [*range(header), *bad]).tolist(), tuple(rejected)


def _without_headers(
    table: Any, columns: Columns, numbers: list[int] | None, name: str
) -> tuple[Any, list[int] | None, tuple[Rejected, ...]]:
    """Returns a table without the rows that repeat its header, as joined files have them."""
    if columns.label == columns.value:
        return table, numbers, ()
    value, label = columns.names[columns.value], columns.names[columns.label]
    again = pc.and_(pc.equal(table.column(0), value), pc.equal(table.column(1), label))
    if not pc.any(again).as_py():
        return table, numbers, ()
    is_again = again.to_numpy()
    rows = np.arange(2, len(table) + 2) if numbers is None else np.array(numbers)
    rejected = [Rejected(f"{name} row {row}", "repeats the header") for row in rows[is_again]]
    return table.filter(pc.invert(again)), rows[~is_again].tolist(), tuple(rejected)


def _columns(
    data: bytes,
    layout: CsvLayout,
    config: DataConfig,
    name: str,
    like: Mapping[Role, str] | None,
) -> tuple[Columns, list[str]]:
    """Returns the columns to read, and notes about the header."""
    try:
        rows = split_rows(data, layout, _ROWS_LOOKED_AT)
    except csv.Error as error:
        raise DataError(f"{name} has no header that can be read ({error})") from None
    header = rows[0] if rows else [""]
    if not config.header:
        names = [f"#{position}" for position in range(1, len(header) + 1)]
        config, notes = _without_header(config, rows)
        if looks_like_header(header):
            notes.append(
                "warning: the first row has usual names of columns and is read as a row, as "
                "data.header = false says"
            )
        return find_columns(names, config, name, like), notes
    looks_like_data = "" if has_usual_name(header) else data_in_header(rows)
    try:
        columns = find_columns(header, config, name, like)
    except ColumnNotFoundError as error:
        if not is_utf8(data):
            raise not_utf8(data, name) from None
        why = why_not_found(rows, error.role)
        if not why and looks_like_data:
            why = (
                f". {name} may have no header, since {looks_like_data}; then set data.header = "
                "false"
            )
        raise ColumnNotFoundError(error.before, error.role, f"{error.after}{why}") from None
    notes = []
    if columns.split is None and config.split is None and columns.label != columns.value:
        notes.append(unread_split(header, rows[1:], columns.wanted()))
    if looks_like_data:
        notes.append(
            f"warning: the table may have no header, since {looks_like_data}; data.header = false "
            "reads that row too"
        )
    return columns, notes


def _without_header(
    config: DataConfig, rows: Sequence[Sequence[str]]
) -> tuple[DataConfig, list[str]]:
    """Returns the config with the columns of a table of two columns, if none is named."""
    if len(rows[0]) != 2 or config.text or config.image or config.label is not None:
        return config, []
    value, label = guess_two_columns(rows)
    is_image = rows[0][value].lower().endswith(tuple(IMAGE_EXTENSIONS))
    change = {"image" if is_image else "text": f"#{value + 1}", "label": f"#{label + 1}"}
    note = (
        f"of two columns without names, #{label + 1} has fewer different values and is taken for "
        "the label; data.label (--label-column) names another"
    )
    return config.model_copy(update=change), [note]


def _parse_csv(
    data: bytes,
    layout: CsvLayout,
    header: bool,
    columns: Columns,
    invalid: list[tuple[int | None, int]],
    name: str,
    use_threads: bool = True,
) -> Any:
    def skip(row: Any) -> str:
        invalid.append((row.number, row.actual_columns))
        return "skip"

    # Columns are named by position, because a header may have the same name twice.
    names = [str(position) for position in range(len(columns.names))]
    wanted = [names[position] for position in columns.wanted()]
    valid = is_utf8(data)  # pyarrow cannot describe a row of other bytes
    block = _BLOCK
    while True:
        try:
            return pacsv.read_csv(
                pa.BufferReader(data),
                read_options=pacsv.ReadOptions(
                    column_names=names,
                    skip_rows_after_names=int(header),
                    block_size=min(block, _LARGEST_BLOCK),
                    use_threads=use_threads,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=layout.delimiter,
                    quote_char='"' if layout.quoted else False,
                    newlines_in_values=layout.quoted,
                    invalid_row_handler=skip if valid else None,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict.fromkeys(wanted, pa.large_string()),
                    include_columns=list(dict.fromkeys(wanted)),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block < len(data):
                invalid.clear()
                block *= 8
                continue
            if not valid:
                raise not_utf8(data, name) from None
            raise DataError(f"{name} cannot be read as a table ({error})") from None
