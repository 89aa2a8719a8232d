"""Metrics of a classifier, from its probabilities and the true labels. Needs only numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwright.core.statistics import bootstrap_interval, wilson_interval
from modelwright.core.types import FloatArray, IntArray


@dataclass(frozen=True)
class ClassificationMetrics:
    """The metrics of one set of rows.

    Shares are from 0 to 1. ``precision``, ``recall`` and ``support`` have one value per class.
    ``confusion`` is int64 ``[true, predicted]``.
    """

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

    @property
    def macro_f1_interval(self) -> tuple[float, float]:
        """The 95 % interval of macro-F1 over rows: percentiles of a bootstrap of the rows."""
        return bootstrap_interval(self.confusion, macro_f1)


@dataclass(frozen=True)
class ConfidenceBin:
    """Rows whose highest probability is in the same interval.

    ``confidence`` is their mean highest probability, ``accuracy`` the share that is right.
    """

    confidence: float
    accuracy: float
    count: int


def compute_metrics(probabilities: FloatArray, labels: IntArray) -> ClassificationMetrics:
    """Computes the metrics of probabilities ``[n, classes]`` and labels ``[n]``, n at least 1."""
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2)
    confusion = confusion.reshape(classes, classes).astype(np.int64)
    hits, support, chosen = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision = hits / np.maximum(chosen, 1)
    recall = hits / np.maximum(support, 1)
    rows, right = len(labels), int(hits.sum())
    gaps = [
        one.count * abs(one.confidence - one.accuracy)
        for one in confidence_bins(probabilities, labels)
    ]
    return ClassificationMetrics(
        rows=rows,
        accuracy=right / rows,
        accuracy_interval=wilson_interval(right, rows),
        macro_f1=float(macro_f1(confusion)),
        majority_accuracy=float(support.max()) / rows,
        calibration_error=sum(gaps) / rows,
        precision=tuple(precision.tolist()),
        recall=tuple(recall.tolist()),
        support=tuple(support.tolist()),
        confusion=confusion,
    )


def macro_f1(confusion: IntArray) -> npt.NDArray[np.float64]:
    """Returns the macro-F1 of confusion matrices ``[..., true, predicted]``.

    As in scikit-learn, a class that is neither among the rows nor predicted does not count.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    both = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    f1 = 2 * hits / np.maximum(both, 1)
    return np.asarray(f1.sum(axis=-1) / (both > 0).sum(axis=-1))


def confidence_bins(
    probabilities: FloatArray, labels: IntArray, count: int = 15
) -> list[ConfidenceBin]:
    """Returns the rows by confidence, in bins of equal width without the empty ones.

    Source: Guo et al. (2017), On Calibration of Modern Neural Networks.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of_row = np.minimum((confidence * count).astype(int), count - 1)
    return [
        ConfidenceBin(
            float(confidence[bin_of_row == number].mean()),
            float(right[bin_of_row == number].mean()),
            int(rows),
        )
        for number, rows in enumerate(np.bincount(bin_of_row, minlength=count))
        if rows
    ]
