"""What the sections of a page consist of, beyond the blocks of every report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.blocks import Block, Table
from modelwright.core.html import Markup


@dataclass(frozen=True)
class Chart:
    """A drawing, its title, the text that says what it shows, and the same figures as a table.

    ``folded`` hides the table until a reader opens it; it is printed all the same.
    """

    drawing: Markup
    title: str
    caption: str
    table: Table | None = None
    folded: bool = False


@dataclass(frozen=True)
class Matrix:
    """Counts of rows by true label (down) and predicted label (across)."""

    labels: Sequence[str]
    counts: Sequence[Sequence[int]]
    caption: str
    corner: str


@dataclass(frozen=True)
class Commands:
    """Lines for a shell, under a sentence that says what they do."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Points:
    """A list under a title."""

    title: str
    lines: Sequence[str]


@dataclass(frozen=True)
class Warnings:
    """What a reader must know before the figures."""

    lines: Sequence[str]


@dataclass(frozen=True)
class ImageCard:
    """A small image with its description."""

    content: bytes
    kind: str
    caption: str


@dataclass(frozen=True)
class Gallery:
    """Small images in a grid."""

    cards: Sequence[ImageCard]


Element = Block | Chart | Matrix | Commands | Points | Warnings | Gallery


@dataclass(frozen=True)
class Section:
    """A part of the page. ``name`` is a plain word that tells it apart from its neighbors."""

    name: str
    title: str
    content: Sequence[Element]


@dataclass(frozen=True)
class Chapter:
    """All sections about one run, servable or study. ``name`` is its short name."""

    name: str
    subtitle: str
    sections: Sequence[Section]
