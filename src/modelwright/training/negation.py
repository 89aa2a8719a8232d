"""Negation as a slice of an evaluation: does a model of sentiment turn round with its sentence?

It asks only models of two classes whose names mean praise and blame, and only in the languages
of the rows that are measured. Whether there is such a slice changes no other figure.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from modelwright.checks.negation import LANGUAGES, Language, Pair, pairs
from modelwright.checks.sentiment import positive_of
from modelwright.core.blocks import Block, Note, Table
from modelwright.core.files import write_text
from modelwright.core.report import Report
from modelwright.core.statistics import wilson_interval
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, Split
from modelwright.data.scripts import SCRIPTS, scripts_of
from modelwright.models.graph_tokenizer import GraphTokenizer
from modelwright.training.batches import TokenIds
from modelwright.training.network_classifier import NetworkClassifier

_SCRIPT = {"en": "Latin", "zh": "Han"}
_NAMES = {"en": "English", "zh": "Chinese"}
_SAMPLE = 1000
_WRITTEN = 0.1
"""A language is among the rows when so many of a sample are mostly in its script."""
_KNOWN = 0.8
"""And it is the language of that script when so many of the check's tokens are known."""


@dataclass(frozen=True)
class Group:
    """Some of the pairs; shares from 0 to 1 of them that are right."""

    name: str
    pairs: int
    plain: float
    negated: float
    both: float


@dataclass(frozen=True)
class Answer:
    """One sentence; ``probability`` is what the model gave the label it chose."""

    kind: str
    text: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class NegationSlice(Report):
    """How a model did on the pairs of one language.

    ``turned`` are the pairs by what the negation turns round: praise or blame.
    """

    language: Language
    accuracy: float
    accuracy_interval: tuple[float, float]
    whole: Group
    turned: tuple[Group, ...]
    kinds: tuple[Group, ...]
    answers: tuple[Answer, ...]

    @property
    def name(self) -> str:
        """For a person."""
        return f"negation, {_NAMES[self.language]}"

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        whole = self.whole
        return {
            "name": "negation",
            "language": self.language,
            "rows": 2 * whole.pairs,
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "pairs_right": whole.both,
            "plain_accuracy": whole.plain,
            "negated_accuracy": whole.negated,
            "turned": [asdict(group) for group in self.turned],
            "kinds": [asdict(group) for group in self.kinds],
        }

    def blocks(self) -> Sequence[Block]:
        """The accuracy, and the pairs by kind."""
        low, high = self.accuracy_interval
        head = (
            f"{self.name}: {percent(self.accuracy)} of {2 * self.whole.pairs} sentences right"
            f"  (95 %: {percent(low)} to {percent(high)})"
        )
        rows = [
            (one.name, one.pairs, percent(one.plain), percent(one.negated), percent(one.both))
            for one in (self.whole, *self.turned, *self.kinds)
        ]
        headers = ("pairs", "count", "plain right", "negated right", "both right")
        return (Note(head), Table(headers, rows))


def negation(
    labels: Sequence[str], network: keras.Model, tokenizer: GraphTokenizer | None, rows: Split
) -> tuple[NegationSlice, ...]:
    """Ask a network about negation, a slice a language; none where the question means nothing.

    Args:
        labels: the names of its classes.
        network: gives the probabilities.
        tokenizer: of a text model, None for pictures.
        rows: those that are measured; their script says which languages are asked.
    """
    if tokenizer is None or positive_of(labels) is None or not len(rows):
        return ()

    def answer(texts: list[str]) -> FloatArray:
        return NetworkClassifier(network).classify_rows(TokenIds(tokenizer.encode(texts)))

    return tuple(
        ask(language, pairs(language), labels, answer) for language in _languages(rows, tokenizer)
    )


def ask(
    language: Language,
    asked: Sequence[Pair],
    labels: Sequence[str],
    answer: Callable[[list[str]], FloatArray],
) -> NegationSlice:
    """Ask whatever gives probabilities ``[n, 2]`` of texts, labels being names of sentiments."""
    positive = positive_of(labels)
    if positive is None:
        raise ValueError(f"expected the names of two opposite sentiments, not {labels}")
    texts = [text for pair in asked for text in (pair.plain, pair.negated)]
    praise = np.array([kind for pair in asked for kind in (pair.praise, not pair.praise)])
    true = np.where(praise, positive, 1 - positive)
    probabilities = answer(texts)
    chosen = probabilities.argmax(axis=1)
    right = (chosen == true).reshape(-1, 2)
    turned = [f"{'praise' if pair.praise else 'blame'} negated" for pair in asked]
    kinds = [pair.kind for pair in asked]
    return NegationSlice(
        language=language,
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), right.size),
        whole=_group("all", right),
        turned=_groups(turned, right),
        kinds=_groups(kinds, right),
        answers=tuple(
            Answer(asked[i // 2].kind, text, labels[true[i]], labels[chosen[i]], float(top))
            for i, (text, top) in enumerate(zip(texts, probabilities.max(axis=1), strict=True))
        ),
    )


def write_answers(path: Path, slices: Sequence[NegationSlice]) -> None:
    """Every sentence and the model's answer, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("language", "kind", "label", "predicted", "probability", "text"))
    writer.writerows(
        (one.language, a.kind, a.label, a.predicted, a.probability, a.text)
        for one in slices
        for a in one.answers
    )
    write_text(path, text.getvalue())


def _groups(names: Sequence[str], right: npt.NDArray[np.bool_]) -> tuple[Group, ...]:
    column = np.array(names)
    return tuple(_group(name, right[column == name]) for name in dict.fromkeys(names))


def _group(name: str, right: npt.NDArray[np.bool_]) -> Group:
    """Of ``right``, ``[pairs, 2]``: the plain sentence, the negated one."""
    plain, negated = right.mean(axis=0).tolist()
    return Group(name, len(right), plain, negated, float(right.all(axis=1).mean()))


def _languages(rows: Split, tokenizer: GraphTokenizer) -> list[Language]:
    places = np.unique(np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.int64))
    scripts = scripts_of(rows.inputs.take(places))
    found = []
    for language in LANGUAGES:
        written = (scripts == SCRIPTS.index(_SCRIPT[language])).mean()
        texts = [text for pair in pairs(language) for text in (pair.plain, pair.negated)]
        # Latin letters alone are no English: a French model knows few of the words.
        if written >= _WRITTEN and tokenizer.known_share(texts) >= _KNOWN:
            found.append(language)
    return found
