"""Writes an evaluation for TensorBoard, next to the curves of the training."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelwright.core import markdown
from modelwright.core.terminal import shorten
from modelwright.training.evaluation_report import EvaluateReport
from modelwright.training.observers import system_errors

_PLOTS = {
    "confusion": "confusion.png",
    "mistakes": "mistakes.png",
    "calibration": "calibration.png",
}
_TEXT = 200


def log_evaluation(report: EvaluateReport, folder: Path, step: int) -> None:
    """Writes the figures, the plots and the worst mistakes of an evaluation.

    An earlier log of the same evaluation is replaced.

    Args:
        report: the evaluation, whose plots are drawn.
        folder: the folder ``tensorboard`` of the run.
        step: the epoch of the weights, from 0, as in the curves.

    Raises:
        OSError: the log cannot be written.
    """
    import tensorflow as tf

    place = folder / f"evaluation-{report.folder.name}"
    shutil.rmtree(place, ignore_errors=True)
    with system_errors(place):
        writer = tf.summary.create_file_writer(str(place))
        with writer.as_default():
            tf.summary.scalar("evaluation_accuracy", report.metrics.accuracy, step=step)
            tf.summary.scalar("evaluation_macro_f1", report.metrics.macro_f1, step=step)
            for tag, name in _PLOTS.items():
                if (report.folder / name).is_file():
                    pixels = tf.io.decode_png((report.folder / name).read_bytes(), channels=3)
                    tf.summary.image(tag, pixels[tf.newaxis], step=step)
            tf.summary.text("mistakes", _mistakes(report), step=step)
        writer.close()


def _mistakes(report: EvaluateReport) -> str:
    headers = ("row", "label", "predicted", "probability", "text")
    rows = [
        (one.origin, one.label, one.predicted, f"{one.probability:.3f}",
         shorten(one.text or "", _TEXT))
        for one in report.mistakes
    ]  # fmt: skip
    return markdown.table(headers, rows) if rows else "no mistake"
