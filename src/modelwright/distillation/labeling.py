"""From a teacher's scores to probabilities for every text, and what the teacher is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import FloatArray, IntArray
from modelwright.distillation.outputs import (
    Output,
    check_probabilities,
    decide_output,
    order_columns,
)
from modelwright.distillation.teacher import Teacher
from modelwright.models.feature_head import standardization
from modelwright.models.logistic_regression import cross_validate, fit_logistic

_STRENGTHS = (1e-3, 1e-5, 1e-4, 1e-2, 0.1, 1.0, 10.0)
"""Inverse strengths of L2, over standardized vectors, that for rows without folds first."""


@dataclass(frozen=True)
class Labeling:
    """A teacher's probabilities, and its figures on the labeled training rows.

    Attributes:
        output: ``probabilities`` or ``vectors``.
        probabilities: float32 ``[n, classes]``, in the order of the texts.
        labeled: its figures on the labeled training rows; out of fold where it learned from them.
        out_of_fold: whether ``labeled`` is out of fold.
        how: how the probabilities were made, in words.
    """

    output: str
    probabilities: FloatArray
    labeled: ClassificationMetrics
    out_of_fold: bool
    how: str


def label(
    teacher: Teacher,
    scores: FloatArray,
    texts: Sequence[str],
    targets: IntArray,
    labels: Sequence[str],
    output: Output = "auto",
) -> Labeling:
    """Turns scores into probabilities.

    Args:
        teacher: the scorer.
        scores: those of all texts, ``[n, d]``. The first are those of the labeled training rows.
        texts: all texts, for messages.
        targets: the labels of the training rows ``[m]``, as positions in ``labels``.
        labels: the classes.
        output: what the scores mean.

    Raises:
        ConfigError: the scores do not fit the classes.
    """
    if teacher.labels is not None:
        columns = order_columns(labels, teacher.labels, teacher.name)
        kind, scores, how = "probabilities", scores[:, columns], "its own probabilities"
    else:
        kind = decide_output(scores, labels, output, teacher.name)
        how = f"its own probabilities, columns taken as {', '.join(labels)}"
    if kind == "probabilities":
        found = check_probabilities(scores, texts, teacher.name)
        figures = compute_metrics(found[: len(targets)], targets)
        return Labeling(kind, found, figures, False, how)
    fit = fit_vectors(scores, targets, len(labels), number_texts(texts[: len(targets)]))
    how = (
        f"logistic regression on its vectors of {scores.shape[1]:,} numbers, fitted on"
        f" {len(targets):,} labeled rows, C = {fit.strength:g}"
    )
    if len(fit.rows):
        figures = compute_metrics(fit.held_out, targets[fit.rows])
    else:
        figures = compute_metrics(fit.probabilities[: len(targets)], targets)
        how += "; no class has two different rows, so its figures are those of the fitted rows"
    return Labeling(kind, fit.probabilities, figures, len(fit.rows) > 0, how)


@dataclass(frozen=True)
class VectorFit:
    """A logistic regression on vectors.

    Attributes:
        probabilities: those of all vectors, float32 ``[n, classes]``.
        rows: positions of the rows that cross-validation held out, ``[m]``.
        held_out: their probabilities out of fold, ``[m, classes]``.
        strength: the chosen inverse strength of L2.
    """

    probabilities: FloatArray
    rows: IntArray
    held_out: FloatArray
    strength: float


def fit_vectors(
    vectors: FloatArray, targets: IntArray, classes: int, copies: IntArray | None = None
) -> VectorFit:
    """Fits a logistic regression on the first vectors, and applies it to all.

    Args:
        vectors: ``[n, d]``; the first are those of the labeled rows.
        targets: their labels ``[m]``.
        classes: the number of classes.
        copies: group of each labeled row, where copies share one.
    """
    mean, scale = standardization(vectors[: len(targets)])
    rows = ((vectors[: len(targets)] - mean) / scale).astype(np.float32)

    def predict(train: IntArray, held: IntArray) -> dict[float, FloatArray]:
        fits = fit_logistic(rows[train], targets[train], classes, _STRENGTHS)
        fitted = zip(_STRENGTHS, fits, strict=True)
        return {strength: fit.probabilities(rows[held]) for strength, fit in fitted}

    chosen = cross_validate(targets, [_STRENGTHS], predict, seed=0, copies=copies)
    fit = fit_logistic(rows, targets, classes, [chosen.key])[0]
    return VectorFit(
        fit.probabilities((vectors - mean) / scale).astype(np.float32),
        chosen.rows,
        chosen.probabilities.astype(np.float32),
        chosen.key,
    )


def number_texts(texts: Sequence[str]) -> IntArray:
    """Returns the group of each text, int64 ``[n]``, where equal texts share one."""
    groups: dict[str, int] = {}
    return np.array([groups.setdefault(text, len(groups)) for text in texts], np.int64)
