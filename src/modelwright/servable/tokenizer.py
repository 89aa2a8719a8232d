"""Ids of texts without TensorFlow, from a servable's ``tokenizer.json`` and its vocabulary.

The file says all that the tokeniser in the graph does, character by character, so that a program
in any language can do the same; ``docs/engines.md`` describes it. The standard library alone,
but for the array that comes out.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import ServableError

FORMAT = 1
TOKENIZER = "tokenizer.json"
VOCABULARY = "assets/vocabulary.txt"
PADDING = 0
UNKNOWN = 1
SIGMA, FINAL_SIGMA = "Σ", "ς"

Ranges = Sequence[Sequence[int]]


class Tokenizer:
    """Texts to int32 ids ``[n, length]``: the same as the graph's, for every text."""

    def __init__(self, rules: Mapping[str, Any], vocabulary: Sequence[str]) -> None:
        """Take the content of ``tokenizer.json`` and the vocabulary's lines.

        Raises:
            KeyError, TypeError, ValueError, re.error: the rules are not such a file's.
        """
        self.length = int(rules["length"])
        self._ngrams = int(rules["ngrams"])
        self._from_start = rules["keep"] == "start"
        self._removed = [re.compile(pattern) for pattern in rules["remove"]]
        self._characters = _Characters(rules["characters"])
        sigma = rules["final_sigma"]
        self._cased, self._ignorable = (_inside(sigma[key]) for key in ("cased", "ignorable"))
        self._ids = {token: number for number, token in enumerate(vocabulary)}

    def tokens(self, text: str) -> list[str]:
        """All tokens of a text, runs of tokens behind the single ones."""
        for pattern in self._removed:
            text = pattern.sub(" ", text)
        if SIGMA in text:
            text = "".join(
                FINAL_SIGMA if letter == SIGMA and self._ends_word(text, at) else letter
                for at, letter in enumerate(text)
            )
        single = text.translate(self._characters).split()
        runs = [
            " ".join(single[at : at + width])
            for width in range(2, self._ngrams + 1)
            for at in range(len(single) - width + 1)
        ]
        return single + runs

    def encode(self, texts: Sequence[str], *, shortest: bool = False) -> npt.NDArray[np.int32]:
        """Ids of texts, padded at the end with 0.

        Args:
            texts: without lone surrogates.
            shortest: as wide as the longest of them, not as wide as ``length``.
        """
        rows = [self._row(text) for text in texts]
        width = max(map(len, rows), default=1) if shortest else self.length
        ids = np.full((len(rows), width), PADDING, np.int32)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
        return ids

    def _row(self, text: str) -> list[int]:
        tokens = self.tokens(text)
        tokens = tokens[: self.length] if self._from_start else tokens[-self.length :]
        return [self._ids.get(token, UNKNOWN) for token in tokens] or [UNKNOWN]

    def _ends_word(self, text: str, at: int) -> bool:
        """Unicode's condition Final_Sigma: a letter before, none behind, others passed over."""
        before = self._first(text, range(at - 1, -1, -1))
        return before and not self._first(text, range(at + 1, len(text)))

    def _first(self, text: str, places: range) -> bool:
        """Whether the first that is not passed over is a letter with a case."""
        for place in places:
            if not self._ignorable(ord(text[place])):
                return self._cased(ord(text[place]))
        return False


class _Characters(dict[int, Any]):
    """What each code point becomes, looked up in the ranges when it is first met."""

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
        place = bisect_right(self._starts, point) - 1
        became: Any = point
        if place >= 0 and point <= self._ranges[place][1]:
            kind = self._ranges[place][2]
            became = {"vanish": "", "space": " ", "alone": f" {chr(point)} "}[kind]
        self[point] = became
        return became


def read(folder: Path) -> Tokenizer:
    """The tokeniser of a servable.

    Raises:
        ServableError: its files are missing or do not belong together.
    """
    path = folder / TOKENIZER
    try:
        rules = json.loads(path.read_text("utf-8"))
        if rules["format"] != FORMAT:
            raise ServableError(
                f"{path} has format {rules['format']!r}; this version reads {FORMAT}. Install a"
                " later version of modelwright."
            )
        content = (folder / VOCABULARY).read_bytes()
        if sha256(content).hexdigest() != rules["sha256"]:
            raise ServableError(
                f"{folder / VOCABULARY} is not the vocabulary that {path} was written for; bring"
                " that one back, or export anew."
            )
        return Tokenizer(rules, content.decode().split("\n")[:-1])
    except (OSError, KeyError, TypeError, ValueError, re.error) as error:
        raise ServableError(f"{path} cannot be read: {type(error).__name__} {error}.") from None


def _inside(ranges: Ranges) -> Callable[[int], bool]:
    starts = [int(first) for first, _ in ranges]
    ends = [int(last) for _, last in ranges]

    def inside(point: int) -> bool:
        place = bisect_right(starts, point) - 1
        return place >= 0 and point <= ends[place]

    return inside
