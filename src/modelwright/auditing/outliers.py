"""Rows that fit no class.

With features of a pretrained network: the mean distance to the nearest neighbors (Ramaswamy,
Rastogi and Shim 2000; Kuan and Mueller 2022 found it the best of the simple measures). Without
features: the entropy of the out-of-fold probabilities (Kuan and Mueller 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.core.types import FloatArray

MOST = 50
"""Largest number of rows that are listed."""
_NEIGHBORS = 10
_REFERENCES = 5_000
_BATCH = 1_024
_SHARE = 0.02
"""Share of the rows that are listed at most."""


@dataclass(frozen=True)
class Outliers:
    """The rows that fit no class best, most unusual first.

    Attributes:
        method: ``neighbors`` or ``entropy``.
        rows: their positions.
        scores: how unusual each is: mean cosine distance 0 to 2, or entropy over its largest
            value, 0 to 1.
    """

    method: str
    rows: tuple[int, ...]
    scores: tuple[float, ...]


def find_outliers(probabilities: FloatArray, features: FloatArray | None) -> Outliers:
    """Returns the most unusual rows, at most 2 % of all and at most 50.

    Args:
        probabilities: out-of-fold probabilities ``[n, k]``; NaN for rows without any.
        features: features of the rows from a pretrained network ``[n, d]``; None without one.
    """
    if features is None:
        method, scores = "entropy", normalized_entropy(probabilities)
    else:
        method, scores = "neighbors", neighbor_distances(features)
    known = np.flatnonzero(np.isfinite(scores))
    most = min(MOST, int(np.ceil(_SHARE * len(known))))
    order = known[np.argsort(-scores[known], kind="stable")][:most]
    return Outliers(
        method, tuple(map(int, order)), tuple(round(float(scores[row]), 4) for row in order)
    )


def normalized_entropy(probabilities: FloatArray) -> FloatArray:
    """Returns the entropy of each row over its largest value, ``[n]``."""
    clipped = np.clip(probabilities.astype(np.float64), 1e-12, 1)
    entropy: FloatArray = -(clipped * np.log(clipped)).sum(axis=1) / np.log(clipped.shape[1])
    return entropy


def neighbor_distances(features: FloatArray) -> FloatArray:
    """Returns the mean cosine distance of each row to its ten nearest others, ``[n]``.

    Of more than 5,000 rows, evenly spaced ones are the possible neighbors.
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    unit = (features / np.maximum(norms, 1e-12)).astype(np.float32)
    chosen = np.unique(np.linspace(0, len(unit) - 1, min(len(unit), _REFERENCES)).astype(int))
    near = min(_NEIGHBORS, len(chosen) - 1)
    found: FloatArray = np.zeros(len(unit), np.float32)
    if near < 1:
        return found
    for start in range(0, len(unit), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(unit)))
        distances = 1 - unit[rows] @ unit[chosen].T
        distances[rows[:, None] == chosen[None, :]] = np.inf
        found[rows] = np.partition(distances, near - 1, axis=1)[:, :near].mean(axis=1)
    return np.maximum(found, 0)
