"""From a teacher's scores to probabilities for every text, and what the teacher is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import FloatArray, IntArray
from modelwright.distillation.outputs import (
    Output,
    check_probabilities,
    decide_output,
    order_columns,
)
from modelwright.distillation.teacher import Teacher

_FOLDS = 5
_STRENGTHS = np.logspace(-5, 1, 7)
"""Inverse strengths of L2, over standardized vectors."""


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
    found, out_of_fold, strength = fit_vectors(scores, targets, len(labels))
    how = (
        f"logistic regression on its vectors of {scores.shape[1]:,} numbers, fitted on"
        f" {len(targets):,} labeled rows, C = {strength:g}"
    )
    return Labeling(kind, found, compute_metrics(out_of_fold, targets), True, how)


def fit_vectors(
    vectors: FloatArray, targets: IntArray, classes: int
) -> tuple[FloatArray, FloatArray, float]:
    """Fits a logistic regression on the first vectors, and applies it to all.

    Returns:
        the probabilities of all vectors, those out of fold of the labeled ones, and the chosen
        inverse strength of L2.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = vectors[: len(targets)].astype(np.float64)
    smallest = int(np.bincount(targets, minlength=classes).min())
    if smallest < 2:
        raise ConfigError(
            "a class has only one labeled training row; expected at least 2 of each class, to fit a"
            " logistic regression on the teacher's vectors and to measure it."
        )
    folds = StratifiedKFold(min(_FOLDS, smallest), shuffle=True, random_state=0)
    tried = []
    for strength in _STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        held = cross_val_predict(model, rows, targets, cv=folds, method="predict_proba")
        loss = -float(np.log(np.clip(held[np.arange(len(targets)), targets], 1e-9, 1)).mean())
        tried.append((loss, float(strength), held.astype(np.float32)))
    _, chosen, out_of_fold = min(tried, key=lambda one: one[0])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=chosen, max_iter=2000))
    model.fit(rows, targets)
    return model.predict_proba(vectors).astype(np.float32), out_of_fold, chosen
