"""Sums the scores of two models, each with the weight that suits rows which neither learned.

Wolpert, "Stacked Generalization" (1992). The weights are not negative, as in Breiman, "Stacked
Regressions" (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.logistic_regression import log_loss, scores_to_probabilities

_FOLDS = 5


@dataclass(frozen=True)
class Stack:
    """How much the scores of the first and of the second model count.

    Attributes:
        first: weight of the first model's scores.
        second: weight of the second model's scores.
        bias: what is added to their sum, ``[columns]``.
    """

    first: float
    second: float
    bias: FloatArray

    def scores(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Returns the weighed sum of the scores of both models, ``[n, columns]``."""
        summed: FloatArray = self.first * first + self.second * second + self.bias
        return summed


def fit_stack(
    first: FloatArray, second: FloatArray, labels: IntArray, weights: FloatArray
) -> Stack:
    """Returns the weights with the least log loss.

    A penalty draws the weights to 1 for the first model and 0 for the second, so with few rows the
    first one counts most. Only the classes that the rows have are compared: a class without rows
    here, which may have had too few to hold one out, is left as likely as the scores say.

    Args:
        first: scores of the first model, ``[n, columns]``: the log-odds of the second of two
            classes, or a score for each class.
        second: scores of the second model, ``[n, columns]``.
        labels: class of each row, ``[n]``.
        weights: weight of each row in the loss, ``[n]``.
    """
    from scipy.optimize import minimize

    columns, present = first.shape[1], np.unique(labels)
    bias: FloatArray = np.zeros(columns, np.float32)
    if len(present) < 2:  # nothing here tells one class from another
        return Stack(1.0, 0.0, bias)
    if columns > 1:
        first, second = first[:, present], second[:, present]
        labels = np.searchsorted(present, labels)
    compared = present if columns > 1 else np.zeros(1, np.int64)
    found = minimize(
        partial(_loss, first, second, labels, weights),
        np.concatenate([[1.0, 0.0], bias[compared]]),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None), (0, None), *[(None, None)] * len(compared)],
    )
    bias[compared] = found.x[2:]
    return Stack(float(found.x[0]), float(found.x[1]), bias)


def stack_out_of_fold(
    first: FloatArray, second: FloatArray, labels: IntArray, weights: FloatArray
) -> FloatArray:
    """Returns the probabilities of each row by a stack of other rows, ``[n, classes]``."""
    fold = np.arange(len(labels)) % _FOLDS
    probabilities = scores_to_probabilities(first)
    for one in range(min(_FOLDS, len(labels))):
        rest, held = fold != one, fold == one
        stack = fit_stack(first[rest], second[rest], labels[rest], weights[rest])
        probabilities[held] = scores_to_probabilities(stack.scores(first[held], second[held]))
    return probabilities


def _loss(
    first: FloatArray, second: FloatArray, labels: IntArray, weights: FloatArray, values: FloatArray
) -> tuple[float, FloatArray]:
    """Returns the loss with its penalty, and the gradient."""
    scores = Stack(values[0], values[1], values[2:]).scores(first, second)
    probabilities = scores_to_probabilities(scores)
    rest = probabilities - np.eye(probabilities.shape[1])[labels]
    slope = weights[:, None] * (rest[:, 1:] if scores.shape[1] == 1 else rest)
    penalty = ((values[0] - 1) ** 2 + values[1] ** 2) / 2
    loss = penalty + (weights * log_loss(probabilities, labels)).sum()
    by_weights = [(slope * first).sum() + values[0] - 1, (slope * second).sum() + values[1]]
    return float(loss), np.concatenate([by_weights, slope.sum(axis=0)])
