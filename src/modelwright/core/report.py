"""Reports: what every operation returns, and the blocks that a report consists of.

A report says what it holds, never how it looks. ``terminal`` and ``markdown`` each turn blocks
into text; another output format is one more such module.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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


class Report(ABC):
    """What an operation returns: fields, blocks for people, and an object for machines."""

    @abstractmethod
    def blocks(self) -> Sequence[Block]:
        """The content, in the order in which a person reads it."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""

    def render(self) -> str:
        """The report as plain text for a terminal."""
        from modelwright.core import terminal

        return terminal.render(self.blocks())

    def markdown(self) -> str:
        """The report as Markdown."""
        from modelwright.core import markdown

        return markdown.render(self.blocks())
