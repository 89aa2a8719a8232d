"""Runs with everything that training and evaluation keep, made without either."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.files import sha256_file
from modelwright.core.metrics import compute_metrics
from modelwright.data.load import load_data
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import WEIGHTS, Run, create_run
from modelwright.servable.manifest import read_manifest, write_manifest
from serve.small_servables import write_text_servable

EVIL = "<script>document.title='owned'</script>\"'&"
RTL = "\u202eevil\u2067"
HISTORY = "epoch,accuracy,loss,val_accuracy,val_loss\n1,0.6,0.9,0.55,1.0\n2,0.8,nan,0.7,0.8\n"


def write_reviews(path: Path, labels: Sequence[str] = ("neg", "pos"), rows: int = 60) -> Path:
    """Writes a CSV of short texts in two scripts, one of which is a copy under another label."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        for number in range(rows):
            text = (
                f"物流很快 {number}" if number % 3 else f"a waste of time {number} " + "x" * number
            )
            writer.writerow((text, labels[number % len(labels)]))
        writer.writerow(("a waste of time 0 ", labels[1]))
    return path


def make_kept_run(
    folder: Path, source: Path, *, status: str = "finished", recipe: str = "text-fast"
) -> Run:
    """Writes a run of the rows in ``source`` with weights and a history."""
    tables = {"data": {"source": str(source), "test": 0.3}, "model": {"recipe": recipe}}
    config = resolve_config(options=tables)
    run = create_run(config, load_data(config.data), folder)
    if status == "running":
        return run
    (folder / WEIGHTS).write_bytes(b"weights")
    (folder / "history.csv").write_text(HISTORY, "utf-8")
    metrics = {"val_accuracy": None, "train_accuracy": 0.95, "epochs": 2, "best_epoch": 2,
               "seconds": 12.5, "parameters": 70_000}  # fmt: skip
    return run.update(status=status, metrics=metrics)


def export_kept_run(run: Run, folder: Path) -> Path:
    """Writes a small servable with the config and the data of a run; records no export."""
    write_text_servable(folder)
    config = run.config.model_dump(mode="json")
    manifest = replace(read_manifest(folder), config=config, data=dict(run.data))
    write_manifest(manifest, folder)
    return folder


def evaluate_kept_run(run: Run, name: str = "test", **changes: Any) -> Path:
    """Writes an evaluation of the test rows in which every fifth answer is wrong."""
    data = load_data(run.config.data)
    split = data.splits["test"]
    classes, count = len(data.labels), len(split)
    chances = np.full((count, classes), 0.2 / (classes - 1), np.float32)
    answers = np.where(np.arange(count) % 5, split.labels, (split.labels + 1) % classes)
    chances[np.arange(count), answers] = 0.8
    metrics = compute_metrics(chances, split.labels)
    wrong = np.flatnonzero(answers != split.labels).tolist()
    labels = data.labels
    record = {
        "source": f"{data.source}, test",
        "rows": count,
        "rejected": 0,
        "accuracy": metrics.accuracy,
        "accuracy_interval": list(metrics.accuracy_interval),
        "macro_f1": metrics.macro_f1,
        "macro_f1_interval": list(metrics.macro_f1_interval),
        "majority_accuracy": metrics.majority_accuracy,
        "baselines": [{"name": "majority class", "accuracy": 0.5, "macro_f1": 0.3,
                       "interval": [0.3, 0.7], "rows": count, "fitted_rows": 9, "note": None}],
        "train_accuracy": 0.95,
        "calibration_error": metrics.calibration_error,
        "classes": [
            {"label": label, "precision": precision, "recall": recall, "rows": rows}
            for label, precision, recall, rows in zip(
                labels, metrics.precision, metrics.recall, metrics.support, strict=True
            )
        ],
        "confusion": metrics.confusion.tolist(),
        "slices": [],
        "mistakes": [
            {"origin": split.inputs.origin(at), "label": labels[split.labels[at]],
             "predicted": labels[answers[at]], "probability": 0.8,
             "text": str(split.inputs.raw(at)) if data.task == "text" else None}
            for at in wrong
        ],
        "notes": [],
        "warnings": ["the model is no better than the baseline"],
        "trained_on": {"rows": 1, "without": None, "unchecked": None},
        "weights": sha256_file(run.path / WEIGHTS),
        **changes,
    }  # fmt: skip
    folder = run.path / "evaluations" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(record), "utf-8")
    with (folder / "predictions.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("origin", "label", "predicted", "probability"))
        for at in range(count):
            writer.writerow((split.inputs.origin(at), labels[split.labels[at]],
                             labels[answers[at]], "0.800000"))  # fmt: skip
    return folder
