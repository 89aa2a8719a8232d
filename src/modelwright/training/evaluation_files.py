"""The files of an evaluation: metrics, predictions, mistakes and plots."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.files import sha256_file, write_bytes, write_json
from modelwright.core.metrics import confidence_bins
from modelwright.core.types import FloatArray, IntArray, Split
from modelwright.data.load import write_rejected
from modelwright.plots.calibration import draw_calibration
from modelwright.plots.classes import draw_classes
from modelwright.plots.confusion import draw_confusion
from modelwright.plots.mistakes import draw_mistakes
from modelwright.runs.run import WEIGHTS
from modelwright.training.evaluation_report import EvaluateReport
from modelwright.training.negation import write_answers

_PLOTS = ("confusion.png", "calibration.png", "classes.png", "mistakes.png")
_NOT_ALWAYS = ("rejected.csv", "negation.csv", *_PLOTS)
_PREDICTIONS = ("origin", "label", "predicted", "probability")


def write_evaluation(
    report: EvaluateReport,
    rows: Split,
    probabilities: FloatArray,
    worst: IntArray,
    *,
    plots: bool = True,
) -> None:
    """Writes the files of an evaluation to ``report.folder``.

    Files of an earlier evaluation that this one does not make are deleted.

    Args:
        report: the result.
        rows: the measured rows.
        probabilities: float32 ``[n, classes]`` of the rows.
        worst: positions of ``report.mistakes``.
        plots: whether to draw plots.
    """
    folder = report.folder
    for name in _NOT_ALWAYS:
        (folder / name).unlink(missing_ok=True)
    # The weights change if the run is resumed. Then these figures are no longer the run's.
    weights = sha256_file(report.run / WEIGHTS)
    write_json(folder / "evaluation.json", {**report.to_dict(), "weights": weights})
    if report.rejected:
        write_rejected(folder / "rejected.csv", report.rejected)
    if report.slices:
        write_answers(folder / "negation.csv", report.slices)
    _write_csv(folder / "predictions.csv", _PREDICTIONS, _predictions(report, rows, probabilities))
    mistakes = ((m.origin, m.label, m.predicted, m.probability, m.text) for m in report.mistakes)
    _write_csv(folder / "mistakes.csv", (*_PREDICTIONS, "text"), mistakes)
    if plots:
        _draw(report, rows, probabilities, worst)


def _draw(report: EvaluateReport, rows: Split, probabilities: FloatArray, worst: IntArray) -> None:
    """Draws the plots of an evaluation."""
    folder, labels, metrics = report.folder, list(report.labels), report.metrics
    draw_confusion(folder / "confusion.png", metrics.confusion, labels)
    draw_calibration(
        folder / "calibration.png",
        [
            (one.confidence, one.accuracy, one.count)
            for one in confidence_bins(probabilities, rows.labels)
        ],
        metrics.calibration_error,
    )
    draw_classes(folder / "classes.png", labels, metrics.precision, metrics.recall)
    if report.mistakes:
        draw_mistakes(
            folder / "mistakes.png",
            rows.inputs.take(worst),
            [mistake.label for mistake in report.mistakes],
            [mistake.predicted for mistake in report.mistakes],
            [mistake.probability for mistake in report.mistakes],
        )


def _predictions(report: EvaluateReport, rows: Split, probabilities: FloatArray) -> Iterator[Any]:
    """Yields the label and the prediction of every row, so that models can be compared by row."""
    labels, best = report.labels, probabilities.argmax(axis=1)
    for position, (label, predicted) in enumerate(zip(rows.labels, best, strict=True)):
        probability = f"{probabilities[position, predicted]:.6f}"
        yield rows.inputs.origin(position), labels[label], labels[predicted], probability


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode("utf-8", "replace"))  # file names may hold any bytes
