"""The tokenizer for serving: texts to token ids without TensorFlow.

It reads a servable's ``tokenizer.json`` and its vocabulary. That file describes the tokenizer in
the graph completely, character by character, so that a program in any language can do the same;
``docs/engines.md`` describes it. Apart from numpy, this needs only the standard library.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import ServableError
from modelwright.servable.tracked_text import TrackedText

FORMAT = 1
CLUSTER_FORMAT = 2
"""The format with the key ``clusters``, which a reader of the first format would overlook."""
TOKENIZER = "tokenizer.json"
VOCABULARY = "assets/vocabulary.txt"
PADDING = 0
UNKNOWN = 1
SIGMA, FINAL_SIGMA = "Σ", "ς"

Ranges = Sequence[Sequence[int]]
_Token = TypeVar("_Token")


@dataclass(frozen=True)
class LocatedToken:
    """A token: its id, and the characters ``start`` to ``end`` of the text that it comes from."""

    token: str
    id: int
    start: int
    end: int


class ServingTokenizer:
    """Turns texts into the same token ids as the tokenizer in the graph."""

    def __init__(self, rules: Mapping[str, Any], vocabulary: Sequence[str]) -> None:
        """Takes the content of ``tokenizer.json`` and the lines of the vocabulary.

        Raises:
            KeyError, TypeError, ValueError, re.error: a rule is missing or invalid.
        """
        self.length = int(rules["length"])
        self._ngrams = int(rules["ngrams"])
        self._from_start = rules["keep"] == "start"
        self._removed = [re.compile(pattern) for pattern in rules["remove"]]
        self._characters = _Characters(rules["characters"])
        sigma = rules["final_sigma"]
        self._cased, self._ignorable = (_membership(sigma[key]) for key in ("cased", "ignorable"))
        clusters = rules.get("clusters")
        self._clusters = _cluster_patterns(clusters) if clusters else ()
        self._ids = {token: number for number, token in enumerate(vocabulary)}

    def tokens(self, text: str) -> list[str]:
        """Returns all tokens of a text: words first, then n-grams of words."""
        for pattern in self._removed:
            text = pattern.sub(" ", text)
        if SIGMA in text:
            text = self._finish_sigmas(text)
        text = text.translate(self._characters)
        for pattern, replacement in self._clusters:
            text = pattern.sub(replacement, text)
        words = text.split()
        ngrams = [
            " ".join(words[at : at + width])
            for width in range(2, self._ngrams + 1)
            for at in range(len(words) - width + 1)
        ]
        return words + ngrams

    def encode(self, texts: Sequence[str], *, shortest: bool = False) -> npt.NDArray[np.int32]:
        """Returns the token ids int32 ``[n, length]`` of texts, padded at the end with 0.

        Args:
            texts: without lone surrogates.
            shortest: pads to the longest text; otherwise to ``length``.
        """
        rows = [self._row(text) for text in texts]
        width = max(map(len, rows), default=1) if shortest else self.length
        ids = np.full((len(rows), width), PADDING, np.int32)
        for position, row in enumerate(rows):
            ids[position, : len(row)] = row
        return ids

    def locate(self, text: str) -> list[LocatedToken]:
        """Returns the tokens that the network reads, with their offsets in the text.

        They are those of ``encode``, in its order, without padding. An n-gram reaches from its
        first word to its last. The list is empty for a text without tokens, which ``encode`` gives
        one unknown token.

        Args:
            text: without lone surrogates.
        """
        words = self.locate_words(text)
        found = [
            (" ".join(word for word, _, _ in run), run[0][1], run[-1][2])
            for width in range(1, self._ngrams + 1)
            for run in (words[at : at + width] for at in range(len(words) - width + 1))
        ]
        return [
            LocatedToken(token, self._ids.get(token, UNKNOWN), start, end)
            for token, start, end in self._cut(found)
        ]

    def locate_words(self, text: str) -> list[tuple[str, int, int]]:
        """Returns the words of ``tokens``, each with its start and end in the text.

        There are no n-grams, and words that the network has no room for are among them.
        """
        tracked = TrackedText.of(text)
        for pattern in self._removed:
            tracked = tracked.replace(pattern, " ")
        if SIGMA in tracked.text:
            tracked = tracked.with_text(self._finish_sigmas(tracked.text))
        tracked = tracked.translate(self._characters)
        for pattern, replacement in self._clusters:
            tracked = tracked.replace(pattern, replacement)
        return tracked.words()

    def _cut(self, tokens: list[_Token]) -> list[_Token]:
        """Returns the tokens that the network has room for."""
        return tokens[: self.length] if self._from_start else tokens[-self.length :]

    def _row(self, text: str) -> list[int]:
        tokens = self._cut(self.tokens(text))
        return [self._ids.get(token, UNKNOWN) for token in tokens] or [UNKNOWN]

    def _finish_sigmas(self, text: str) -> str:
        """Returns the text with a final sigma where a capital one ends a word."""
        return "".join(
            FINAL_SIGMA if letter == SIGMA and self._ends_word(text, at) else letter
            for at, letter in enumerate(text)
        )

    def _ends_word(self, text: str, at: int) -> bool:
        """Returns Unicode's condition Final_Sigma: a cased letter before ``at`` and none after it.

        Ignorable characters in between do not count.
        """
        before = self._first_is_cased(text, range(at - 1, -1, -1))
        return before and not self._first_is_cased(text, range(at + 1, len(text)))

    def _first_is_cased(self, text: str, positions: range) -> bool:
        """Returns whether the first character that is not ignorable is a cased letter."""
        for position in positions:
            if not self._ignorable(ord(text[position])):
                return self._cased(ord(text[position]))
        return False


class _Characters(dict[int, Any]):
    """A table for ``str.translate``; looks a code point up in the ranges when it first occurs."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        super().__init__({int(point): text for point, text in rules["become"].items()})
        kinds = [
            (int(first), int(last), kind)
            for kind in ("vanish", "space", "alone")
            for first, last in rules[kind]
        ]
        self._ranges = sorted(kinds)
        self._starts = [first for first, _, _ in self._ranges]

    def __missing__(self, point: int) -> Any:
        position = bisect_right(self._starts, point) - 1
        replacement: Any = point
        if position >= 0 and point <= self._ranges[position][1]:
            kind = self._ranges[position][2]
            replacement = {"vanish": "", "space": " ", "alone": f" {chr(point)} "}[kind]
        self[point] = replacement
        return replacement


def read_tokenizer(folder: Path) -> ServingTokenizer:
    """Returns the tokenizer of a servable.

    Raises:
        ServableError: its files are missing or do not belong together.
    """
    path = folder / TOKENIZER
    try:
        rules = json.loads(path.read_text("utf-8"))
        if rules["format"] not in (FORMAT, CLUSTER_FORMAT):
            raise ServableError(
                f"{path} has format {rules['format']!r}; this version reads {FORMAT} and"
                f" {CLUSTER_FORMAT}. Install a later version of modelwright."
            )
        content = (folder / VOCABULARY).read_bytes()
        if sha256(content).hexdigest() != rules["sha256"]:
            raise ServableError(
                f"{folder / VOCABULARY} is not the vocabulary that {path} was written for;"
                " restore that vocabulary, or export again."
            )
        return ServingTokenizer(rules, content.decode().split("\n")[:-1])
    except (OSError, KeyError, TypeError, ValueError, re.error) as error:
        raise ServableError(f"{path} cannot be read: {type(error).__name__} {error}.") from None


def _cluster_patterns(clusters: Mapping[str, Ranges]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Returns what removes marks without a character, and what sets clusters apart."""
    start, mark = (
        "".join(f"\\U{int(first):08x}-\\U{int(last):08x}" for first, last in clusters[key])
        for key in ("start", "mark")
    )
    return (
        (re.compile(f"(^| )[{mark}]+"), r"\1"),
        (re.compile(f"([{start}][{mark}]*)"), r" \1 "),
    )


def _membership(ranges: Ranges) -> Callable[[int], bool]:
    """Returns a function that tells whether a code point is in one of the ranges."""
    starts = [int(first) for first, _ in ranges]
    ends = [int(last) for _, last in ranges]

    def is_member(point: int) -> bool:
        position = bisect_right(starts, point) - 1
        return position >= 0 and point <= ends[position]

    return is_member
