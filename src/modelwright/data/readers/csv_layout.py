"""Finds out how a text table is written: its delimiter, its quotes, and whether it has a header.

What is found is said in notes, since a wrong guess would read other rows without an error.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from modelwright.core.config import DataConfig
from modelwright.core.terminal import shorten
from modelwright.data.readers.quotes import is_sound_row, is_well_formed

_CANDIDATES = ",;\t|"
_NAMES = {"\t": "tab", "\x01": "\\x01"}
_SEPARATOR_LINE = re.compile(rb'"?sep=([^\w"\r\n])"?[ \t]*(?:\r\n|\n|\r)', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_SAMPLE = 2**16
_SAMPLE_ROWS = 50
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


@dataclass(frozen=True)
class CsvLayout:
    """How a text table is written.

    Attributes:
        data: The bytes of the table, without Excel's line ``sep=;``.
        delimiter: Character between columns.
        quoted: Whether a cell in double quotes may hold delimiters and line ends.
        notes: What was found, where it is not what the extension promises.
    """

    data: bytes
    delimiter: str
    quoted: bool
    notes: tuple[str, ...] = ()


def find_layout(data: bytes, config: DataConfig, usual: str) -> CsvLayout:
    """Returns the layout of a table.

    Args:
        data: Bytes in UTF-8, beginning with the first line that is not blank.
        config: ``delimiter`` and ``quoting``, which are looked for if they are auto.
        usual: The delimiter that the extension of the file promises.
    """
    notes = []
    given = None if config.delimiter == "auto" else config.delimiter.replace("tab", "\t")
    data, written = without_separator_line(data)
    given = given or written
    delimiter = given or guess_delimiter(data, usual, quoted=config.quoting != "none")
    if delimiter != usual and config.delimiter == "auto":
        why = " (the first line says so)" if given else ""
        notes.append(
            f"the columns are separated by {delimiter_name(delimiter)}{why}; "
            "data.delimiter sets another"
        )
    quoted = config.quoting != "none"
    if config.quoting == "auto" and delimiter not in ",;":
        unpaired = _unpaired_lines(data, delimiter)
        if unpaired:
            quoted = False
            lines = "1 line has" if unpaired == 1 else f"{unpaired:,} lines have"
            notes.append(
                f"quotes are read as text: {lines} quotes that don't pair up; data.quoting = "
                '"double" reads cells in quotes'
            )
    return CsvLayout(data, delimiter, quoted, tuple(notes))


def delimiter_name(delimiter: str) -> str:
    """Returns a delimiter as a note shows it."""
    return f"'{_NAMES.get(delimiter, delimiter)}'"


def without_separator_line(data: bytes) -> tuple[bytes, str | None]:
    """Returns a table without Excel's first line ``sep=;``, and the delimiter that it names."""
    line = _SEPARATOR_LINE.match(data)
    if line is None:
        return data, None
    return data[line.end() :].lstrip(b"\r\n"), line[1].decode()


def split_rows(data: bytes, layout: CsvLayout, most: int) -> list[list[str]]:
    """Returns the first rows of a table, as far as its beginning holds them whole.

    Raises:
        csv.Error: The rows cannot be read.
    """
    start = data[:_SAMPLE].decode(errors="replace")
    reader = csv.reader(
        io.StringIO(start, newline=""),
        delimiter=layout.delimiter,
        quoting=0 if layout.quoted else 3,  # csv.QUOTE_MINIMAL or csv.QUOTE_NONE
    )
    rows = [row for row in islice(reader, most + 1) if row]
    return rows[:-1] if len(data) > _SAMPLE and 1 < len(rows) <= most else rows[:most]


def data_in_header(rows: Sequence[Sequence[str]]) -> str:
    """Returns why the first row looks like data and not like names of columns, or an empty text."""
    if len(rows) < 3:
        return ""
    for position, name in enumerate(rows[0]):
        below = [row[position] for row in rows[1:] if len(row) == len(rows[0])]
        if _NUMBER.fullmatch(name.strip()) and all(_NUMBER.fullmatch(x.strip()) for x in below):
            return f"its first row looks like data: '{shorten(name, 20)}' is a number"
        if name.strip() and below.count(name) > 1:
            return f"its first row looks like data: '{shorten(name, 20)}' is in later rows too"
    return ""


def guess_two_columns(rows: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Returns which of two columns holds the texts and which the labels, the less varied one."""
    different = [len({row[at] for row in rows if len(row) == 2}) for at in (0, 1)]
    length = [sum(len(row[at]) for row in rows if len(row) == 2) for at in (0, 1)]
    label = 0 if (different[0], length[0]) < (different[1], length[1]) else 1
    return 1 - label, label


def swallowed_rows(values: Any, labels: Any, layout: CsvLayout) -> str:
    """Returns a note about texts that hold whole rows, as an unclosed quote leaves them.

    Args:
        values: Texts, a pyarrow array.
        labels: Their labels.
        layout: How the table is written.
    """
    import pyarrow.compute as pc

    if not layout.quoted:
        return ""
    many = pc.and_(pc.match_substring(values, "\n"), pc.match_substring(values, layout.delimiter))
    suspects = np.flatnonzero(pc.fill_null(many, False).to_numpy(zero_copy_only=False))
    if not len(suspects):
        return ""
    known = {label.strip() for label in pc.unique(labels).to_pylist() if label and label.strip()}
    cells = lost = 0
    for row in suspects.tolist():
        lines = [line for line in values[row].as_py().splitlines() if line]
        like_rows = sum(_is_like_a_row(line, layout.delimiter, known) for line in lines)
        if 2 * like_rows >= len(lines):
            cells += 1
            lost += len(lines) - 1
    if not cells:
        return ""
    where = "1 cell holds" if cells == 1 else f"{cells:,} cells hold"
    return (
        f"warning: {where} {lost:,} line ends between what looks like rows: a quote in one row may "
        'be closed in another; if quotes are text, set data.quoting = "none"'
    )


def _is_like_a_row(line: str, delimiter: str, known: set[str]) -> bool:
    cells = [cell.strip().strip('"') for cell in line.split(delimiter)]
    return len(cells) > 1 and not known.isdisjoint(cells)


def guess_delimiter(data: bytes, usual: str, *, quoted: bool = True) -> str:
    """Returns the delimiter that the first line has and that most lines have as often."""
    start = data[:_SAMPLE].decode(errors="replace")
    if quoted:
        start = _QUOTED.sub("", start)
    lines = [line for line in start.splitlines() if line][:_SAMPLE_ROWS]
    if len(data) > _SAMPLE and len(lines) > 1:
        lines = lines[:-1]
    header = lines[0] if lines else ""
    if usual == "\t" and usual in header:
        return usual
    best = (0.0, 0)
    found = usual
    for mark in _CANDIDATES:
        count = header.count(mark)
        alike = sum(line.count(mark) == count for line in lines) / max(1, len(lines))
        if count and (round(alike, 1), count) > best:
            best, found = (round(alike, 1), count), mark
    return found


def _unpaired_lines(data: bytes, delimiter: str) -> int:
    """Returns how many lines have quotes that don't pair up, if these lines are whole rows.

    Where a cell really holds line ends, its first or its last line has fewer columns.
    """
    if b'"' not in data:
        return 0
    content = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(content == (ord("\n") if b"\n" in data else ord("\r")))
    quotes = np.flatnonzero(content == ord('"'))
    numbers, counts = np.unique(np.searchsorted(ends, quotes), return_counts=True)
    if is_well_formed(data, delimiter) and not (counts % 2).any():
        return 0
    mark = delimiter.encode()
    starts = np.concatenate([[0], ends + 1])
    stops = np.append(ends, len(data))
    width = data[: stops[0]].count(mark)
    unsound = suspects = whole = 0
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        line = data[starts[number] : stops[number]].strip(b"\r\n")
        is_sound = is_sound_row(line, mark)
        unsound += not is_sound
        if count % 2 or not is_sound:
            suspects += 1
            whole += line.count(mark) == width
    return suspects if unsound and 4 * whole > 3 * suspects else 0
