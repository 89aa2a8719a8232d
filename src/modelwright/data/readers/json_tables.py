"""Reads JSON Lines, one object in each line, and JSON files that hold a list of objects.

pyarrow parses JSON Lines; if one line is bad, they are parsed line by line. Texts must be strings;
labels may also be integers or booleans. The parts of a nested name are separated by dots:
``data.text``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pajson

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.terminal import shorten
from modelwright.core.types import Rejected
from modelwright.data.readers.columns import Columns, Role, find_columns
from modelwright.data.readers.encodings import not_utf8
from modelwright.data.readers.json_values import column_names, get_value, read_label, text
from modelwright.data.readers.split_column import unread_split
from modelwright.data.readers.table_rows import TableRows, assemble

_LARGEST_BLOCK = 2**31 - 2
_NOT_UTF8 = "is not UTF-8"
_GAP = re.compile(r"[\s,]*")
_LOOKED_AT = 100
"""Objects at the beginning whose keys are the columns."""


def read_json(
    data: bytes, name: str, config: DataConfig, like: Mapping[Role, str] | None = None
) -> TableRows:
    """Returns the rows of a file: a list of objects, or JSON Lines.

    Args:
        data: The bytes of the file, in UTF-8 without a byte order mark.
        name: Name of the file.
        config: Names of the columns.
        like: See ``find_columns``.

    Raises:
        DataError: The file holds no objects, or they lack a column.
    """
    lines = data.strip().split(b"\n", 1)
    first = _parse(lines[0])
    if isinstance(first, dict) and (len(lines) > 1 or not any(map(_is_rows, first.values()))):
        if len(lines) == 1 and all(isinstance(value, dict | list) for value in first.values()):
            return _read_one(first, data, name, config, like)
        return _read_lines(data, name, config, like)
    if first == _NOT_UTF8:
        raise not_utf8(data, name)
    whole = _parse(data)
    if isinstance(whole, dict):
        lists = [key for key, value in whole.items() if _is_rows(value)]
        if len(lists) != 1:
            raise _one_object(whole, name)
        return _read_list(whole[lists[0]], name, config, like).with_notes(
            f"the rows are the list under '{lists[0]}'"
        )
    if isinstance(whole, list) and whole and isinstance(whole[0], dict):
        return _read_list(whole, name, config, like)
    if objects := _one_after_another(data):
        return _read_list(objects, name, config, like).with_notes(
            "the file is no JSON Lines: its objects, one after another, are the rows"
        )
    problem = first if isinstance(first, str) else "is not a JSON object"
    raise DataError(
        f"{name} line 1 {problem}; expected JSON Lines, one object a line, or a list of objects"
    )


def _read_one(
    value: dict[str, Any],
    data: bytes,
    name: str,
    config: DataConfig,
    like: Mapping[Role, str] | None,
) -> TableRows:
    """Returns the one row of a file, if its nested values are those of a row."""
    try:
        return _read_lines(data, name, config, like)
    except DataError:
        raise _one_object(value, name) from None


def _one_object(value: dict[str, Any], name: str) -> DataError:
    return DataError(
        f"{name} is one JSON object with the keys {shorten(', '.join(list(value)[:8]), 80)}; "
        "expected JSON Lines, one object a line, or a list of objects, as pandas writes with "
        'orient="records"'
    )


def _one_after_another(data: bytes) -> list[Any]:
    """Returns objects that follow each other over lines or in one, or nothing."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    try:
        text = data.decode()
        at = _GAP.match(text, 0)
        while at is not None and at.end() < len(text):
            value, end = decoder.raw_decode(text, at.end())
            found.append(value)
            at = _GAP.match(text, end)
    except (ValueError, RecursionError):
        return []
    return found if all(isinstance(value, dict) for value in found) else []


def _read_lines(
    data: bytes, name: str, config: DataConfig, like: Mapping[Role, str] | None
) -> TableRows:
    beginning = [_parse(line) for line in data[: 2**20].split(b"\n")[:_LOOKED_AT]]
    objects = [value for value in beginning if isinstance(value, dict)] or [
        _parse(data.lstrip().split(b"\n", 1)[0])
    ]
    columns, wanted = _find(objects, name, config, like)
    try:
        table = pajson.read_json(
            pa.BufferReader(data),
            read_options=pajson.ReadOptions(block_size=min(len(data) + 1, _LARGEST_BLOCK)),
            parse_options=pajson.ParseOptions(
                explicit_schema=_schema(objects[0], wanted), unexpected_field_behavior="ignore"
            ),
        )
        # The parser accepts bytes that are not UTF-8.
        table.validate(full=True)
        if len(table) == data.count(b"\n") + (not data.endswith(b"\n")):
            table = pa.table([_column(table, objects[0], key) for key in wanted], wanted)
            return assemble(table, columns, None, 1, (), name)
    except pa.ArrowInvalid:
        pass
    lines = ((at, _parse(line)) for at, line in enumerate(data.split(b"\n"), 1) if line.strip())
    return _one_by_one(lines, data, name, columns, wanted)


def _read_list(
    objects: list[Any], name: str, config: DataConfig, like: Mapping[Role, str] | None
) -> TableRows:
    some = [value for value in objects[:_LOOKED_AT] if isinstance(value, dict)]
    columns, wanted = _find(some, name, config, like)
    return _one_by_one(enumerate(objects, 1), b"", name, columns, wanted)


def _find(
    objects: list[Any], name: str, config: DataConfig, like: Mapping[Role, str] | None
) -> tuple[Columns, list[str]]:
    names = column_names(objects)
    columns = find_columns(names, config, name, like)
    if columns.split is None and config.split is None and columns.label != columns.value:
        cells = [[_cell(get_value(one, key)) for key in names] for one in objects]
        if note := unread_split(names, cells, columns.wanted()):
            columns = replace(columns, notes=(*columns.notes, note))
    return columns, [names[position] for position in columns.wanted()]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _schema(first: dict[str, Any], wanted: list[str]) -> Any:
    """Returns the types of the columns, by the first object."""
    plain = {int: pa.int64(), bool: pa.bool_()}
    fields: dict[str, Any] = {}
    for key in wanted:
        kind = plain.get(type(get_value(first, key)), pa.string())
        path = [key] if key in first else key.split(".")
        tree = fields
        for part in path[:-1]:
            tree = tree.setdefault(part, {})
        tree[path[-1]] = kind
    return pa.schema([pa.field(key, _type(value)) for key, value in fields.items()])


def _type(value: Any) -> Any:
    if isinstance(value, dict):
        return pa.struct([pa.field(key, _type(inner)) for key, inner in value.items()])
    return value


def _column(table: Any, first: dict[str, Any], key: str) -> Any:
    outer, *inner = [key] if key in first else key.split(".")
    column = table.column(outer)
    return pc.struct_field(column, inner) if inner else column


def _one_by_one(
    objects: Iterable[tuple[int, Any]], data: bytes, name: str, columns: Columns, wanted: list[str]
) -> TableRows:
    """Takes the values row by row, which is slow but can say what is wrong with a row."""
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    lists = 0
    label = (
        None if columns.label == columns.value else wanted[columns.wanted().index(columns.label)]
    )
    for number, parsed in objects:
        problem = parsed if isinstance(parsed, str) else ""
        row: list[str | None] = []
        if not isinstance(parsed, dict):
            problem = problem or "is not a JSON object"
        else:
            for key in wanted:
                value = get_value(parsed, key)
                if key == label:
                    lists += isinstance(value, list) and len(value) == 1
                    found = read_label(value, key)
                else:
                    found = text(value)
                if isinstance(found, TypeError):
                    problem = str(found)
                    break
                row.append(found)
        if problem:
            rejected.append(Rejected(f"{name} row {number}", problem))
        else:
            rows.append(row)
            numbers.append(number)
    _check_rejected(rejected, data, name, columns, bool(rows))
    table = pa.table(
        {
            key: pa.array([row[column] for row in rows], pa.large_string())
            for column, key in enumerate(wanted)
        }
    )
    found_rows = assemble(table, columns, numbers, 1, tuple(rejected), name)
    return found_rows.with_notes(f"{lists:,} labels are the one entry of a list" if lists else "")


def _check_rejected(
    rejected: list[Rejected], data: bytes, name: str, columns: Columns, has_rows: bool
) -> None:
    if not rejected:
        return
    if not has_rows and all(row.reason == rejected[0].reason for row in rejected):
        raise DataError(f"{name}: every row {rejected[0].reason}")
    other = sum(row.reason == _NOT_UTF8 for row in rejected)
    if other > 2 and other * 20 > data.count(b"\n"):
        raise not_utf8(data, name)  # another codec, not a few damaged lines


def _parse(line: bytes) -> Any:
    """Returns the value in a line, or a text that says why there is none."""
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return _NOT_UTF8
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"
    return "is not a JSON object" if isinstance(value, str) else value


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
