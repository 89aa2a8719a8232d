"""A softmax layer on features, solved by a convex solver instead of trained in steps.

The features are standardized for the solver; mean and deviation are folded into the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import (
    CrossValidation,
    LogisticFit,
    cross_validate,
    fit_logistic,
    mistakes,
    predict_folds,
)
from modelwright.models.solution import Solution

STRENGTHS = (3e-3, 1e-3, 1e-2, 3e-4)
"""The strengths that are compared, the usual one first."""
_SHRINKAGE = 0.1
"""Share of the mean variance that is added to each. The variance of three rows says little."""


def solve_head(data: AdaptationData, classes: int, seed: int) -> tuple[LogisticFit, Solution]:
    """Returns the layer that fits features best, and how it was found.

    Args:
        data: rows with ``features`` ``[views, n, d]``: of the images, and perhaps of changed copies
            of them. Only the images themselves are held out.
        classes: number of classes.
        seed: decides which rows are in which fold.
    """
    problem = _HeadProblem(data, classes)
    held_out = problem.choose(seed)
    fitted = problem.fit(np.arange(len(data.labels)), [held_out.key])[0]
    kernel = fitted.kernel / problem.scale[:, None]
    bias = fitted.bias - problem.mean @ kernel
    head = LogisticFit(kernel.astype(np.float32), bias.astype(np.float32))
    return head, Solution.of({"strength": held_out.key}, held_out, data.labels)


class _HeadProblem:
    """The standardized features to fit, ``[views, n, d]``."""

    def __init__(self, data: AdaptationData, classes: int) -> None:
        if data.features is None:
            raise ValueError("the features of the rows are missing")
        self.data, self.classes = data, classes
        self.mean, self.scale = standardization(data.features[0])
        self.rows = ((data.features - self.mean) / self.scale).astype(np.float32)

    def fit(self, chosen: IntArray, strengths: Sequence[float]) -> list[LogisticFit]:
        """Returns a fit of some rows for each strength."""
        given, views = self.data.row_weights, len(self.rows)
        return fit_logistic(
            self.rows[:, chosen].reshape(-1, self.rows.shape[-1]),
            np.tile(self.data.labels[chosen], views),
            self.classes,
            [strength / views for strength in strengths],
            row_weights=None if given is None else np.tile(given[chosen], views),
        )

    def choose(self, seed: int) -> CrossValidation:
        """Compares the strengths. Only the images themselves are held out, not changed copies."""

        def predict(train: IntArray, held: IntArray) -> dict[float, FloatArray]:
            fits = zip(STRENGTHS, self.fit(train, STRENGTHS), strict=True)
            return {one: fitted.probabilities(self.rows[0, held]) for one, fitted in fits}

        return cross_validate(
            self.data.labels,
            [[strength] for strength in STRENGTHS],
            predict,
            loss=lambda found, rows: mistakes(found, self.data.labels[rows]),
            seed=seed,
            copies=self.data.copies,
            progress=self.data.progress,
        )


def out_of_fold(data: AdaptationData, classes: int, fold: IntArray, seed: int) -> FloatArray:
    """Returns the probabilities of each row by a layer that was found without its fold.

    The strength is chosen once, from all rows.

    Args:
        data: rows with ``features`` ``[views, n, d]``, as for ``solve_head``.
        classes: number of classes.
        fold: the fold of each row ``[n]``, as from ``assign_folds``.
        seed: random seed of the choice.

    Returns:
        Probabilities ``[n, classes]``, NaN for rows that are in no fold.
    """
    problem = _HeadProblem(data, classes)
    strength = problem.choose(seed).key

    def predict(train: IntArray, held: IntArray) -> FloatArray:
        return problem.fit(train, [strength])[0].probabilities(problem.rows[0, held])

    return predict_folds(fold, classes, predict, data.progress)


def standardization(features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns mean and deviation ``[d]`` of each feature."""
    mean: FloatArray = features.mean(axis=0, dtype=np.float64)
    variance = features.var(axis=0, dtype=np.float64)
    deviation: FloatArray = np.sqrt(variance + _SHRINKAGE * variance.mean() + 1e-12)
    return mean, deviation
