"""Pairs of sentences, one with and one without a negation, whose sentiments are opposite.

They are hand-written, in ``negation-en.csv`` (films) and ``negation-zh.csv`` (goods, films,
hotels, books). In each language praise is negated as often as blame, so that a model gains
nothing from taking every negation for blame. It asks no model.
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
    """A sentence and its negated form; ``praise`` says whether the plain one is positive.

    ``kind`` is the word that negates, or ``distant`` where the negation stands in another
    clause than the word it turns round, or goes over two of them.
    """

    kind: str
    praise: bool
    plain: str
    negated: str


def pairs(language: Language) -> tuple[Pair, ...]:
    """All pairs of a language, kind by kind."""
    text = resources.files(__package__).joinpath(f"negation-{language}.csv").read_text("utf-8")
    return tuple(
        Pair(row["kind"], row["plain_label"] == "pos", row["plain"], row["negated"])
        for row in csv.DictReader(text.splitlines())
    )
