"""A text that remembers, while it is changed, which characters of the original it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORD = re.compile(r"\S+")
_GROUP = r"\1"


@dataclass(frozen=True)
class TrackedText:
    """A changed text.

    Attributes:
        text: the text as it is now.
        starts: for each character, where what it comes from begins in the original text.
        ends: for each character, where that ends; behind its last character.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> TrackedText:
        """Returns a text that is not changed yet."""
        return cls(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))

    def with_text(self, text: str) -> TrackedText:
        """Returns the text with another character in the place of each."""
        return TrackedText(text, self.starts, self.ends)

    def replace(self, pattern: re.Pattern[str], template: str) -> TrackedText:
        r"""Returns what ``pattern.sub(template, text)`` gives.

        Args:
            pattern: what is replaced.
            template: spaces, and at most one ``\1``, whose characters keep their origin.
        """
        before, _, after = template.partition(_GROUP)
        built = _Builder()
        done = 0
        for match in pattern.finditer(self.text):
            built.copy(self, done, match.start())
            origin = self._origin(*match.span())
            built.add(before, *origin)
            if _GROUP in template:
                built.copy(self, *match.span(1))
            built.add(after, *origin)
            done = match.end()
        built.copy(self, done, len(self.text))
        return built.finish()

    def translate(self, table: Mapping[int, Any]) -> TrackedText:
        """Returns what ``str.translate`` gives: a character may vanish or become several."""
        built = _Builder()
        for position, character in enumerate(self.text):
            become = table[ord(character)]
            become = chr(become) if isinstance(become, int) else become
            built.add(become, self.starts[position], self.ends[position])
        return built.finish()

    def words(self) -> list[tuple[str, int, int]]:
        """Returns what ``str.split`` gives, each word with its start and end in the original."""
        return [(word[0], *self._origin(*word.span())) for word in _WORD.finditer(self.text)]

    def _origin(self, first: int, end: int) -> tuple[int, int]:
        """Returns the start and end in the original of a run of characters."""
        if first == end:
            at = self.starts[first] if first < len(self.starts) else (self.ends or (0,))[-1]
            return at, at
        return self.starts[first], self.ends[end - 1]


class _Builder:
    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, text: str, start: int, end: int) -> None:
        """Adds characters that all come from the same part of the original."""
        self._parts.append(text)
        self._starts += [start] * len(text)
        self._ends += [end] * len(text)

    def copy(self, source: TrackedText, first: int, end: int) -> None:
        """Adds characters of another text as they are."""
        self._parts.append(source.text[first:end])
        self._starts += source.starts[first:end]
        self._ends += source.ends[first:end]

    def finish(self) -> TrackedText:
        """Returns the text."""
        return TrackedText("".join(self._parts), tuple(self._starts), tuple(self._ends))
