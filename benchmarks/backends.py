"""Training speed of the recipes cnn and bilstm under Keras' backends TensorFlow and JAX.

Both sides have the same settings, rows and seed, and the precision that ``auto`` chooses under each
backend. ``--bfloat16`` adds JAX in mixed_bfloat16, which ``auto`` does not choose on a CPU. The
rate is the median over all epochs but the first, which traces and compiles the steps; the first
epoch is shown next to it and dominates a short training with JAX. If a later epoch has a batch of a
new shape, its compilation counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import harness
from harness import RECIPE_OPTIONS, RECIPES, Figures, Option
from keras_clock import time_epochs

SIDES = {"tensorflow": ("tensorflow", "auto"), "jax": ("jax", "auto")}
OPTIONS = {
    "kinds": Option(
        ["pictures", "reviews"], ["pictures", "reviews"], "kinds of rows to train on", many=True
    ),
    "epochs": Option(4, 2, "epochs of a training"),
    "pictures_rows": Option(8_192, 1_024, "training images; 0 for all"),
    "reviews_rows": Option(1_024, 256, "training reviews; 0 for all"),
    "bfloat16": Option(False, False, "also measure JAX in mixed_bfloat16"),
    **RECIPE_OPTIONS,
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the rows per second of the backends, by kind of rows."""
    sides = dict(SIDES)
    if arguments.bfloat16:
        sides["jax mixed_bfloat16"] = ("jax", "mixed_bfloat16")
    results: Figures = {}
    for kind in arguments.kinds:
        print(kind, flush=True)
        tasks = {name: _task(arguments, kind, *side) for name, side in sides.items()}
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
        results[kind] = _summary(kind, runs)
    return results


def measure_side(**task: Any) -> Figures:
    """Trains once, under the backend of the task."""
    # Keras reads the variable when it is imported.
    os.environ.update(KERAS_BACKEND=task["backend"], JAX_PLATFORMS="cpu")

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
            },
            sets=task["sets"],
            out=Path(folder) / "run",
        )
        rows = harness.train_rows(report)
    return {
        "backend": report.backend,
        "precision": report.precision.split(" ", 1)[0],
        "rows": rows,
        "rows_per_second": rows / statistics.median(clock.training[1:]),
        "first_seconds": clock.training[0],
        "training_seconds": clock.training,
    }


def _task(arguments: argparse.Namespace, kind: str, backend: str, precision: str) -> Figures:
    options = vars(arguments)
    keys = {"rows": "rows", "batch": "batch", "sets": "set"}
    sizes = {key: options[f"{kind}_{name}"] for key, name in keys.items()}
    return {
        "kind": kind,
        "backend": backend,
        "precision": precision,
        "epochs": arguments.epochs,
        **sizes,
    }


def _line(figures: Figures) -> str:
    return (
        f"{figures['rows_per_second']:,.0f} rows/s in {figures['precision']},"
        f" first epoch {figures['first_seconds']:.1f} s"
    )


def _summary(kind: str, runs: harness.Runs) -> Figures:
    medians = harness.medians(runs)
    own = medians["tensorflow"]["rows_per_second"]
    ratios = {
        side: harness.ratio(figures["rows_per_second"], own)
        for side, figures in medians.items()
        if side != "tensorflow"
    }
    rows = [
        (
            side,
            figures["precision"],
            harness.format_number(figures["rows_per_second"], ",.0f"),
            harness.format_number(figures["first_seconds"]),
        )
        for side, figures in medians.items()
    ]
    title = (
        f"{kind}: JAX trains {harness.format_number(ratios['jax'], '.2f')} times as many a second"
    )
    headers = ("backend", "computed in", f"{kind}/s", "seconds of the first epoch")
    harness.print_table(title, headers, rows)
    return {"medians": medians, "over_tensorflow": ratios, "runs": runs}


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
