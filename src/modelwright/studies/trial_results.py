"""One finished or failed training of a study: its figures, kept as one JSON file.

The file holds what a report needs, every row's answer among it, so that the run's folder may go.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import RunError
from modelwright.core.files import write_json
from modelwright.runs.run import Run
from modelwright.studies.statistics import BoolArray
from modelwright.training.evaluate import EvaluateReport

FORMAT = 1


@dataclass(frozen=True)
class Result:
    """What one variant gave with one seed. ``figures`` is empty where ``error`` is set.

    ``right`` is one bit a row, in hexadecimal, and ``order`` a digest of where the rows came
    from: answers can be paired where it is the same.
    """

    variant: str
    seed: int
    config: Mapping[str, Any]
    fingerprint: str
    machine: Mapping[str, Any]
    date: str
    error: str | None = None
    figures: Mapping[str, Any] = field(default_factory=dict)
    order: str = ""
    right: str = ""

    @property
    def hits(self) -> BoolArray:
        """Whether each row was right, bool ``[rows]``."""
        bits = np.frombuffer(bytes.fromhex(self.right), np.uint8)
        return np.unpackbits(bits, count=self.figures["rows"]).astype(bool)

    def write(self, path: Path) -> None:
        """Keep it."""
        write_json(path, {"format": FORMAT, **vars(self)})


def read(path: Path) -> Result | None:
    """What was kept there; None where nothing was.

    Raises:
        RunError: the file is not as it was written.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        if record.pop("format") != FORMAT:
            raise RunError(f"{path} was written by another version; this one reads {FORMAT}.")
        return Result(**record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(
            f"the result {path} cannot be read: {type(error).__name__} {error}; delete it to have"
            " it made again."
        ) from None


def figures_of(run: Run, report: EvaluateReport) -> dict[str, Any]:
    """The figures of a run and its evaluation; shares from 0 to 1."""
    metrics = report.metrics
    return {
        "rows": metrics.rows,
        "right": int(np.diag(metrics.confusion).sum()),
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "majority_accuracy": metrics.majority_accuracy,
        "calibration_error": metrics.calibration_error,
        "train_accuracy": run.metrics["train_accuracy"],
        "splits": dict(run.data["rows"]),
        "minutes": run.metrics["seconds"] / 60,
        "epochs": run.metrics["epochs"],
        "best_epoch": run.metrics["best_epoch"],
        "parameters": run.metrics["parameters"],
        "precision": run.metrics["precision"],
    }


def answers_of(report: EvaluateReport) -> tuple[str, str]:
    """``order`` and ``right`` of an evaluation, from the predictions that it left."""
    order, right = hashlib.sha256(), []
    with (report.folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            order.update(f"{row['origin']}\0{row['label']}\0".encode())
            right.append(row["label"] == row["predicted"])
    return order.hexdigest(), np.packbits(np.array(right, bool)).tobytes().hex()
