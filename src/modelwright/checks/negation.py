"""Pairs of sentences with opposite sentiments: one with a negation and one without.

They are written by hand, in ``negation-en.csv`` (films) and ``negation-zh.csv`` (goods, films,
hotels, books). Each language negates praise as often as blame, so that a model which takes every
negation for blame gains nothing. This module runs no model.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class Pair:
    """A sentence and its negated form; ``praise`` says whether the plain sentence is positive.

    ``kind`` is the negating word. It is ``distant`` if the negation is in another clause than the
    word that it negates, or if it negates two words.
    """

    kind: str
    praise: bool
    plain: str
    negated: str


def pairs(language: Language) -> tuple[Pair, ...]:
    """Returns all pairs of a language, kind by kind."""
    text = resources.files(__package__).joinpath(f"negation-{language}.csv").read_text("utf-8")
    return tuple(
        Pair(row["kind"], row["plain_label"] == "pos", row["plain"], row["negated"])
        for row in csv.DictReader(text.splitlines())
    )
