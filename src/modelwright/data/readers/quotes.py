"""Checks the quotes of a CSV file before it is parsed.

A parser that meets an unclosed quote silently swallows rows up to the next quote. Well-formed files
are recognized from the bytes next to their quotes, so no loop over rows is needed. Only other
files are read row by row. Values are not read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from modelwright.core.errors import DataError

_QUOTE = ord('"')
_QUOTED = re.compile(rb'"(?:[^"]++|"")*+"')
_LINE = re.compile(rb"[^\r\n]*+")
_LINE_ENDS = re.compile(rb"[\r\n]*+")


@dataclass(frozen=True)
class CheckedCsv:
    """A file without its broken rows.

    Attributes:
        data: The other rows.
        rows: Number in the file of each row in ``data``, where the header is 1; None if no row
            is broken.
        broken: Numbers of the broken rows.
    """

    data: bytes
    rows: list[int] | None = None
    broken: tuple[int, ...] = ()


def remove_broken_rows(data: bytes, delimiter: str, name: str) -> CheckedCsv:
    """Removes rows that have text behind a closing quote.

    Args:
        data: The bytes of the file, in UTF-8 without a byte order mark.
        delimiter: One ASCII character.
        name: Name of the file, for messages.

    Raises:
        DataError: A quote is not closed before the end of the file, or closes on a later line in
            the middle of a field, so that nobody can say which rows it swallowed.
    """
    return CheckedCsv(data) if is_well_formed(data, delimiter) else _walk(data, delimiter, name)


def is_sound_row(line: bytes, mark: bytes) -> bool:
    """Returns whether each quote that opens a cell of a line is closed at the end of a cell."""
    plain = re.compile(rb"[^\r\n" + re.escape(mark) + rb"]*+")
    try:
        return _read_row(line, 0, mark, plain, "")[1]
    except DataError:
        return False


def is_well_formed(data: bytes, delimiter: str) -> bool:
    """Returns whether all quotes of a file pair up at the ends of cells, over lines or not."""
    if b'"' not in data:
        return True
    content = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(content == _QUOTE)
    if len(quotes) % 2:
        return False
    allowed = np.zeros(256, bool)
    allowed[[ord(delimiter), ord("\n"), ord("\r"), _QUOTE]] = True
    # A doubled quote inside a field closes and reopens it, so each half is next to a quote.
    before, after = quotes[0::2] - 1, quotes[1::2] + 1
    if before[0] < 0:
        before = before[1:]
    if after[-1] == len(content):
        after = after[:-1]
    return bool(allowed[content[before]].all() and allowed[content[after]].all())


def _walk(data: bytes, delimiter: str, name: str) -> CheckedCsv:
    """Checks a file row by row."""
    mark = delimiter.encode()
    plain = re.compile(rb"[^\r\n" + re.escape(mark) + rb"]*+")
    pieces: list[bytes] = []
    rows: list[int] = []
    broken: list[int] = []
    position = _end(_LINE_ENDS, data, 0)
    number = 1
    while position < len(data):
        end, sound = _read_row(data, position, mark, plain, name)
        if sound:
            pieces.append(data[position:end])
            rows.append(number)
        else:
            broken.append(number)
        number += 1
        position = _end(_LINE_ENDS, data, end)
    if not broken:
        return CheckedCsv(data)
    return CheckedCsv(b"\n".join(pieces) + b"\n", rows, tuple(broken))


def _read_row(
    data: bytes, position: int, mark: bytes, plain: re.Pattern[bytes], name: str
) -> tuple[int, bool]:
    """Returns where the row at a position ends, and whether its quotes are well-formed."""
    while True:
        if data[position : position + 1] == b'"':
            closed = _QUOTED.match(data, position)
            if closed is None:
                raise _unclosed(data, position, name, "is never closed")
            end = closed.end()
            if data[end : end + 1] not in (b"", b"\r", b"\n", mark):
                if b"\n" in closed.group() or b"\r" in closed.group():
                    raise _unclosed(data, position, name, "closes in the middle of a later line")
                return _end(_LINE, data, position), False
            position = end
        else:
            position = _end(plain, data, position)
        if data[position : position + 1] != mark:
            return position, True
        position += 1


def _end(pattern: re.Pattern[bytes], data: bytes, position: int) -> int:
    found = pattern.match(data, position)
    return position if found is None else found.end()


def _unclosed(data: bytes, position: int, name: str, what: str) -> DataError:
    line = data.count(b"\n", 0, position) + 1
    return DataError(
        f"{name} line {line} opens a quote that {what}, so rows may be lost; close it, and "
        'write a quote inside a quoted text as "", or set data.quoting = "none" if quotes are text'
    )
