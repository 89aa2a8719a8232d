"""How fast the recipes cnn and bilstm train under Keras' backends TensorFlow and JAX.

The same settings, rows and seed on both sides, in the precision that ``auto`` chooses under each;
with ``--bfloat16`` also JAX in mixed_bfloat16, which ``auto`` does not choose on a processor.
Counted are the steps of an epoch, as the median of all but the first, in which steps are traced
and compiled; the first is shown beside it. A short training of JAX is mostly that. Where an
epoch has a batch of a shape that none before had, its compilation is counted.
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

SIDES = {"tensorflow": ("tensorflow", "auto"), "jax": ("jax", "auto")}
OPTIONS = {
    "kinds": Option(
        ["pictures", "reviews"], ["pictures", "reviews"], "what to train on", many=True
    ),
    "epochs": Option(4, 2, "of a training"),
    "pictures_rows": Option(8_192, 1_024, "training pictures, 0 for all of them"),
    "reviews_rows": Option(1_024, 256, "training reviews, 0 for all of them"),
    "bfloat16": Option(False, False, "also measure JAX in mixed_bfloat16"),
    **RECIPE_OPTIONS,
}


def compare(given: argparse.Namespace) -> Figures:
    """Rows a second under each backend, by kind of rows."""
    sides = dict(SIDES)
    if given.bfloat16:
        sides["jax mixed_bfloat16"] = ("jax", "mixed_bfloat16")
    results: Figures = {}
    for kind in given.kinds:
        print(kind, flush=True)
        tasks = {name: _task(given, kind, *side) for name, side in sides.items()}
        runs = harness.turns(__file__, tasks, given.rounds, show=_line)
        results[kind] = _summary(kind, runs)
    return results


def measure(**task: Any) -> Figures:
    """Train once, under the task's backend."""
    # Before anything imports Keras, which takes it from there.
    os.environ.update(KERAS_BACKEND=task["backend"], JAX_PLATFORMS="cpu")
    import modelwright

    recipe, data = RECIPES[task["kind"]]
    with tempfile.TemporaryDirectory() as folder, harness.timed() as clock:
        report = modelwright.train(
            data=harness.source(data, task["rows"]),
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


def _task(given: argparse.Namespace, kind: str, backend: str, precision: str) -> Figures:
    options = vars(given)
    keys = {"rows": "rows", "batch": "batch", "sets": "set"}
    sizes = {key: options[f"{kind}_{name}"] for key, name in keys.items()}
    return {
        "kind": kind,
        "backend": backend,
        "precision": precision,
        "epochs": given.epochs,
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
            harness.show(figures["rows_per_second"], ",.0f"),
            harness.show(figures["first_seconds"]),
        )
        for side, figures in medians.items()
    ]
    title = f"{kind}: JAX trains {harness.show(ratios['jax'], '.2f')} times as many a second"
    headers = ("backend", "computed in", f"{kind}/s", "seconds of the first epoch")
    harness.print_table(title, headers, rows)
    return {"medians": medians, "over_tensorflow": ratios, "runs": runs}


if __name__ == "__main__":
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
