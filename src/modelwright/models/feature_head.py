"""A softmax layer on features, solved by a convex solver instead of trained in steps.

The features are standardized for the solver; mean and deviation are folded into the weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import (
    LogisticFit,
    cross_validate,
    fit_logistic,
    mistakes,
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
    if data.features is None:
        raise ValueError("the features of the rows are missing")
    labels, views = data.labels, len(data.features)
    mean, scale = standardization(data.features[0])
    rows = ((data.features - mean) / scale).astype(np.float32)

    def fit(chosen: IntArray, strengths: Sequence[float]) -> list[LogisticFit]:
        weights = None if data.row_weights is None else np.tile(data.row_weights[chosen], views)
        return fit_logistic(
            rows[:, chosen].reshape(-1, rows.shape[-1]),
            np.tile(labels[chosen], views),
            classes,
            [strength / views for strength in strengths],
            row_weights=weights,
        )

    def predict(train: IntArray, held: IntArray) -> dict[float, FloatArray]:
        fits = zip(STRENGTHS, fit(train, STRENGTHS), strict=True)
        return {strength: fitted.probabilities(rows[0, held]) for strength, fitted in fits}

    held_out = cross_validate(
        labels,
        [[strength] for strength in STRENGTHS],
        predict,
        loss=mistakes,
        seed=seed,
        copies=data.copies,
        progress=data.progress,
    )
    fitted = fit(np.arange(len(labels)), [held_out.key])[0]
    kernel = fitted.kernel / scale[:, None]
    bias = fitted.bias - mean @ kernel
    head = LogisticFit(kernel.astype(np.float32), bias.astype(np.float32))
    return head, Solution.of({"strength": held_out.key}, held_out, labels)


def standardization(features: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns mean and deviation ``[d]`` of each feature."""
    mean: FloatArray = features.mean(axis=0, dtype=np.float64)
    variance = features.var(axis=0, dtype=np.float64)
    deviation: FloatArray = np.sqrt(variance + _SHRINKAGE * variance.mean() + 1e-12)
    return mean, deviation
