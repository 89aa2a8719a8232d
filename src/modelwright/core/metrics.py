"""Figures of a classifier from its probabilities and the true labels. Numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from modelwright.core.types import FloatArray, IntArray


@dataclass(frozen=True)
class Metrics:
    """Of one set of rows. ``confusion`` is int64 ``[true, predicted]``."""

    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    majority_accuracy: float
    calibration_error: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    support: tuple[int, ...]
    confusion: IntArray


@dataclass(frozen=True)
class Bin:
    """Rows whose highest probability falls in one interval."""

    confidence: float
    accuracy: float
    count: int


def measure(probabilities: FloatArray, labels: IntArray) -> Metrics:
    """Measure probabilities ``[n, classes]`` against labels ``[n]``, n at least 1."""
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2)
    confusion = confusion.reshape(classes, classes).astype(np.int64)
    hits, support, chosen = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision = hits / np.maximum(chosen, 1)
    recall = hits / np.maximum(support, 1)
    # As scikit-learn has it: classes that are neither among the rows nor predicted don't count.
    seen = (support + chosen) > 0
    f1 = 2 * hits[seen] / (support + chosen)[seen]
    rows, right = len(labels), int(hits.sum())
    gaps = [
        bin_.count * abs(bin_.confidence - bin_.accuracy) for bin_ in bins(probabilities, labels)
    ]
    return Metrics(
        rows=rows,
        accuracy=right / rows,
        accuracy_interval=wilson(right, rows),
        macro_f1=float(f1.mean()),
        majority_accuracy=float(support.max()) / rows,
        calibration_error=sum(gaps) / rows,
        precision=tuple(precision.tolist()),
        recall=tuple(recall.tolist()),
        support=tuple(support.tolist()),
        confusion=confusion,
    )


def wilson(right: int, rows: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927)."""
    z = 1.959963984540054
    share = right / rows
    centre = share + z * z / (2 * rows)
    spread = z * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    scale = 1 + z * z / rows
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def bins(probabilities: FloatArray, labels: IntArray, count: int = 15) -> list[Bin]:
    """Rows by confidence in equal intervals, empty ones left out (Guo et al. 2017)."""
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    places = np.minimum((confidence * count).astype(int), count - 1)
    return [
        Bin(float(confidence[places == i].mean()), float(right[places == i].mean()), int(n))
        for i, n in enumerate(np.bincount(places, minlength=count))
        if n
    ]
