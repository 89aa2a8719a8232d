"""The words and n-grams that carry each class, over the explanations of many texts.

A word's weight is its mean weight in the rows in which it occurs. An n-gram is two or three words
that follow each other. Its weight is measured with all of its words at once, not added up. So "not
good" can speak for a label that "good" speaks against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, Progress
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.method import TextSegment

WORDS, NGRAMS = 10, 5
"""Number of words and of n-grams that are listed for each class."""
SIZES = (2, 3)
"""Number of words of an n-gram."""
PRIOR = 3
"""Terms are ranked by their mean weight times ``rows / (rows + PRIOR)``: few rows count less."""
_MEASURED = 60
"""Number of n-grams of each class that are measured."""
_ADDED = 0.1
"""An n-gram must outweigh each word and shorter n-gram in it by this share of its own weight."""

RunEffects = Callable[[int, Sequence[range]], FloatArray]
"""Returns what each run of segments of a row does to the log-odds of a label, ``[runs]``."""


@dataclass(frozen=True)
class Example:
    """A row in which a term occurs: where it is from, and the characters of the term in it."""

    row: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Term:
    """A word or an n-gram that speaks for a class.

    Attributes:
        text: in lower case, with single spaces.
        weight: the mean over its rows, in log-odds of the class.
        rows: the number of rows in which it occurs.
        example: the row in which it weighs most.
    """

    text: str
    weight: float
    rows: int
    example: Example

    @property
    def score(self) -> float:
        """What terms are ranked by."""
        return self.weight * self.rows / (self.rows + PRIOR)

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        example = vars(self.example)
        return {"text": self.text, "weight": self.weight, "rows": self.rows, "example": example}


@dataclass(frozen=True)
class ClassTerms:
    """What carries one class: the best words and n-grams, over ``rows`` rows explained for it."""

    label: str
    rows: int
    least_rows: int
    words: tuple[Term, ...]
    ngrams: tuple[Term, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "label": self.label,
            "rows": self.rows,
            "least_rows": self.least_rows,
            "words": [one.to_dict() for one in self.words],
            "ngrams": [one.to_dict() for one in self.ngrams],
        }


@dataclass
class _Found:
    """The occurrences of one term: one of each row."""

    weights: list[float] = field(default_factory=list)
    size: float = 0.0
    """The sum of the absolute weights of its words, over its rows."""
    places: list[tuple[int, range]] = field(default_factory=list)
    """The position of each row, and the segments in it."""

    @property
    def score(self) -> float:
        return self.size / (len(self.places) + PRIOR)


def class_terms(
    explanations: Mapping[int, Explanation],
    origins: Sequence[str],
    effects: Callable[[str], RunEffects],
    progress: Progress | None = None,
) -> list[ClassTerms]:
    """Returns the terms of each explained label, the label of most rows first.

    Args:
        explanations: of texts, by the position of the row.
        origins: where each row is from, by its position.
        effects: maps a label to what measures n-grams for it.
        progress: called after each label.
    """
    by_label: dict[str, dict[int, Explanation]] = {}
    for position, one in explanations.items():
        by_label.setdefault(one.label, {})[position] = one
    found = []
    for label, rows in sorted(by_label.items(), key=lambda item: (-len(item[1]), item[0])):
        least = least_rows(len(rows))
        words = _terms(_words(rows), rows, origins, least)
        ngrams = _terms(_measured(rows, effects(label), least), rows, origins, least)
        chosen = _without_repeats(ngrams)[:NGRAMS]
        found.append(ClassTerms(label, len(rows), least, tuple(words[:WORDS]), tuple(chosen)))
        if progress:
            progress("measuring n-grams", len(found), len(by_label))
    return found


def least_rows(rows: int) -> int:
    """Returns in how many of the rows of a class a term must occur to be listed."""
    return 1 if rows < 10 else 2 if rows < 30 else 3


def _words(rows: Mapping[int, Explanation]) -> dict[str, _Found]:
    """Returns the weights of each word; in a row with several, their mean."""
    found: dict[str, _Found] = {}
    for position, one in rows.items():
        in_row: dict[str, list[int]] = {}
        for at, marked in enumerate(one.segments):
            if isinstance(marked.segment, TextSegment):
                in_row.setdefault(_key(marked.segment.text), []).append(at)
        for key, places in in_row.items():
            weights = [one.segments[at].weight for at in places]
            best = places[int(np.argmax(weights))]
            term = found.setdefault(key, _Found())
            term.weights.append(float(np.mean(weights)))
            term.places.append((position, range(best, best + 1)))
    return found


def _measured(
    rows: Mapping[int, Explanation], effects: RunEffects, least: int
) -> dict[str, _Found]:
    """Returns n-grams that recur, with their measured weights; none that a part of it carries."""
    found: dict[str, _Found] = {}
    for position, one in rows.items():
        seen: dict[str, range] = {}
        for key, place in _ngrams(one):
            if key not in seen or _size(one, place) > _size(one, seen[key]):
                seen[key] = place
        for key, place in seen.items():
            term = found.setdefault(key, _Found())
            term.places.append((position, place))
            term.size += _size(one, place)
    recurring = [item for item in found.items() if len(item[1].places) >= max(2, least)]
    recurring.sort(key=lambda item: (-item[1].score, item[0]))
    chosen = dict(recurring[:_MEASURED])
    alone: dict[str, list[float]] = {key: [] for key in chosen}
    for position, one in rows.items():
        here = [(key, place) for key, term in chosen.items()
                for at, place in term.places if at == position]  # fmt: skip
        if not here:
            continue
        weights = effects(position, [place for _, place in here])
        measured = {place: float(w) for (_, place), w in zip(here, weights, strict=True)}
        for key, place in here:
            chosen[key].weights.append(measured[place])
            parts = [one.segments[at].weight for at in place]
            if len(place) > 2:
                pairs = (place[:-1], place[1:])
                parts += [measured[pair] for pair in pairs if pair in measured]
            alone[key].append(max(parts))
    return {
        key: term
        for key, term in chosen.items()
        if np.mean(term.weights) * (1 - _ADDED) > np.mean(alone[key])
    }


def _ngrams(one: Explanation) -> Iterator[tuple[str, range]]:
    """Yields the n-grams of a text with nothing but spaces between their words."""
    spans = [marked.segment for marked in one.segments if isinstance(marked.segment, TextSegment)]
    joined = [not one.input[before.end : after.start].strip() for before, after in pairwise(spans)]
    for size in SIZES:
        for at in range(len(spans) - size + 1):
            if all(joined[at : at + size - 1]):
                text = one.input[spans[at].start : spans[at + size - 1].end]
                yield _key(text), range(at, at + size)


def _span(one: Explanation, at: int) -> TextSegment:
    segment = one.segments[at].segment
    if not isinstance(segment, TextSegment):
        raise TypeError("terms are of texts")
    return segment


def _size(one: Explanation, place: range) -> float:
    return sum(abs(one.segments[at].weight) for at in place)


def _terms(
    found: Mapping[str, _Found],
    rows: Mapping[int, Explanation],
    origins: Sequence[str],
    least: int,
) -> list[Term]:
    """Returns the terms that speak for the class, the strongest first."""
    terms = []
    for key, one in found.items():
        weight = float(np.mean(one.weights))
        if len(one.weights) >= least and weight > 0:
            position, place = one.places[int(np.argmax(one.weights))]
            start = _span(rows[position], place[0]).start
            end = _span(rows[position], place[-1]).end
            example = Example(origins[position], rows[position].input, start, end)
            terms.append(Term(key, weight, len(one.weights), example))
    return sorted(terms, key=lambda term: (-term.score, term.text))


def _without_repeats(terms: Sequence[Term]) -> list[Term]:
    """Returns the terms without those that are a part of a stronger one, or the reverse."""
    kept: list[Term] = []
    for one in terms:
        if not any(one.text in other.text or other.text in one.text for other in kept):
            kept.append(one)
    return kept


def _key(text: str) -> str:
    return " ".join(text.casefold().split())
