"""How the report of an evaluation ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelwright.core.metrics import compute_metrics
from modelwright.training.evaluation_report import EvaluateReport


def test_an_evaluation_ends_with_the_command_of_the_report() -> None:
    metrics = compute_metrics(np.array([[0.1, 0.9]], np.float32), np.array([1]))
    report = EvaluateReport(
        run=Path("runs/my run"),
        folder=Path("runs/my run/evaluations/test"),
        source="rows.csv, test",
        labels=("no", "yes"),
        metrics=metrics,
        train_accuracy=1.0,
        mistakes=(),
        rejected=(),
    )
    assert report.render().splitlines()[-1] == "next: modelwright report 'runs/my run'"
