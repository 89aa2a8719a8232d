"""Logistic regression by a convex solver, with its strength chosen by cross-validation.

A network that is linear in its features has one optimum. The solver finds it without steps, a
learning rate or an order of the rows, so the result depends on the rows alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from modelwright.core.folds import assign_folds
from modelwright.core.types import FloatArray, IntArray, Progress

_FOLDS = 5
_FEWER_FOLDS = ((2_000, 3), (10_000, 1))
"""Numbers of rows from which fewer folds say enough; more would only take time."""
_ITERATIONS = 300
_TOLERANCE = 1e-4
_SMALLEST = 1e-7
_MOST_ROTATED = 4_000
_MOST_SPARSE_ROTATED = 400
"""Beyond so many rows, the products of all pairs take longer than they save. Those of sparse rows
save less, unless many classes share them."""

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class LogisticFit:
    """The weights float32 ``[features, columns]`` and biases ``[columns]`` of a fit.

    There is one column for two classes, the log-odds of the second, and else one for each class.
    """

    kernel: FloatArray
    bias: FloatArray

    def probabilities(self, features: Any) -> FloatArray:
        """Returns the probabilities ``[n, classes]`` for features ``[n, features]``."""
        scores = np.asarray(features @ self.kernel, np.float64) + self.bias
        return scores_to_probabilities(scores)


@dataclass(frozen=True)
class CrossValidation:
    """What cross-validation chose, and how well it predicted rows that it was not fitted on.

    Attributes:
        key: the chosen candidate; the first one if no row could be held out.
        rows: positions of the predicted rows, ``[m]``.
        probabilities: those predicted for them, ``[m, classes]``.
        folds: number of folds; 0 if no class has two rows.
    """

    key: Any
    rows: IntArray
    probabilities: FloatArray
    folds: int

    @property
    def predicted(self) -> IntArray:
        """The predicted classes of the rows, ``[m]``."""
        return np.asarray(self.probabilities.argmax(axis=1))


def fit_logistic(
    features: Any,
    labels: IntArray,
    classes: int,
    strengths: Sequence[float],
    *,
    row_weights: FloatArray | None = None,
) -> list[LogisticFit]:
    """Fits a softmax over linear scores, or a sigmoid for two classes, with an L2 penalty.

    Args:
        features: dense or sparse, ``[n, features]``, with a mean square of about 1.
        labels: class of each row, int64 ``[n]``. A class without rows gets probability 0.
        classes: number of classes.
        strengths: inverses of the penalty, as scikit-learn's ``C``. Each gives one fit.
        row_weights: weight of each row ``[n]``; 1 by default.
    """
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:
        return [_constant(features.shape[1], labels, classes)] * len(strengths)
    if not features.shape[1]:  # nothing is known of the rows but their classes
        blank = np.zeros((len(labels), 1), np.float32)
        fits = fit_logistic(blank, labels, classes, strengths, row_weights=row_weights)
        return [LogisticFit(one.kernel[:0], one.bias) for one in fits]
    with threadpool_limits(1):  # many threads make small matrix products slower
        rotated, back = rotate(features, classes)
        return [
            _fit(rotated, labels, classes, strength, row_weights, back) for strength in strengths
        ]


def _fit(
    features: Any,
    labels: IntArray,
    classes: int,
    strength: float,
    row_weights: FloatArray | None,
    back: Callable[[FloatArray], FloatArray],
) -> LogisticFit:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    # Of the solvers for a softmax it comes closest to the optimum in the same time.
    model = LogisticRegression(C=strength, solver="newton-cg", max_iter=_ITERATIONS, tol=_TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, labels, row_weights)
    weights: Any = back(model.coef_.T)
    bias: Any = model.intercept_
    if classes == 2:
        return LogisticFit(weights.astype(np.float32), bias.astype(np.float32))
    present = model.classes_
    if len(present) == 2:  # scikit-learn has one column then: the log-odds of the second class
        weights = np.concatenate([-weights, weights], axis=1) / 2
        bias = np.concatenate([-bias, bias]) / 2
    kernel = np.zeros((len(weights), classes), np.float32)
    biases = np.full(classes, np.log(_SMALLEST), np.float32)
    kernel[:, present], biases[present] = weights, bias
    return LogisticFit(kernel, biases)


def _constant(columns: int, labels: IntArray, classes: int) -> LogisticFit:
    """Returns the fit for rows of a single class, which is always predicted."""
    only = int(labels[0]) if len(labels) else 0
    if classes == 2:
        bias = np.array([np.log(_SMALLEST) * (1 if only == 0 else -1)], np.float32)
    else:
        bias = np.where(np.arange(classes) == only, 0, np.log(_SMALLEST)).astype(np.float32)
    return LogisticFit(np.zeros((columns, len(bias)), np.float32), bias)


def stratified_folds(
    labels: IntArray, seed: int, copies: IntArray | None = None
) -> list[tuple[IntArray, IntArray]]:
    """Returns the positions of training and held-out rows, for each fold.

    With many rows, fewer folds than ``assign_folds`` makes are returned.
    """
    fold = assign_folds(labels, _FOLDS, seed, copies)
    count = min([_FOLDS, *(fewer for rows, fewer in _FEWER_FOLDS if len(labels) >= rows)])
    pairs = [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in range(count)]
    return [(train, held) for train, held in pairs if len(held)]


def cross_validate(
    labels: IntArray,
    candidates: Sequence[Sequence[Key]],
    predict: Callable[[IntArray, IntArray], Mapping[Key, FloatArray]],
    *,
    loss: Callable[[FloatArray, IntArray], FloatArray] | None = None,
    seed: int,
    copies: IntArray | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Chooses the candidate with the lowest loss on rows that it was not fitted on.

    The candidates come in groups, the usual group first. One of another group is chosen only if
    it is better than the best of the usual group by more than two standard errors.

    Args:
        labels: class of each row, int64 ``[n]``.
        candidates: what to choose from.
        predict: takes the positions of training and held-out rows, and returns the probabilities
            ``[held-out, classes]`` of each candidate.
        loss: takes the probabilities ``[m, classes]`` and the positions of their rows, and returns
            the loss of each ``[m]``; the log loss by default.
        seed: decides which rows are in which fold.
        copies: group of each row ``[n]``; rows of one group are held out together.
        progress: called after each fold.
    """
    pairs = stratified_folds(labels, seed, copies)
    if not pairs:
        none = np.zeros((0, int(labels.max(initial=0)) + 1), np.float32)
        return CrossValidation(candidates[0][0], np.zeros(0, np.int64), none, 0)
    found: dict[Key, list[FloatArray]] = {key: [] for group in candidates for key in group}
    for number, (train, held) in enumerate(pairs):
        for key, probabilities in predict(train, held).items():
            found[key].append(probabilities)
        if progress:
            progress("cross-validating", number + 1, len(pairs))
    rows = np.concatenate([held for _, held in pairs])
    measure = loss or (lambda probabilities, rows: log_loss(probabilities, labels[rows]))
    losses = {key: measure(np.concatenate(parts), rows) for key, parts in found.items()}
    key = _best(losses, candidates)
    return CrossValidation(key, rows, np.concatenate(found[key]), len(pairs))


def predict_folds(
    fold: IntArray,
    classes: int,
    predict: Callable[[IntArray, IntArray], FloatArray],
    progress: Progress | None = None,
) -> FloatArray:
    """Returns the probabilities of each row by a fit without its fold, float32 ``[n, classes]``.

    Args:
        fold: the fold of each row ``[n]``, as from ``assign_folds``. A row of none gets NaN.
        classes: number of classes.
        predict: takes the positions of training and held-out rows, and returns the probabilities
            of the latter.
        progress: called after each fold.
    """
    found: FloatArray = np.full((len(fold), classes), np.nan, np.float32)
    names = [int(one) for one in np.unique(fold) if one >= 0]
    for number, one in enumerate(names):
        held = np.flatnonzero(fold == one)
        found[held] = predict(np.flatnonzero(fold != one), held)
        if progress:
            progress("predicting rows that were left out", number + 1, len(names))
    return found


def _best(losses: Mapping[Key, FloatArray], groups: Sequence[Sequence[Key]]) -> Key:
    bests = [min(group, key=lambda key: losses[key].mean()) for group in groups]
    usual, best = bests[0], min(bests, key=lambda key: losses[key].mean())
    gain = losses[usual] - losses[best]
    return best if gain.mean() > 2 * gain.std() / np.sqrt(len(gain)) else usual


def scores_to_probabilities(scores: npt.NDArray[np.floating[Any]]) -> FloatArray:
    """Returns the probabilities ``[n, classes]`` for scores ``[n, columns]``.

    A single column has the log-odds of the second of two classes.
    """
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return result


def mistakes(probabilities: FloatArray, labels: IntArray) -> FloatArray:
    """Returns 1 for each row whose class is not the most probable one, ``[n]``."""
    wrong: FloatArray = (probabilities.argmax(axis=1) != labels).astype(np.float32)
    return wrong


def log_loss(probabilities: FloatArray, labels: IntArray) -> FloatArray:
    """Returns the negative log of the probability of each row's class, ``[n]``."""
    own = probabilities[np.arange(len(labels)), labels]
    loss: FloatArray = -np.log(np.maximum(own, _SMALLEST))
    return loss


def rotate(features: Any, classes: int) -> tuple[Any, Callable[[FloatArray], FloatArray]]:
    """Returns fewer features with the same optimum, and a function that turns weights back.

    Args:
        features: dense or sparse, ``[n, features]``.
        classes: number of classes.

    The weights of an optimum with an L2 penalty lie in the span of the rows. Where there are
    fewer rows than features, coordinates in that span are enough.
    """
    rows, columns = features.shape
    most = _MOST_ROTATED
    if not isinstance(features, np.ndarray):
        most = min(most, _MOST_SPARSE_ROTATED * (classes - 1))
    if rows >= columns or rows > most:
        return features, lambda weights: weights
    products = features @ features.T
    products = products if isinstance(products, np.ndarray) else products.toarray()
    values, vectors = np.linalg.eigh(products.astype(np.float64))
    kept = values > _SMALLEST * max(values[-1], _SMALLEST)
    if not kept.any():
        return features, lambda weights: weights
    sizes, vectors = np.sqrt(values[kept]), vectors[:, kept]
    return vectors * sizes, lambda weights: np.asarray(features.T @ (vectors / sizes @ weights))
