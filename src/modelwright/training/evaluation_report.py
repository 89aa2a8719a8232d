"""The report of an evaluation."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.metrics import ClassificationMetrics
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.core.types import Rejected
from modelwright.training.baseline_figures import Baselines
from modelwright.training.negation import NegationSlice
from modelwright.training.overlap import TrainingOverlap


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction. ``probability`` is that of the predicted label."""

    origin: str
    label: str
    predicted: str
    probability: float
    text: str | None


@dataclass(frozen=True)
class EvaluateReport(Report):
    """The result of an evaluation.

    ``train_accuracy`` is that of the run's training rows. ``notes`` are decisions made while
    other data was read.
    """

    run: Path
    folder: Path
    source: str
    labels: tuple[str, ...]
    metrics: ClassificationMetrics
    train_accuracy: float
    mistakes: tuple[Mistake, ...]
    rejected: tuple[Rejected, ...]
    slices: tuple[NegationSlice, ...] = ()
    notes: tuple[str, ...] = ()
    overlap: TrainingOverlap | None = None
    """The measured rows that the run was trained on; None where all of them are training rows."""
    baselines: Baselines = field(default_factory=Baselines)
    """Simple models that were fitted on the run's training rows."""
    warnings: tuple[str, ...] = ()
    """What the figures do not show, such as a model that loses to a baseline."""
    left_out: tuple[str, ...] = ()
    """Parts that were not made: ``baselines``, ``slices`` or ``plots``."""

    @property
    def gap(self) -> float:
        """The training accuracy minus the accuracy of this evaluation."""
        return self.train_accuracy - self.metrics.accuracy

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        metrics = self.metrics
        return {
            "run": str(self.run),
            "folder": str(self.folder),
            "source": self.source,
            "rows": metrics.rows,
            "rejected": len(self.rejected),
            "accuracy": metrics.accuracy,
            "accuracy_interval": list(metrics.accuracy_interval),
            "macro_f1": metrics.macro_f1,
            "macro_f1_interval": list(metrics.macro_f1_interval),
            "majority_accuracy": metrics.majority_accuracy,
            "baselines": self.baselines.to_list(),
            "train_accuracy": self.train_accuracy,
            "gap": self.gap,
            "calibration_error": metrics.calibration_error,
            "classes": [
                {"label": label, "precision": precision, "recall": recall, "rows": rows}
                for label, precision, recall, rows in self._classes()
            ],
            "confusion": metrics.confusion.tolist(),
            "slices": [one.to_dict() for one in self.slices],
            "mistakes": [vars(mistake) for mistake in self.mistakes],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
            "trained_on": self.overlap.to_dict() if self.overlap else None,
            "left_out": list(self.left_out),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the metrics, the classes, the checks and the worst mistakes."""
        metrics = self.metrics
        low, high = metrics.accuracy_interval
        rows: list[tuple[str, object]] = [
            ("rows", f"{metrics.rows:,} of {self.source}"),
            ("accuracy", f"{percent(metrics.accuracy)}  (95 %: {percent(low)} to {percent(high)})"),
            ("macro-F1", f"{metrics.macro_f1:.4f}"),
            *(self.overlap.facts() if self.overlap else ()),
            *self._baselines(),
            ("training accuracy", f"{percent(self.train_accuracy)}, {100 * self.gap:+.2f} points"),
            ("calibration error", f"{metrics.calibration_error:.4f}"),
            ("plots and mistakes", str(self.folder)),
        ]
        if self.rejected:
            rows.append(("rejected rows", f"{len(self.rejected):,}, listed in rejected.csv there"))
        rows += [("note", note) for note in self.notes]
        rows += [("warning", warning) for warning in self.warnings]
        blocks = [
            Facts("evaluated", rows),
            Table(("class", "precision", "recall", "rows"), self._classes()),
            *(block for check in self.slices for block in check.blocks()),
        ]
        worst = [
            (shorten(m.text or m.origin, 48), m.label, m.predicted, f"{m.probability:.3f}")
            for m in self.mistakes[:5]
        ]
        if worst:
            blocks.append(Table(("worst mistakes", "label", "predicted", "probability"), worst))
        return [*blocks, Note(f"next: modelwright report {shlex.quote(str(self.run))}")]

    def _baselines(self) -> list[tuple[str, object]]:
        found = list(self.baselines.facts())
        if any(one.rows for one in self.baselines.models):
            return found
        return [("majority-class baseline", percent(self.metrics.majority_accuracy)), *found]

    def _classes(self) -> list[tuple[str, float, float, int]]:
        metrics = self.metrics
        return list(
            zip(self.labels, metrics.precision, metrics.recall, metrics.support, strict=True)
        )
