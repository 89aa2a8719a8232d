"""Logistic regression that starts from known weights and is held near them.

The loss is convex, so a solver finds the one optimum without steps or a learning rate. With the
curvature of the loss on the old rows as the hold, it is the update that online Bayesian logistic
regression makes with a diagonal Laplace approximation (Spiegelhalter and Lauritzen, "Sequential
updating of conditional probabilities on directed graphical structures", 1990).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray

Doubles = npt.NDArray[np.float64]
_ITERATIONS = 200
_BIAS_HOLD = 1e-3


@dataclass(frozen=True)
class Linear:
    """Weights ``[d, columns]`` and biases ``[columns]`` of scores.

    There is one column for two classes, the log-odds of the second, and else one for each class.
    """

    kernel: Doubles
    bias: Doubles

    def probabilities(self, features: Any) -> Doubles:
        """Returns the probabilities ``[n, columns]`` of rows with features ``[n, d]``."""
        return _probabilities(np.asarray(features @ self.kernel) + self.bias)


def fit_from(
    start: Linear,
    features: Any,
    targets: Doubles,
    row_weights: Doubles,
    hold: Linear,
) -> Linear:
    """Returns the weights with the lowest loss on rows, held near the start.

    Args:
        start: the weights before.
        features: dense or sparse ``[n, d]``.
        targets: the wanted probabilities ``[n, columns]``.
        row_weights: weight of each row ``[n]``.
        hold: how strongly each weight and bias is held: half of it is multiplied by the square of
            its change.
    """
    from scipy import optimize
    from threadpoolctl import threadpool_limits

    size, columns = start.kernel.shape
    turned = features.T.tocsr() if hasattr(features, "tocsr") else features.T
    first = np.concatenate([start.kernel, start.bias[None]])
    holds = np.concatenate([hold.kernel, np.maximum(hold.bias, _BIAS_HOLD)[None]])

    def loss(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(size + 1, columns)
        scores = np.asarray(features @ weights[:-1]) + weights[-1]
        moved = weights - first
        value = float(row_weights @ _log_losses(scores, targets))
        errors = row_weights[:, None] * (_probabilities(scores) - targets)
        slopes = np.concatenate([turned @ errors, errors.sum(axis=0)[None]]) + holds * moved
        return value + 0.5 * float((holds * moved**2).sum()), slopes.ravel()

    with threadpool_limits(1):  # many threads make small matrix products slower
        found = optimize.minimize(
            loss,
            first.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _ITERATIONS, "ftol": 1e-7, "gtol": 1e-3},
        )
    weights = found.x.reshape(size + 1, columns)
    return Linear(weights[:-1], weights[-1])


def curvature(probabilities: Doubles, squares: Any, row_weights: Doubles | None = None) -> Linear:
    """Returns the diagonal curvature of the loss on rows: how much each weight matters to them.

    Args:
        probabilities: the answers to the rows ``[n, columns]``.
        squares: squares of their features, dense or sparse ``[n, d]``.
        row_weights: weight of each row ``[n]``; 1 by default.
    """
    spread = probabilities * (1 - probabilities)
    if row_weights is not None:
        spread = spread * row_weights[:, None]
    return Linear(np.asarray(squares.T @ spread), spread.sum(axis=0))


def targets_of(labels: npt.NDArray[np.int64], columns: int) -> Doubles:
    """Returns the targets ``[n, columns]`` of rows with these classes."""
    if columns == 1:
        return labels[:, None].astype(np.float64)
    result: Doubles = np.eye(columns)[labels]
    return result


def as_targets(probabilities: FloatArray, columns: int) -> Doubles:
    """Returns class probabilities ``[n, classes]`` as targets; later classes get 0."""
    if columns == 1:
        return probabilities[:, 1:2].astype(np.float64)
    more = columns - probabilities.shape[1]
    return np.pad(probabilities, ((0, 0), (0, more))).astype(np.float64)


def _probabilities(scores: Doubles) -> Doubles:
    if scores.shape[1] == 1:
        result: Doubles = 0.5 * (1 + np.tanh(scores / 2))
        return result
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _log_losses(scores: Doubles, targets: Doubles) -> Doubles:
    """Returns the cross entropy of each row ``[n]``."""
    if scores.shape[1] == 1:
        result: Doubles = np.logaddexp(0, scores[:, 0]) - targets[:, 0] * scores[:, 0]
        return result
    top = scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(scores - top).sum(axis=1)) + top[:, 0]
    losses: Doubles = total - (targets * scores).sum(axis=1)
    return losses
