"""Confident learning: which labels disagree with what out-of-fold probabilities say.

The algorithm is that of Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in
Dataset Labels" (2021), as cleanlab implements it. Nothing is trained here.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from modelwright.auditing.packages import load_package
from modelwright.core.types import BoolArray, FloatArray, IntArray

FILTER = "prune_by_noise_rate"
"""How cleanlab chooses the suspects, as its ``filter_by``."""
_MOST_PAIRS = 10


@dataclass(frozen=True)
class Overlap:
    """Two classes that are confused, and the estimated share of all rows mixed up between them."""

    first: int
    second: int
    share: float


@dataclass(frozen=True)
class LabelQuality:
    """What the probabilities say about the labels of ``n`` rows.

    Attributes:
        scores: probability of each row's own label, ``[n]``; NaN for rows without probabilities.
        suspects: whether a row's label is probably wrong, ``[n]``.
        suggested: the most probable class other than the label, ``[n]``.
        joint: estimated share of rows with label i that belong to class j, ``[k, k]``.
        noise: estimated share of wrong labels.
        accuracy: share of the rows whose label is the most probable class.
        few: classes, by position, that have too few rows for an estimate.
    """

    scores: FloatArray
    suspects: BoolArray
    suggested: IntArray
    joint: FloatArray
    noise: float
    accuracy: float
    few: tuple[int, ...]

    def overlaps(self) -> list[Overlap]:
        """Returns the pairs of classes that are mixed up most, at most ten."""
        both = self.joint + self.joint.T
        pairs = zip(*np.triu_indices(len(both), 1), strict=True)
        found = [Overlap(int(i), int(j), float(both[i, j])) for i, j in pairs if both[i, j] > 0]
        return sorted(found, key=lambda pair: -pair.share)[:_MOST_PAIRS]


def judge_labels(labels: IntArray, probabilities: FloatArray) -> LabelQuality:
    """Returns the rows whose labels are probably wrong.

    Args:
        labels: class of each row, ``[n]``.
        probabilities: out-of-fold probabilities ``[n, k]``; a row of NaN is not judged.

    Raises:
        MissingDependencyError: cleanlab is not installed.
    """
    filters, ranks = load_package("cleanlab.filter"), load_package("cleanlab.rank")
    counts = load_package("cleanlab.count")
    rows = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    given, found = labels[rows], probabilities[rows].astype(np.float64)
    found /= found.sum(axis=1, keepdims=True)
    classes = probabilities.shape[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about classes with few rows, which ``few`` names
        issues = filters.find_label_issues(given, found, filter_by=FILTER, n_jobs=1)
        quality = ranks.get_label_quality_scores(given, found, method="self_confidence")
        joint = counts.estimate_joint(given, found)
    scores = np.full(len(labels), np.nan, np.float32)
    suspects = np.zeros(len(labels), bool)
    suggested = np.asarray(labels, np.int64).copy()
    scores[rows], suspects[rows] = quality, issues
    others = found.copy()
    others[np.arange(len(rows)), given] = -1
    suggested[rows] = others.argmax(axis=1)
    held = np.bincount(given, minlength=classes)
    return LabelQuality(
        scores=scores,
        suspects=suspects,
        suggested=suggested,
        joint=np.asarray(joint, np.float32),
        noise=float(1 - np.trace(joint)),
        accuracy=float((found.argmax(axis=1) == given).mean()),
        few=tuple(int(one) for one in np.flatnonzero(held < 5)),
    )
