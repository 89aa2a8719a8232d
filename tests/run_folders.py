"""Run folders made by hand: with a record and weights, without a training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.files import sha256_file
from modelwright.core.metrics import compute_metrics
from modelwright.core.types import Dataset, Split
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import WEIGHTS, Run, create_run


def make_run(
    folder: Path,
    val: float | None = 0.8,
    *,
    rows: str = "a",
    status: str = "finished",
    settings: Mapping[str, Any] | None = None,
) -> Run:
    """Writes a run folder. Runs with the same letter in ``rows`` have the same rows."""
    tables = {"data": {"source": "rows.csv"}, "model": {"recipe": "cnn", **(settings or {})}}
    counts = {"train": 80, "val": 10, "test": 10}
    if val is None:
        del counts["val"]
    splits: Any = {name: Split(np.zeros(n), np.zeros(n, np.int64)) for name, n in counts.items()}
    data = Dataset("image", ("no", "yes"), splits, rows * 64, "rows.csv", shape=(8, 8, 3))
    run = create_run(resolve_config(options=tables), data, folder)
    if status == "running":
        return run
    (folder / WEIGHTS).write_bytes(f"weights of {folder.name}".encode())
    metrics = {"val_accuracy": val, "train_accuracy": 0.9, "epochs": 3, "best_epoch": 2,
               "seconds": 12.5, "parameters": 7}  # fmt: skip
    return run.update(status=status, metrics=metrics)


def write_evaluation(run: Run, right: list[bool], name: str = "test", **changes: Any) -> None:
    """Writes an evaluation in which some rows are right."""
    folder = run.path / "evaluations" / name
    folder.mkdir(parents=True)
    chances = np.array([[0.1, 0.9] if one else [0.9, 0.1] for one in right], np.float32)
    metrics = compute_metrics(chances, np.ones(len(right), np.int64))
    record = {
        "accuracy": metrics.accuracy,
        "accuracy_interval": list(metrics.accuracy_interval),
        "macro_f1": metrics.macro_f1,
        "rows": len(right),
        "source": f"rows.csv, {name}",
        "weights": sha256_file(run.path / WEIGHTS),
    }
    (folder / "evaluation.json").write_text(json.dumps({**record, **changes}))
    lines = [f"row {n},yes,{'yes' if one else 'no'},0.9" for n, one in enumerate(right)]
    header = "origin,label,predicted,probability"
    (folder / "predictions.csv").write_text("\n".join([header, *lines]) + "\n")
