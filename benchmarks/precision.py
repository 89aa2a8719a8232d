"""Speed and accuracy of ``train.precision``: float32 and auto.

Both recipes train a few epochs from the same seeds on the same rows; only the precision differs.
The accuracy is measured on the validation rows, with the weights of the best epoch and a network in
float32 on both sides, as Modelwright reports and exports it. If ``auto`` means float32 on the
machine, the table says so and both sides are the same.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

import harness
from harness import RECIPE_OPTIONS, RECIPES, Figures, Option
from keras_clock import time_epochs

SIDES = ("float32", "auto")
OPTIONS = {
    "kinds": Option(
        ["pictures", "reviews"], ["pictures", "reviews"], "kinds of rows to train on", many=True
    ),
    "seeds": Option([0, 1, 2], [0], "random seeds; one training per seed and side", many=True),
    "pictures_epochs": Option(6, 2, "epochs of the recipe cnn"),
    "reviews_epochs": Option(3, 2, "epochs of the recipe bilstm"),
    "pictures_rows": Option(0, 1_024, "training images; 0 for all"),
    "reviews_rows": Option(0, 256, "training reviews; 0 for all"),
    **RECIPE_OPTIONS,
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the speed and accuracy of both precisions, by kind of rows."""
    results: Figures = {}
    for kind in arguments.kinds:
        runs: harness.Runs = {side: [] for side in SIDES}
        for seed in arguments.seeds:
            print(f"{kind}, seed {seed}", flush=True)
            tasks = {side: _task(arguments, kind, side, seed) for side in SIDES}
            done = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
            for side in SIDES:
                runs[side] += done[side]
        results[kind] = _summary(kind, runs)
    return results


def measure_side(**task: Any) -> Figures:
    """Trains once."""

    recipe, data = RECIPES[task["kind"]]
    with tempfile.TemporaryDirectory() as folder, time_epochs() as clock:
        report = harness.train(
            data=harness.data_settings(data, task["rows"]),
            model={"recipe": recipe},
            train={
                "batch_size": task["batch"],
                "epochs": task["epochs"],
                "patience": 0,
                "precision": task["precision"],
                "seed": task["seed"],
            },
            sets=task["sets"],
            out=Path(folder) / "run",
        )
        rows = harness.train_rows(report)
    return {
        "seed": task["seed"],
        "rows": rows,
        "rows_per_second": clock.rate(rows),
        "val_accuracy": report.val_accuracy,
        "seconds": clock.ends[-1],
        "precision": report.precision,
        "training_seconds": clock.training,
    }


def _task(arguments: argparse.Namespace, kind: str, side: str, seed: int) -> Figures:
    options = vars(arguments)
    keys = {"rows": "rows", "batch": "batch", "epochs": "epochs", "sets": "set"}
    sizes = {key: options[f"{kind}_{name}"] for key, name in keys.items()}
    return {"kind": kind, "precision": side, "seed": seed, **sizes}


def _line(figures: Figures) -> str:
    return f"{figures['rows_per_second']:,.0f} rows/s, val {figures['val_accuracy']:.4f}"


def _summary(kind: str, runs: harness.Runs) -> Figures:
    medians = harness.medians(runs)
    times = harness.ratio(*(medians[side]["rows_per_second"] for side in reversed(SIDES)))
    # Both sides train with the same seeds, so that only the precision differs.
    changes = [
        auto["val_accuracy"] - single["val_accuracy"]
        for single, auto in zip(*(runs[side] for side in SIDES), strict=True)
    ]
    rows = [
        (
            side,
            medians[side]["precision"],
            f"{medians[side]['rows_per_second']:,.0f}",
            f"{medians[side]['seconds']:.1f}",
            f"{medians[side]['val_accuracy']:.2%}",
        )
        for side in SIDES
    ]
    change = statistics.mean(changes)
    title = (
        f"{kind}: auto trains {harness.format_number(times, '.2f')} times as many a second,"
        f" its accuracy differs by {100 * change:+.2f} points on the mean of {len(changes)}"
    )
    headers = ("precision", "computed in", f"{kind}/s", "seconds", "val accuracy")
    harness.print_table(title, headers, rows)
    return {"medians": medians, "rate_ratio": times, "accuracy_changes": changes, "runs": runs}


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
