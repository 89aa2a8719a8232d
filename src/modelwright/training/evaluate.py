"""Evaluation: a run and held-out rows in, figures and pictures out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.config import DataConfig
from modelwright.core.files import write_bytes, write_json
from modelwright.core.measure import measure
from modelwright.core.metrics import ClassificationMetrics, confidence_bins
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.core.types import FloatArray, IntArray, Progress, Rejected, Split, SplitName
from modelwright.data.load import load_split, write_rejected
from modelwright.plots.calibration import draw_calibration
from modelwright.plots.classes import draw_classes
from modelwright.plots.confusion import draw_confusion
from modelwright.plots.mistakes import draw_mistakes
from modelwright.runs.rows import reload_data, split_of
from modelwright.runs.run import Run, load_run
from modelwright.training.negation import NegationSlice, negation, write_answers
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.runtime import make_deterministic

_WORST = 20
_PREDICTIONS = ("origin", "label", "predicted", "probability")


@dataclass(frozen=True)
class Mistake:
    """A row the model got wrong; ``probability`` is what it gave the label it chose."""

    origin: str
    label: str
    predicted: str
    probability: float
    text: str | None


@dataclass(frozen=True)
class EvaluateReport(Report):
    """What an evaluation gave; ``gap`` is training minus this accuracy."""

    run: Path
    folder: Path
    source: str
    labels: tuple[str, ...]
    metrics: ClassificationMetrics
    train_accuracy: float
    mistakes: tuple[Mistake, ...]
    rejected: tuple[Rejected, ...]
    slices: tuple[NegationSlice, ...] = ()

    @property
    def gap(self) -> float:
        """Training accuracy less this one."""
        return self.train_accuracy - self.metrics.accuracy

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        figures = self.metrics
        return {
            "run": str(self.run),
            "folder": str(self.folder),
            "source": self.source,
            "rows": figures.rows,
            "rejected": len(self.rejected),
            "accuracy": figures.accuracy,
            "accuracy_interval": list(figures.accuracy_interval),
            "macro_f1": figures.macro_f1,
            "macro_f1_interval": list(figures.macro_f1_interval),
            "majority_accuracy": figures.majority_accuracy,
            "train_accuracy": self.train_accuracy,
            "gap": self.gap,
            "calibration_error": figures.calibration_error,
            "classes": [
                {"label": label, "precision": precision, "recall": recall, "rows": rows}
                for label, precision, recall, rows in self._classes()
            ],
            "confusion": figures.confusion.tolist(),
            "slices": [one.to_dict() for one in self.slices],
            "mistakes": [vars(mistake) for mistake in self.mistakes],
        }

    def blocks(self) -> Sequence[Block]:
        """The figures, the classes, the checks and the worst mistakes."""
        figures = self.metrics
        low, high = figures.accuracy_interval
        rows: list[tuple[str, object]] = [
            ("rows", f"{figures.rows:,} of {self.source}"),
            ("accuracy", f"{percent(figures.accuracy)}  (95 %: {percent(low)} to {percent(high)})"),
            ("macro-F1", f"{figures.macro_f1:.4f}"),
            ("majority-class baseline", percent(figures.majority_accuracy)),
            ("training accuracy", f"{percent(self.train_accuracy)}, {100 * self.gap:+.2f} points"),
            ("calibration error", f"{figures.calibration_error:.4f}"),
            ("plots and mistakes", str(self.folder)),
        ]
        if self.rejected:
            rows.append(("rejected rows", f"{len(self.rejected):,}, listed in rejected.csv there"))
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
        return blocks

    def _classes(self) -> list[tuple[str, float, float, int]]:
        figures = self.metrics
        return list(
            zip(self.labels, figures.precision, figures.recall, figures.support, strict=True)
        )


def evaluate(
    path: Path | str,
    *,
    data: DataConfig | str | Path | None = None,
    split: SplitName = "test",
    tta: bool = False,
    progress: Progress | None = None,
) -> EvaluateReport:
    """Measure a run's best weights, and leave the figures in its ``evaluations`` folder.

    Args:
        path: the run's folder.
        data: other rows than the run's own, all of them; columns are found as in the run.
        split: which of the run's own rows, when ``data`` is not given.
        tta: with test-time augmentation, the average answer over mirrored and shifted views.
        progress: told of each step.

    Raises:
        RunError: the run cannot be used.
        DataError: the rows cannot be used, or have labels the model does not know.
        ConfigError: ``tta`` for a model that was not trained on mirrored pictures.
    """
    run = load_run(path)
    make_deterministic(run.config.train.seed)
    network = run.network(tta=tta)
    rows, rejected, source = _rows(run, data, split, progress)
    tokenizer = run.tokenizer()
    measured = measure(NetworkClassifier(network, tokenizer), rows, progress)
    # Never the name of a split: the run's own figures stay the run's own.
    name = split if data is None else f"data-{Path(source).stem}"
    name += "-tta" if tta else ""
    worst = _worst(rows, measured.probabilities)
    report = EvaluateReport(
        run=run.path,
        folder=run.path / "evaluations" / name,
        source=source,
        labels=run.labels,
        metrics=measured.metrics,
        train_accuracy=run.metrics["train_accuracy"],
        mistakes=tuple(_mistake(rows, measured.probabilities, int(i), run) for i in worst),
        rejected=rejected,
        slices=negation(run.labels, network, tokenizer, rows),
    )
    _write(report, rows, measured.probabilities)
    if len(worst):
        draw_mistakes(
            report.folder / "mistakes.png",
            rows.inputs.take(worst),
            [mistake.label for mistake in report.mistakes],
            [mistake.predicted for mistake in report.mistakes],
            [mistake.probability for mistake in report.mistakes],
        )
    return report


def _rows(
    run: Run, data: DataConfig | str | Path | None, split: SplitName, progress: Progress | None
) -> tuple[Split, tuple[Rejected, ...], str]:
    if data is None:
        own = reload_data(run.config.data, run.data, run.path, progress)
        return split_of(own, split), (), f"{own.source}, {split}"
    if not isinstance(data, DataConfig):
        data = run.config.data.model_copy(update={"source": str(data), "limit": None})
    rows, rejected = load_split(
        data, labels=run.labels, shape=run.shape, task=run.task, progress=progress
    )
    return rows, rejected, str(data.source)


def _worst(rows: Split, probabilities: FloatArray) -> IntArray:
    """Positions of the rows that are wrong, those the model was surest of first."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != rows.labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:_WORST]


def _mistake(rows: Split, probabilities: FloatArray, position: int, run: Run) -> Mistake:
    return Mistake(
        origin=rows.inputs.origin(position),
        label=run.labels[rows.labels[position]],
        predicted=run.labels[probabilities[position].argmax()],
        probability=float(probabilities[position].max()),
        text=str(rows.inputs.raw(position)) if run.task == "text" else None,
    )


def _write(report: EvaluateReport, rows: Split, probabilities: FloatArray) -> None:
    folder, labels, figures = report.folder, list(report.labels), report.metrics
    write_json(folder / "evaluation.json", report.to_dict())
    if report.rejected:
        write_rejected(folder / "rejected.csv", report.rejected)
    if report.slices:
        write_answers(folder / "negation.csv", report.slices)
    _write_csv(folder / "predictions.csv", _PREDICTIONS, _predictions(report, rows, probabilities))
    worst = ((m.origin, m.label, m.predicted, m.probability, m.text) for m in report.mistakes)
    _write_csv(folder / "mistakes.csv", (*_PREDICTIONS, "text"), worst)
    draw_confusion(folder / "confusion.png", figures.confusion, labels)
    draw_calibration(
        folder / "calibration.png",
        [
            (part.confidence, part.accuracy, part.count)
            for part in confidence_bins(probabilities, rows.labels)
        ],
        figures.calibration_error,
    )
    draw_classes(folder / "classes.png", labels, figures.precision, figures.recall)


def _predictions(report: EvaluateReport, rows: Split, probabilities: FloatArray) -> Iterator[Any]:
    """Of every row what it is and what it was taken for, so that models can be paired by row."""
    labels, chosen = report.labels, probabilities.argmax(axis=1)
    for position, (label, predicted) in enumerate(zip(rows.labels, chosen, strict=True)):
        probability = f"{probabilities[position, predicted]:.6f}"
        yield rows.inputs.origin(position), labels[label], labels[predicted], probability


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode("utf-8", "replace"))  # a file's name may be anything
