"""Reads a JSON Lines file of any size in chunks.

For an output in JSON Lines, a row is its line and is not parsed here. For other outputs, a first
pass finds all keys. For Parquet it also finds a type for each key that holds every value; where
there is none, and in CSV, what is not a string becomes JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.errors import DataError
from modelwright.scoring.chunks import FAULT, regroup
from modelwright.scoring.csv_source import NOT_DECODED
from modelwright.scoring.text_stream import MARK, TextStream

BLANK = "is a blank line"
_SCANNED = 1024


class LineSource:
    """The lines of a file as rows with one column: JSON objects, or plain texts."""

    first_row = 1
    schema = pa.schema([("0", pa.string())])

    def __init__(self, path: Path, encoding: str) -> None:
        """Takes a file; nothing is read yet."""
        self._path, self._encoding = path, encoding
        self.blank_at_end = 0
        """Blank lines at the end of the file. They are not rows."""

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` lines and their faults, and the part that was read."""
        stream = TextStream(self._path, self._encoding)
        for table in regroup(map(_with_faults, self._lines(stream)), rows):
            yield table, stream.fraction

    def _lines(self, stream: TextStream) -> Iterator[list[str]]:
        rest = ""
        for block in stream.blocks():
            lines = (rest + block.decode()).split("\n")
            kept = len(lines) - 1
            # Blank lines stay for the next block, because at the end of a file they are no rows.
            while kept and not lines[kept - 1].strip():
                kept -= 1
            rest = "\n".join(lines[kept:])
            if kept:
                yield lines[:kept]
        blank = rest.rstrip()
        self.blank_at_end = rest[len(blank) :].count("\n")
        if blank:
            yield blank.split("\n")


def _with_faults(lines: list[str]) -> Any:
    column = pc.utf8_trim_whitespace(pa.array(lines, pa.string()))
    marked = pc.match_substring(column, MARK)
    faults = pc.if_else(marked, NOT_DECODED, pa.scalar(None, pa.string()))
    faults = pc.if_else(pc.equal(pc.binary_length(column), 0), BLANK, faults)
    return pa.table([pc.replace_substring(column, MARK, ""), faults], ["0", FAULT])


class JsonSource:
    """The objects of a file as typed columns, one for each key."""

    first_row = 1

    def __init__(self, path: Path, encoding: str, *, typed: bool) -> None:
        """Finds the keys and the types of their values.

        Args:
            path: The file.
            encoding: Its codec or ``auto``.
            typed: Whether columns have types other than strings.

        Raises:
            DataError: No line is an object.
        """
        self._lines, self._typed = LineSource(path, encoding), typed
        self.asked: str | None = None
        """The key of what the model is asked, if its values become strings here. A value that is
        no text is then a fault, as where the lines stay as they are."""
        self.mixed: list[str] = []
        """Columns that hold JSON, because no type fits all of their values."""
        types = self._scan()
        if not types:
            raise DataError(f"{path.name} has no JSON object; expected one in each line")
        self.names = list(types)
        self.schema = pa.schema([(str(at), kind) for at, kind in enumerate(types.values())])

    @property
    def blank_at_end(self) -> int:
        """Blank lines at the end of the file. They are not rows."""
        return self._lines.blank_at_end

    def _scan(self) -> dict[str, Any]:
        types: dict[str, Any] = {}
        for table, _ in self._lines.tables(_SCANNED):
            objects = map(parse_object, table.column(0).to_pylist())
            rows = [one for one in objects if isinstance(one, dict)]
            for key in dict.fromkeys(key for row in rows for key in row):
                found = _infer([row.get(key) for row in rows]) if self._typed else pa.string()
                types[key] = _join_types(types.get(key, pa.null()), found)
        self.mixed = [key for key, kind in types.items() if kind is None]
        return {
            key: pa.string() if kind is None or pa.types.is_null(kind) else kind
            for key, kind in types.items()
        }

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows, and the part of the file that has been read.

        Raises:
            DataError: The file has changed since its types were found.
        """
        for lines, fraction in self._lines.tables(rows):
            objects, faults = [], []
            known = lines.column(1).to_pylist()
            for line, fault in zip(lines.column(0).to_pylist(), known, strict=True):
                one = {} if fault == BLANK else parse_object(line)
                objects.append(one if isinstance(one, dict) else {})
                fault = fault or (one if isinstance(one, str) else None)
                if self.asked is not None and fault is None and isinstance(one, dict):
                    fault = text_of(one.get(self.asked), self.asked)[1]
                faults.append(fault)
            columns = [self._column(key, kind.type, objects) for key, kind in self._fields()]
            columns.append(pa.array(faults, pa.string()))
            yield pa.table(columns, [*self.schema.names, FAULT]), fraction

    def _fields(self) -> Iterator[tuple[str, Any]]:
        yield from zip(self.names, self.schema, strict=True)

    def _column(self, key: str, kind: Any, objects: list[dict[str, Any]]) -> Any:
        values = [one.get(key) for one in objects]
        if key in self.mixed:
            values = [None if value is None else _as_json(value) for value in values]
        elif not self._typed:
            values = [value if value is None else as_text(value) for value in values]
        try:
            return pa.array(values, kind)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
            raise DataError(
                f"the values of '{key}' cannot be written as {kind} ({error}); write JSON Lines"
                " instead (-o NAME.jsonl)"
            ) from None


def parse_object(line: str) -> dict[str, Any] | str:
    """Returns the object in a line, or why there is none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is not JSON ({error})"
    return value if isinstance(value, dict) else "is not a JSON object"


def text_of(value: Any, key: str) -> tuple[str | None, str | None]:
    """Returns a JSON value as text, or why it is none. Numbers count as texts."""
    if value is None:
        return None, f"has no '{key}'"
    if isinstance(value, (list, dict)):
        return None, f"has no text in '{key}' but {json.dumps(value, ensure_ascii=True)[:60]}"
    text = value if isinstance(value, str) else json.dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return None, f"has a lone surrogate in '{key}'"
    return text, None


def as_text(value: Any) -> str:
    """Returns a string as it is, and any other value as JSON."""
    if not isinstance(value, str):
        return _as_json(value)
    try:
        value.encode()
    except UnicodeEncodeError:  # a lone surrogate
        return json.dumps(value)
    return value


def _as_json(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    try:
        shown.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return shown


def _infer(values: list[Any]) -> Any:
    """Returns the type of some values, or None if they have no common one."""
    try:
        kind = pa.array(values).type
        return None if "struct<>" in str(kind) else kind
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        return None


def _join_types(one: Any, other: Any) -> Any:
    """Returns the type of two sets of values together, or None if there is none without loss."""
    if one is None or other is None or one == other:
        return one if one == other else None
    fields = [pa.schema([("0", kind)]) for kind in (one, other)]
    numbers = {one, other} == {pa.int64(), pa.float64()}
    how = "permissive" if numbers else "default"
    try:
        return pa.unify_schemas(fields, promote_options=how).field(0).type
    except pa.ArrowException:
        return None
