"""The report of a distillation."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.metrics import ClassificationMetrics
from modelwright.core.report import Report
from modelwright.core.statistics import estimate_accuracy
from modelwright.core.terminal import percent
from modelwright.distillation.labeling import Labeling
from modelwright.distillation.teacher import Teacher


@dataclass(frozen=True)
class Measured:
    """One of the compared models, and its figures on the held-out rows.

    Attributes:
        name: what it is.
        metrics: those of the first seed.
        seeds: those of each seed; none where there is one.
        parameters: the number of its weights; None where that is not known.
        size: bytes of its weights or files; None where that is not known.
        latency_ms: median of the milliseconds for one row, in this process; None if not measured.
    """

    name: str
    metrics: ClassificationMetrics
    seeds: tuple[ClassificationMetrics, ...] = ()
    parameters: int | None = None
    size: int | None = None
    latency_ms: float | None = None

    @property
    def accuracy(self) -> float:
        """The mean accuracy of the seeds."""
        return self._estimate()[0]

    @property
    def macro_f1(self) -> float:
        """The mean macro-F1 of the seeds."""
        return statistics.mean(one.macro_f1 for one in self.seeds or (self.metrics,))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy: over the seeds, or over the rows with one seed."""
        return self._estimate()[1:]

    def _estimate(self) -> tuple[float, float, float]:
        if len(self.seeds) < 2:
            return self.metrics.accuracy, *self.metrics.accuracy_interval
        right = [round(one.accuracy * one.rows) for one in self.seeds]
        found = estimate_accuracy(right, self.metrics.rows)
        return found.value, found.low, found.high

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures in a form that JSON can hold."""
        return {
            "name": self.name,
            **figures(self.metrics),
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.interval),
            "macro_f1": self.macro_f1,
            "seeds": [one.accuracy for one in self.seeds or (self.metrics,)],
            "parameters": self.parameters,
            "bytes": self.size,
            "latency_ms": self.latency_ms,
        }


@dataclass(frozen=True)
class TeacherFigures:
    """What the teacher is, how its scores were read, and its figures on the labeled rows."""

    name: str
    kind: str
    output: str
    how: str
    out_of_fold: bool
    labeled: ClassificationMetrics
    encoder: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, teacher: Teacher, labeling: Labeling) -> TeacherFigures:
        """Returns the figures of a teacher."""
        return cls(
            teacher.name,
            teacher.kind,
            labeling.output,
            labeling.how,
            labeling.out_of_fold,
            labeling.labeled,
            teacher.encoder,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {**vars(self), "labeled": figures(self.labeled)}


@dataclass(frozen=True)
class DistillReport(Report):
    """The result of a distillation.

    Attributes:
        run: the student's run.
        status: finished, or stopped.
        teacher: the teacher's figures.
        unlabeled: the number of texts that the teacher labeled for the student.
        shares: the share of them that the teacher put into each class.
        stored: the number of texts whose scores were stored before.
        split: the held-out split on which the models were compared; None if nothing is held out.
        measured: teacher, student, and the student from labels alone, on the held-out rows.
        notes: decisions that were made.
        warnings: what the figures do not show.
        next: the command that usually follows.
        how: what the student learned of the teacher's answers to labeled rows; empty if nothing.
    """

    run: Path
    status: str
    teacher: TeacherFigures
    unlabeled: int
    shares: Mapping[str, float]
    stored: int
    split: str | None
    measured: tuple[Measured, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    next: str
    how: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            **vars(self),
            "run": str(self.run),
            "teacher": self.teacher.to_dict(),
            "shares": dict(self.shares),
            "measured": [one.to_dict() for one in self.measured],
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the facts, then the comparison."""
        labeled = self.teacher.labeled
        fold = ", out of fold" if self.teacher.out_of_fold else ""
        shares = ", ".join(f"{name} {percent(share)}" for name, share in self.shares.items())
        again = f", {self.stored:,} scores were stored before" if self.stored else ""
        rows: list[tuple[str, object]] = [
            ("run", str(self.run)),
            ("status", self.status),
            ("teacher", f"{self.teacher.name} ({self.teacher.kind})"),
            *_encoder_rows(self.teacher.encoder),
            ("teacher's labels", self.teacher.how),
            (
                "on labeled rows",
                f"{percent(labeled.accuracy)} (95 %: {_interval(labeled)}), {labeled.rows:,}"
                f" training rows{fold}",
            ),
            *([("what it teaches", self.how)] if self.how else []),
            *([("texts it labeled", f"{self.unlabeled:,}{again}")] if self.unlabeled else []),
            *([("its classes", shares)] if shares else []),
            *(("note", note) for note in self.notes),
            *(("warning", warning) for warning in self.warnings),
        ]
        if self.next:
            rows.append(("next", self.next))
            rows.append(
                ("then", shlex.join(["modelwright", "quantize", shlex.split(self.next)[-1]]))
            )
        facts = Facts("distilled", rows)
        if not self.measured:
            return (facts,)
        low_high = [
            (
                one.name,
                percent(one.accuracy),
                "{} to {}".format(*map(percent, one.interval)),
                f"{one.macro_f1:.4f}",
                "" if one.parameters is None else f"{one.parameters:,}",
                "" if one.size is None else f"{one.size / 2**20:.1f} MiB",
                "" if one.latency_ms is None else f"{one.latency_ms:.1f}",
            )
            for one in self.measured
        ]
        first = self.measured[0].metrics
        majority = ("majority class", percent(first.majority_accuracy), *[""] * 5)
        title = f"on the {first.rows:,} rows of the {self.split} split, which none learned from"
        if self.split == "val":
            title = f"on the {first.rows:,} rows of the val split, which also chose the epoch"
        count = max(len(one.seeds) for one in self.measured)
        title += f"; means of {count} seeds" if count > 1 else ""
        return (
            facts,
            Table(
                ("model", "accuracy", "95 %", "macro-F1", "parameters", "size", "ms a row"),
                [*low_high, majority],
                title,
            ),
        )


def _encoder_rows(encoder: Mapping[str, Any] | None) -> list[tuple[str, object]]:
    """Returns a line about how a sentence encoder was used."""
    if encoder is None:
        return []
    pooling, prefix = encoder["pooling"], encoder["prefix"]
    parts = (
        encoder["file"],
        f"{pooling} of {encoder['output']}" if pooling else encoder["output"],
        "length 1" if encoder["normalized"] else "not normalized",
        f"at most {encoder['length']:,} tokens",
        f"prefix {prefix!r}" if prefix else "no prefix",
    )
    return [("encoder", ", ".join(parts))]


def figures(metrics: ClassificationMetrics) -> dict[str, Any]:
    """Returns the main figures in a form that JSON can hold."""
    return {
        "rows": metrics.rows,
        "accuracy": metrics.accuracy,
        "accuracy_interval": list(metrics.accuracy_interval),
        "macro_f1": metrics.macro_f1,
        "majority_accuracy": metrics.majority_accuracy,
    }


def _interval(metrics: ClassificationMetrics) -> str:
    low, high = metrics.accuracy_interval
    return f"{percent(low)} to {percent(high)}"
