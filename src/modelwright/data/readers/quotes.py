"""Whether the quotes of a CSV file are in order, before a parser is let near it.

A parser that meets an unclosed quote swallows rows until the next one and says nothing. Files in
order are recognised from the bytes beside their quotes, without a loop over rows; only others
are walked through. Values are not read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from modelwright.core.errors import DataError

_QUOTE = ord('"')


@dataclass(frozen=True)
class Mended:
    """A file without the rows that are broken.

    Attributes:
        data: What is left.
        rows: The number of each row in ``data`` in the file, the header being 1; None where
            nothing was cut.
        broken: Numbers of the rows cut out.
    """

    data: bytes
    rows: list[int] | None = None
    broken: tuple[int, ...] = ()


def mend(data: bytes, delimiter: str, name: str) -> Mended:
    """Cut out rows with text behind a closing quote.

    Args:
        data: The file, in UTF-8 without a mark.
        delimiter: One ASCII character.
        name: Of the file, for the error.

    Raises:
        DataError: a quote is not closed before the end of the file, or closes on a later line
            in the middle of a field, so that no one can say which rows it swallowed.
    """
    return Mended(data) if _in_order(data, delimiter) else _walk(data, delimiter, name)


def _in_order(data: bytes, delimiter: str) -> bool:
    if b'"' not in data:
        return True
    content = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(content == _QUOTE)
    if len(quotes) % 2:
        return False
    allowed = np.zeros(256, bool)
    allowed[[ord(delimiter), ord("\n"), ord("\r"), _QUOTE]] = True
    # A doubled quote inside a field closes it and opens it again: both stand beside a quote.
    before, after = quotes[0::2] - 1, quotes[1::2] + 1
    if before[0] < 0:
        before = before[1:]
    if after[-1] == len(content):
        after = after[:-1]
    return bool(allowed[content[before]].all() and allowed[content[after]].all())


def _walk(data: bytes, delimiter: str, name: str) -> Mended:
    mark = re.escape(delimiter.encode())
    quoted = re.compile(rb'"(?:[^"]++|"")*+"')
    plain = re.compile(rb"[^\r\n" + mark + rb"]*+")
    line_end = re.compile(rb"[^\r\n]*+")
    blank = re.compile(rb"[\r\n]*+")
    pieces: list[bytes] = []
    rows: list[int] = []
    broken: list[int] = []
    at = _end(blank, data, 0)
    number = 1
    while at < len(data):
        start, good = at, True
        while True:
            if data[at : at + 1] == b'"':
                closed = quoted.match(data, at)
                if closed is None:
                    raise _unclosed(data, at, name, "is never closed")
                if data[closed.end() : closed.end() + 1] not in (
                    b"",
                    b"\r",
                    b"\n",
                    delimiter.encode(),
                ):
                    if b"\n" in closed.group() or b"\r" in closed.group():
                        raise _unclosed(data, at, name, "closes in the middle of a later line")
                    good = False
                    at = _end(line_end, data, at)
                    break
                at = closed.end()
            else:
                at = _end(plain, data, at)
            if data[at : at + 1] != delimiter.encode():
                break
            at += 1
        if good:
            pieces.append(data[start:at])
            rows.append(number)
        else:
            broken.append(number)
        number += 1
        at = _end(blank, data, at)
    if not broken:
        return Mended(data)
    return Mended(b"\n".join(pieces) + b"\n", rows, tuple(broken))


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return at if found is None else found.end()


def _unclosed(data: bytes, at: int, name: str, what: str) -> DataError:
    line = data.count(b"\n", 0, at) + 1
    return DataError(
        f"{name} line {line} opens a quote that {what}, so rows may be lost; close it, and "
        'write a quote inside a quoted text as ""'
    )
