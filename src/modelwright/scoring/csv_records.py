"""Splits blocks of a CSV or TSV file into rows, so that a broken row never hides others.

Well-formed blocks are parsed by pyarrow. All others are read row by row: text behind a closing
quote, and a wrong number of cells are the fault of one row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

LONGEST_RECORD = 64 * 2**20
"""A row of more bytes is taken for an unclosed quote."""
UNCLOSED = "opens a quote that is not closed"
_QUOTED = re.compile(rb'"((?:[^"]++|"")*+)"')
_LINE = re.compile(rb"[^\r\n]*+")
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass
class Walked:
    """The rows that were read one by one, and why some of them cannot be used."""

    rows: list[list[bytes]] = field(default_factory=list)
    faults: list[str | None] = field(default_factory=list)
    end: int = 0
    """Where the first row begins that is not complete."""
    literal: int = 0
    """Rows of a tab-separated file in which a quote is a character like others."""


def well_formed_end(data: bytes, delimiter: bytes) -> int | None:
    """Returns where the last complete row ends if a parser can read all rows before it.

    Returns None if the block must be walked.
    """
    if b'"' not in data:
        return _last_line_end(data)
    content = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(content == ord('"'))
    ends = np.flatnonzero(content == ord("\n"))
    outside = np.searchsorted(quotes, ends) % 2 == 0
    if delimiter == b"\t" and not outside.all():
        return None
    ends = ends[outside]
    if not len(ends):
        return None
    end = int(ends[-1]) + 1
    quotes = quotes[quotes < end]
    allowed = np.zeros(256, bool)
    allowed[[delimiter[0], ord("\n"), ord("\r"), ord('"')]] = True
    # A doubled quote inside a field closes and reopens it, so each half is next to a quote.
    before, after = quotes[0::2] - 1, quotes[1::2] + 1
    before = before[before >= 0]
    sound = allowed[content[before]].all() and allowed[content[after]].all()
    return end if sound else None


def walk(data: bytes, delimiter: bytes, width: int, *, last: bool) -> Walked:
    """Reads the complete rows of a block one by one.

    A row whose quote is never closed is broken, and the next line is the next row.

    Args:
        data: The block; it begins with a row. The last block of a file ends with a line end.
        delimiter: One ASCII character.
        width: The number of columns.
        last: Whether the file ends with the block.
    """
    found = Walked()
    last = last or len(data) > LONGEST_RECORD
    while found.end < len(data):
        read = _read_row(data, found.end, delimiter)
        literal = _literal_line(data, found.end, delimiter, width, read)
        if literal is not None:
            found.literal += 1
            read = literal
        if read is None:
            if not last:
                break
            read = _broken_row(data, found.end, delimiter, UNCLOSED)
        cells, end, fault = read
        ended = _LINE_END.match(data, end)
        # "\r" at the end of a block may be the first half of "\r\n".
        if not last and (ended is None or (ended.end() == len(data) and ended.group() == b"\r")):
            break
        found.rows.append(_fit(cells, width, delimiter))
        found.faults.append(fault or _wrong_width(cells, width))
        found.end = len(data) if ended is None else ended.end()
    return found


def first_row_end(data: bytes, delimiter: bytes) -> int:
    """Returns where the first row and its line end are over."""
    read = _read_row(data, 0, delimiter) or _broken_row(data, 0, delimiter, UNCLOSED)
    ended = _LINE_END.match(data, read[1])
    return ended.end() if ended else read[1]


Row = tuple[list[bytes], int, str | None]


def _read_row(data: bytes, position: int, delimiter: bytes) -> Row | None:
    """Returns the cells of a row, where it ends, and its fault; None if a quote is not closed."""
    cells: list[bytes] = []
    start = position
    while True:
        if data[position : position + 1] == b'"':
            closed = _QUOTED.match(data, position)
            if closed is None:
                return None
            end = closed.end()
            if data[end : end + 1] not in (b"", b"\r", b"\n", delimiter):
                spans = b"\n" in closed.group() or b"\r" in closed.group()
                fault = UNCLOSED if spans else "has text behind a closing quote"
                return _broken_row(data, start, delimiter, fault)
            cells.append(closed.group(1).replace(b'""', b'"'))
        else:
            line = _LINE.match(data, position)
            end = line.end() if line else position
            cut = data.find(delimiter, position, end)
            end = end if cut < 0 else cut
            cells.append(data[position:end])
        if data[end : end + 1] != delimiter:
            return cells, end, None
        position = end + 1


def _broken_row(data: bytes, start: int, delimiter: bytes, fault: str) -> Row:
    line = _LINE.match(data, start)
    end = line.end() if line else start
    return data[start:end].split(delimiter), end, fault


def _literal_line(
    data: bytes, start: int, delimiter: bytes, width: int, read: Row | None
) -> Row | None:
    """Returns the line as a row whose quotes are characters, where that is what it must be.

    That is so in a tab-separated file where a quote would join lines that are whole rows.
    """
    if delimiter != b"\t":
        return None
    if read is not None and b"\n" not in data[start : read[1]] and read[2] is None:
        return None
    line = _LINE.match(data, start)
    cells = line.group().split(delimiter) if line else []
    if line is None or len(cells) != width or line.end() == len(data):
        return None
    return cells, line.end(), None


def _fit(cells: list[bytes], width: int, delimiter: bytes) -> list[bytes]:
    """Returns as many cells as there are columns; the last one keeps what is too much."""
    if len(cells) > width:
        return [*cells[: width - 1], delimiter.join(cells[width - 1 :])]
    return cells + [b""] * (width - len(cells))


def _wrong_width(cells: list[bytes], width: int) -> str | None:
    # A blank line is a row of empty cells, as for pyarrow.
    if len(cells) == width or cells == [b""]:
        return None
    columns = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
    return f"has {columns}, expected {width}"


def _last_line_end(data: bytes) -> int:
    end = data.rfind(b"\n") + 1
    # Old files end their lines with "\r"; one at the end may be half of "\r\n".
    return end or data.rfind(b"\r", 0, len(data) - 1) + 1
