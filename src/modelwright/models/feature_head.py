"""A softmax layer on features, solved by a convex solver instead of trained in steps.

The L2 penalty is chosen by stratified cross-validation inside the rows. The features are
standardized for the solver; mean and deviation are folded into the weights that it returns.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray, IntArray, Progress

STRENGTHS = (1e-4, 1e-3, 3e-3, 1e-2)
"""Values of scikit-learn's ``C`` that are compared."""
_USUAL = 1e-3
BoolArray = npt.NDArray[np.bool_]
_FOLDS = 5
_FEWER_FOLDS = 3
_MANY = 2000
"""Rows above which fewer folds are enough."""
_ITERATIONS = 100
_SHRINKAGE = 0.1
"""Share of the mean variance that is added to each. The variance of three rows says little."""


@dataclass(frozen=True)
class Head:
    """A dense layer on features, and how it was found.

    Attributes:
        kernel: Weights ``[d, classes]``, or ``[d, 1]`` of the second of two classes.
        bias: ``[classes]``, or ``[1]``.
        strength: The chosen ``C``: the smaller it is, the smaller are the weights.
        accuracy: Mean accuracy on the rows of each fold, which the other folds did not see; None
            if a class has a single row.
        folds: Number of folds; 0 without cross-validation.
    """

    kernel: FloatArray
    bias: FloatArray
    strength: float
    accuracy: float | None
    folds: int

    def record(self) -> dict[str, Any]:
        """Returns how the layer was found, without its weights."""
        return {"C": self.strength, "folds": self.folds, "cross_validated_accuracy": self.accuracy}


def solve_head(
    features: FloatArray,
    labels: IntArray,
    *,
    balanced: bool = False,
    progress: Progress | None = None,
) -> Head:
    """Returns the layer that fits features best.

    Args:
        features: ``[views, n, d]``: of the images, and perhaps of changed copies of them.
        labels: ``[n]``, each class at least once.
        balanced: Whether each class counts alike, whatever its number of rows.
        progress: Called after every fit.
    """
    # Loaded before the limit, which concerns the libraries that are there.
    import sklearn.linear_model
    import sklearn.model_selection  # noqa: F401
    from threadpoolctl import threadpool_limits

    # Several threads of BLAS wait for each other in products as small as these.
    with threadpool_limits(limits=1):
        mean, scale = _standard(features[0])
        rows = ((features - mean) / scale).astype(np.float32)
        # With fewer rows than features all directions that the rows have fit in as many columns.
        rotation = _rotation(rows.reshape(-1, rows.shape[-1]))
        rows = rows if rotation is None else rows @ rotation
        folds = list(_folds(labels))
        right = _right_answers(rows, labels, folds, balanced, progress)
        best = _choose(right)
        fitted = _fit(rows, labels, best, balanced)
    kernel = fitted.coef_.T if rotation is None else rotation @ fitted.coef_.T
    kernel = kernel / scale[:, None]
    return Head(
        kernel=kernel.astype(np.float32),
        bias=(fitted.intercept_ - mean @ kernel).astype(np.float32),
        strength=best,
        accuracy=float(right[best].mean()) if right else None,
        folds=len(folds),
    )


def _standard(features: FloatArray) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Returns mean and deviation ``[d]`` of each feature."""
    mean = features.mean(axis=0, dtype=np.float64)
    variance = features.var(axis=0, dtype=np.float64)
    return mean, np.sqrt(variance + _SHRINKAGE * variance.mean() + 1e-12)


def _rotation(rows: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    if len(rows) >= rows.shape[1]:
        return None
    rotation: npt.NDArray[Any] = np.linalg.svd(rows, full_matrices=False)[2].T
    return rotation


def _folds(labels: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yields the positions to fit and to score of each fold; none if a class has a single row."""
    from sklearn.model_selection import StratifiedKFold

    fewest = int(np.bincount(labels)[np.unique(labels)].min())
    if fewest < 2:
        return
    count = _FOLDS if len(labels) <= _MANY else _FEWER_FOLDS
    splitter = StratifiedKFold(min(count, fewest), shuffle=True, random_state=0)
    yield from splitter.split(np.zeros(len(labels)), labels)


def _right_answers(
    rows: npt.NDArray[Any],
    labels: IntArray,
    folds: Sequence[tuple[IntArray, IntArray]],
    balanced: bool,
    progress: Progress | None,
) -> dict[float, BoolArray]:
    """Returns for each strength which rows are right where their fold is left out."""
    right = {strength: np.zeros(len(labels), bool) for strength in STRENGTHS if folds}
    done = 0
    for fit, score in folds:
        for strength, answers in right.items():
            fitted = _fit(rows[:, fit], labels[fit], strength, balanced)
            answers[score] = fitted.predict(rows[0, score]) == labels[score]
            done += 1
            if progress:
                progress("choosing the penalty", done, len(folds) * len(right))
    return right


def _choose(right: dict[float, BoolArray]) -> float:
    """Returns the usual strength, or a better one if that is more than chance would make it.

    A few rows more or less say nothing: with 200 rows, the best of the scores is often not the
    best strength. The gain must exceed two standard errors of the paired difference.
    """
    best, most = _USUAL, 0.0
    for strength, answers in right.items():
        gain = int(answers.sum()) - int(right[_USUAL].sum())
        changed = int((answers != right[_USUAL]).sum())
        if gain > max(most, 2 * np.sqrt(changed)):
            best, most = strength, float(gain)
    return best


def _fit(rows: npt.NDArray[Any], labels: IntArray, strength: float, balanced: bool) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    views = len(rows)
    solver = LogisticRegression(
        C=strength / views, max_iter=_ITERATIONS, class_weight="balanced" if balanced else None
    )
    with warnings.catch_warnings():
        # The optimum is flat: the last digits of the weights change no label.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return solver.fit(rows.reshape(-1, rows.shape[-1]), np.tile(labels, views))
