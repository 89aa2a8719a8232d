"""Measured rows that a run was trained on: how many there are, and the figures without them.

Rows are the same if their content has the same hash, in any file and under any label. A row that
was edited, cropped or encoded anew with loss is not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.statistics import BoolArray
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, Split


@dataclass(frozen=True)
class TrainingOverlap:
    """Measured rows that have the content of a training row.

    Attributes:
        rows: their number; None if it could not be counted.
        without: the metrics of the other rows; None if there are no other rows, or no such rows.
        unchecked: why the rows could not be compared; None if they were.
    """

    rows: int | None
    without: ClassificationMetrics | None = None
    unchecked: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Returns the count and the figures without these rows, as JSON can hold them."""
        figures = None
        if self.without:
            figures = {
                "rows": self.without.rows,
                "accuracy": self.without.accuracy,
                "accuracy_interval": list(self.without.accuracy_interval),
                "macro_f1": self.without.macro_f1,
                "majority_accuracy": self.without.majority_accuracy,
            }
        return {"rows": self.rows, "without": figures, "unchecked": self.unchecked}

    def facts(self) -> list[tuple[str, object]]:
        """Returns the lines of a report; none without an overlap."""
        if self.unchecked is not None:
            return [("also trained on", f"not checked: {self.unchecked}")]
        if not self.rows:
            return []
        told = f"{self.rows:,} of these rows have the content of a training row"
        if self.without is None:
            return [
                ("also trained on", "all of these rows: the figures say nothing about new rows")
            ]
        low, high = self.without.accuracy_interval
        interval = f"(95 %: {percent(low)} to {percent(high)})"
        return [
            ("also trained on", told),
            ("accuracy without them", f"{percent(self.without.accuracy)}  {interval}"),
            ("macro-F1 without them", f"{self.without.macro_f1:.4f}, {self.without.rows:,} rows"),
        ]


def find_overlap(rows: Split, trained: Split | str, probabilities: FloatArray) -> TrainingOverlap:
    """Compares measured rows with training rows.

    Args:
        rows: the measured rows.
        trained: the training rows, or why they cannot be had.
        probabilities: those of the measured rows, float32 ``[n, classes]``.
    """
    if isinstance(trained, str):
        return TrainingOverlap(None, unchecked=trained)
    seen = find_trained_rows(rows, trained)
    if seen is None:
        return TrainingOverlap(None, unchecked="the rows have no content hashes")
    if not seen.any() or seen.all():
        return TrainingOverlap(int(seen.sum()))
    return TrainingOverlap(
        int(seen.sum()), compute_metrics(probabilities[~seen], rows.labels[~seen])
    )


def find_trained_rows(rows: Split, trained: Split) -> BoolArray | None:
    """Returns whether each measured row is a training row; None if that cannot be compared."""
    if rows.digests is None or trained.digests is None:
        return None
    known = {row.tobytes() for row in trained.digests}
    return np.fromiter((row.tobytes() in known for row in rows.digests), np.bool_, len(rows))
