"""Reads JSON Lines files, one object in each line: with pyarrow, or line by line if one is bad.

Texts must be strings; labels may also be integers or booleans.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.json as pajson

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Rejected
from modelwright.data.readers.columns import Columns, find_columns
from modelwright.data.readers.encodings import not_utf8
from modelwright.data.readers.table_rows import TableRows, assemble

_LARGEST_BLOCK = 2**31 - 2
_NOT_UTF8 = "is not UTF-8"


def read_json_lines(data: bytes, name: str, config: DataConfig) -> TableRows:
    """Returns the rows of a file. The columns are the keys of the first object.

    Args:
        data: The bytes of the file, in UTF-8 without a byte order mark.
        name: Name of the file.
        config: Names of the columns.

    Raises:
        DataError: The first line is not an object, or lacks a column.
    """
    first = _object(data.lstrip().split(b"\n", 1)[0])
    if first == _NOT_UTF8:
        raise not_utf8(data, name)
    if isinstance(first, str):
        raise DataError(f"{name} line 1 {first}; expected JSON Lines, one object a line")
    names = list(first)
    columns = find_columns(names, config, name)
    wanted = [names[position] for position in columns.wanted()]
    plain = {int: pa.int64(), bool: pa.bool_()}
    types = {key: plain.get(type(first[key]), pa.string()) for key in wanted}
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(block_size=min(len(data) + 1, _LARGEST_BLOCK)),
            parse_options=pajson.ParseOptions(
                explicit_schema=pa.schema(types.items()), unexpected_field_behavior="ignore"
            ),
        )
        # The parser accepts bytes that are not UTF-8.
        table.validate(full=True)
        if len(table) == data.count(b"\n") + (not data.endswith(b"\n")):
            return assemble(table.select(wanted), columns, None, 1, (), name)
    except pa.ArrowInvalid:
        pass
    return _one_by_one(data, name, columns, wanted)


def _one_by_one(data: bytes, name: str, columns: Columns, wanted: list[str]) -> TableRows:
    """Parses line by line, which is slow but can say what is wrong with a line."""
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        parsed = _object(line)
        values = parsed if isinstance(parsed, str) else [_text(parsed.get(key)) for key in wanted]
        if isinstance(values, str):
            rejected.append(Rejected(f"{name} row {number}", values))
        elif any(isinstance(value, Exception) for value in values):
            rejected.append(Rejected(f"{name} row {number}", "has a value that is not a text"))
        else:
            rows.append([None if value is None else str(value) for value in values])
            numbers.append(number)
    table = pa.table(
        {
            key: pa.array([row[column] for row in rows], pa.large_string())
            for column, key in enumerate(wanted)
        }
    )
    return assemble(table, columns, numbers, 1, tuple(rejected), name)


def _object(line: bytes) -> dict[str, Any] | str:
    """Returns the object in a line, or why there is none."""
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return _NOT_UTF8
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"
    return value if isinstance(value, dict) else "is not a JSON object"


def _text(value: Any) -> str | TypeError | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    if not isinstance(value, str):
        return TypeError("not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        return TypeError("a lone surrogate")
    return value
