"""Reads CSV and TSV files with pyarrow, after checking their quotes.

Every value is text: no types are inferred, and no word means "missing".
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Rejected
from modelwright.data.readers.columns import Columns, find_columns
from modelwright.data.readers.encodings import not_utf8
from modelwright.data.readers.quotes import remove_broken_rows
from modelwright.data.readers.table_rows import TableRows, assemble

_BLOCK = 8 * 2**20
_LARGEST_BLOCK = 2**31 - 2


def read_csv(data: bytes, name: str, config: DataConfig, delimiter: str | None) -> TableRows:
    """Returns the rows of a file.

    Args:
        data: The bytes of the file, in UTF-8 without a byte order mark.
        name: Name of the file.
        config: Names of the columns.
        delimiter: None for the most frequent of ``,``, ``;`` and tab in the first line.

    Raises:
        DataError: The quotes are broken, a column is missing, or the bytes are not UTF-8.
    """
    # pyarrow would read a blank first line as the header, and needs at least one line end.
    data = data.lstrip(b"\r\n")
    if b"\n" not in data and b"\r" not in data:
        data += b"\n"
    delimiter = delimiter or _guess_delimiter(data)
    checked = remove_broken_rows(data, delimiter, name)
    header = _header(checked.data, delimiter, name)
    columns = find_columns(header, config, name)
    invalid: list[tuple[int | None, int]] = []
    table = _parse_csv(checked.data, delimiter, len(header), columns, invalid, name)
    numbers: Sequence[int] | None = None
    if invalid:
        # Row numbers are only known with a single thread. Most files do not need them.
        invalid.clear()
        table = _parse_csv(checked.data, delimiter, len(header), columns, invalid, name, False)
    rejected = [
        Rejected(f"{name} row {row}", "has text behind a closing quote") for row in checked.broken
    ]
    if invalid or checked.rows is not None:
        total = len(table) + len(invalid) + 1
        rows = np.arange(1, total + 1) if checked.rows is None else np.array(checked.rows)
        bad = [int(number) - 1 for number, _ in invalid if number is not None]
        rejected += [
            Rejected(
                f"{name} row {rows[int(number or 1) - 1]}",
                f"has {count} columns, expected {len(header)}",
            )
            for number, count in invalid
        ]
        numbers = np.delete(rows, [0, *bad]).tolist()
    return assemble(table, columns, numbers, 2, tuple(rejected), name)


def _parse_csv(
    data: bytes,
    delimiter: str,
    width: int,
    columns: Columns,
    invalid: list[tuple[int | None, int]],
    name: str,
    use_threads: bool = True,
) -> Any:
    def skip(row: Any) -> str:
        invalid.append((row.number, row.actual_columns))
        return "skip"

    # Columns are named by position, because a header may have the same name twice.
    names = [str(position) for position in range(width)]
    wanted = [names[position] for position in columns.wanted()]
    block = _BLOCK
    while True:
        try:
            return pacsv.read_csv(
                pa.BufferReader(data),
                read_options=pacsv.ReadOptions(
                    column_names=names,
                    skip_rows_after_names=1,
                    block_size=min(block, _LARGEST_BLOCK),
                    use_threads=use_threads,
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip
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
            if "UTF8" in str(error):
                raise not_utf8(data, name) from None
            raise DataError(f"{name} cannot be read as a table ({error})") from None


def _header(data: bytes, delimiter: str, name: str) -> list[str]:
    start = data[: 2**16].decode(errors="replace")
    try:
        return next(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter))
    except (csv.Error, StopIteration) as error:
        raise DataError(f"{name} has no header that can be read ({error})") from None


def _guess_delimiter(data: bytes) -> str:
    line = data[: 2**16].splitlines()[0]
    return max(",;\t", key=lambda mark: line.count(mark.encode()))
