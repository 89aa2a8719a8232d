"""How a page says things: its language, and the form of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.terminal import percent, shorten
from modelwright.reporting.translations import Language, say

EMPTY = "—"
NAME_WIDTH = 60
"""Columns that a label or the name of a file may take; the table of classes has whole labels."""


@dataclass(frozen=True)
class Words:
    """The words of a page. A call translates an English text and fills in its fields."""

    language: Language = "en"

    def __call__(self, text: str, /, **values: object) -> str:
        """Returns a text of the table of translations in the page's language."""
        return say(text, self.language, **values)

    def join(self, parts: Sequence[str]) -> str:
        """Returns a list in one line."""
        return ("、" if self.language == "zh" else ", ").join(parts)

    def sentences(self, *parts: str) -> str:
        """Returns sentences one after the other."""
        return ("" if self.language == "zh" else " ").join(parts)

    def status(self, status: str) -> str:
        """Returns the status of a run or a study."""
        return self("still training" if status == "training" else status)

    def interval(self, low: float, high: float) -> str:
        """Returns a 95 % interval of a share, in percent."""
        return self("{low} to {high}", low=f"{100 * low:.2f}", high=f"{100 * high:.2f}")

    def evaluated(self, name: str) -> str:
        """Returns what the name of an evaluation stands for."""
        plain, tta = name.removesuffix("-tta"), name.endswith("-tta")
        known = {"test": "test rows", "val": "validation rows", "train": "training rows"}
        said = self(known[plain]) if plain in known else plain.removeprefix("data-")
        return self("{rows}, with test-time augmentation", rows=said) if tta else said


def share(value: float | None) -> str:
    """Returns ``87.31 %``, or a dash for None."""
    return EMPTY if value is None else percent(value)


def decimal(value: float | None) -> str:
    """Returns ``0.8731``, or a dash for None."""
    return EMPTY if value is None else f"{value:.4f}"


def count(value: int | None) -> str:
    """Returns ``12,345``, or a dash for None."""
    return EMPTY if value is None else f"{value:,}"


def short(label: str, width: int = NAME_WIDTH) -> str:
    """Returns a label in one line of limited width."""
    return shorten(label, width)
