"""The accuracy on new rows that have labels, compared with that on the reference rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.core.blocks import Facts
from modelwright.core.metrics import ClassificationMetrics, compute_metrics, macro_f1
from modelwright.core.statistics import bootstrap_interval, newcombe_interval
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, IntArray
from modelwright.monitoring.reference import Reference


@dataclass(frozen=True)
class LabeledRows:
    """The figures of a model on labeled new rows, and those on the reference rows.

    ``difference`` is the 95 % interval of the new accuracy minus the reference's (Newcombe 1998).
    """

    metrics: ClassificationMetrics
    accuracy_before: float
    macro_f1_before: float
    macro_f1_before_interval: tuple[float, float]
    difference: tuple[float, float]

    @property
    def is_worse(self) -> bool:
        """Whether the accuracy is lower than chance explains."""
        return self.difference[1] < 0

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        new = self.metrics
        return {
            "rows": new.rows,
            "accuracy": new.accuracy,
            "accuracy_interval": list(new.accuracy_interval),
            "macro_f1": new.macro_f1,
            "macro_f1_interval": list(new.macro_f1_interval),
            "reference_accuracy": self.accuracy_before,
            "reference_macro_f1": self.macro_f1_before,
            "reference_macro_f1_interval": list(self.macro_f1_before_interval),
            "accuracy_difference_interval": list(self.difference),
        }

    def block(self) -> Facts:
        """Returns the figures as a person reads them."""
        new = self.metrics
        low, high = self.difference
        changed = "worse" if self.is_worse else "better" if low > 0 else "no clear difference"
        f1_low, f1_high = new.macro_f1_interval
        return Facts(
            f"the {new.rows:,} new rows with labels",
            [
                (
                    "accuracy",
                    f"{percent(new.accuracy)} ({percent(new.accuracy_interval[0])} to"
                    f" {percent(new.accuracy_interval[1])}), reference"
                    f" {percent(self.accuracy_before)}",
                ),
                ("difference", f"{100 * low:+.1f} to {100 * high:+.1f} points: {changed}"),
                (
                    "macro-F1",
                    f"{new.macro_f1:.4f} ({f1_low:.4f} to {f1_high:.4f}), reference"
                    f" {self.macro_f1_before:.4f}",
                ),
            ],
        )


def measure_labeled(
    reference: Reference, probabilities: FloatArray, labels: IntArray
) -> LabeledRows:
    """Returns the figures of labeled rows.

    Args:
        reference: with the confusion of its rows.
        probabilities: class probabilities ``[n, classes]`` of at least one new row.
        labels: its classes ``[n]``.
    """
    metrics = compute_metrics(probabilities, labels)
    right, before = int(metrics.confusion.trace()), int(reference.confusion.trace())
    return LabeledRows(
        metrics=metrics,
        accuracy_before=before / reference.rows,
        macro_f1_before=float(macro_f1(reference.confusion)),
        macro_f1_before_interval=bootstrap_interval(reference.confusion, macro_f1),
        difference=newcombe_interval(right, metrics.rows, before, reference.rows),
    )
