"""Negation as a slice of an evaluation: whether a sentiment model's answer follows a negation.

Only models with two classes, whose names mean praise and blame, are measured, and only in the
languages of the measured rows. The slice changes no other metric.
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
_SCRIPT_SHARE = 0.1
"""Smallest share of sampled rows in the script of a language that is measured."""
_KNOWN_SHARE = 0.8
"""Smallest share of the check's tokens that the model's vocabulary must hold."""


@dataclass(frozen=True)
class Group:
    """A group of pairs, and the shares of them, from 0 to 1, that are right."""

    name: str
    pairs: int
    plain: float
    negated: float
    both: float


@dataclass(frozen=True)
class Answer:
    """The prediction for one sentence. ``probability`` is that of the predicted label."""

    kind: str
    text: str
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class NegationSlice(Report):
    """The result of a model on the pairs of one language.

    ``turned`` groups the pairs by what is negated: praise or blame. ``kinds`` groups them by the
    form of the negation.
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
        """The name to show."""
        return f"negation, {_NAMES[self.language]}"

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
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
        """Returns the accuracy, and the groups of pairs."""
        low, high = self.accuracy_interval
        note = (
            f"{self.name}: {percent(self.accuracy)} of {2 * self.whole.pairs} sentences right"
            f"  (95 %: {percent(low)} to {percent(high)})"
        )
        rows = [
            (one.name, one.pairs, percent(one.plain), percent(one.negated), percent(one.both))
            for one in (self.whole, *self.turned, *self.kinds)
        ]
        headers = ("pairs", "count", "plain right", "negated right", "both right")
        return (Note(note), Table(headers, rows))


def measure_negation(
    labels: Sequence[str], network: keras.Model, tokenizer: GraphTokenizer | None, rows: Split
) -> tuple[NegationSlice, ...]:
    """Returns one slice for each measured language; none for a model that is not of sentiment.

    Args:
        labels: the names of the network's classes.
        network: the network to measure.
        tokenizer: the tokenizer of a text model; None for images.
        rows: the measured rows. Their script decides which languages are measured.
    """
    if tokenizer is None or positive_of(labels) is None or not len(rows):
        return ()

    def classify(texts: list[str]) -> FloatArray:
        return NetworkClassifier(network).classify_rows(TokenIds(tokenizer.encode(texts)))

    return tuple(
        negation_slice(language, pairs(language), labels, classify)
        for language in _languages(rows, tokenizer)
    )


def negation_slice(
    language: Language,
    sentence_pairs: Sequence[Pair],
    labels: Sequence[str],
    classify: Callable[[list[str]], FloatArray],
) -> NegationSlice:
    """Returns the slice of one language.

    Args:
        language: the language of the pairs.
        sentence_pairs: the plain and negated sentences.
        labels: the names of two opposite sentiments.
        classify: returns the probabilities ``[n, 2]`` of texts.

    Raises:
        ValueError: the labels are not two opposite sentiments.
    """
    positive = positive_of(labels)
    if positive is None:
        raise ValueError(f"expected the names of two opposite sentiments, not {labels}")
    texts = [text for pair in sentence_pairs for text in (pair.plain, pair.negated)]
    praise = np.array([kind for pair in sentence_pairs for kind in (pair.praise, not pair.praise)])
    true = np.where(praise, positive, 1 - positive)
    probabilities = classify(texts)
    predicted = probabilities.argmax(axis=1)
    right = (predicted == true).reshape(-1, 2)
    turned = [f"{'praise' if pair.praise else 'blame'} negated" for pair in sentence_pairs]
    kinds = [pair.kind for pair in sentence_pairs]
    return NegationSlice(
        language=language,
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), right.size),
        whole=_group("all", right),
        turned=_groups(turned, right),
        kinds=_groups(kinds, right),
        answers=tuple(
            Answer(
                sentence_pairs[i // 2].kind, text, labels[true[i]], labels[predicted[i]], float(top)
            )
            for i, (text, top) in enumerate(zip(texts, probabilities.max(axis=1), strict=True))
        ),
    )


def write_answers(path: Path, slices: Sequence[NegationSlice]) -> None:
    """Writes every sentence and its prediction as CSV."""
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
    """Returns a group. ``right`` is bool ``[pairs, 2]``: plain sentence, negated sentence."""
    plain, negated = right.mean(axis=0).tolist()
    return Group(name, len(right), plain, negated, float(right.all(axis=1).mean()))


def _languages(rows: Split, tokenizer: GraphTokenizer) -> list[Language]:
    """Returns the languages of a sample of the rows that the tokenizer knows."""
    positions = np.unique(np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.int64))
    scripts = scripts_of(rows.inputs.take(positions))
    found = []
    for language in LANGUAGES:
        share = (scripts == SCRIPTS.index(_SCRIPT[language])).mean()
        texts = [text for pair in pairs(language) for text in (pair.plain, pair.negated)]
        # Latin letters do not mean English: a French model knows few English words.
        if share >= _SCRIPT_SHARE and tokenizer.known_share(texts) >= _KNOWN_SHARE:
            found.append(language)
    return found
