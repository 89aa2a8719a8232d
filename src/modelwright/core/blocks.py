"""The blocks that a report consists of. A block says what it holds, never how it looks.

``terminal`` and ``markdown`` each turn blocks into text; another output format is one more such
module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """Names with their values, under a title."""

    title: str
    rows: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Table:
    """Rows under headers. ``width`` is the widest that a terminal shows it, in columns."""

    headers: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""
    width: int = 110


@dataclass(frozen=True)
class Figure:
    """An image file, with the text that describes it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Note:
    """One or more lines of plain text."""

    text: str


Block = Facts | Table | Figure | Note
