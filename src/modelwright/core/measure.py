"""The one way to measure a model: any model, on any labeled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import FloatArray, Progress, Rows, Split


class RowClassifier(Protocol):
    """Anything that answers rows: a network, or a predictor of any engine."""

    def classify_rows(self, rows: Rows, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``, in the order of the rows."""


@dataclass(frozen=True)
class Measurement:
    """The figures of a model on some rows, and the probabilities float32 ``[n, classes]``."""

    metrics: ClassificationMetrics
    probabilities: FloatArray


def measure(model: RowClassifier, rows: Split, progress: Progress | None = None) -> Measurement:
    """Measures a model on labeled rows.

    Args:
        model: what answers.
        rows: at least one row, with labels as positions in the model's class names.
        progress: called with each step.
    """
    probabilities = model.classify_rows(rows.inputs, progress)
    return Measurement(compute_metrics(probabilities, rows.labels), probabilities)
