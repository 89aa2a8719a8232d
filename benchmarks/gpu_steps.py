"""Steps of the recipe cnn in each precision under JAX: time, images per second, and a GPU's work.

The images are random, 32 × 32 in color: the time of a step does not depend on what they show. The
figures are those that a training records itself. The time of a step is the median over all steps
but the first of each epoch; images per second are the median over all epochs but the first, which
compiles. Without a GPU the same steps run on the processor, where no utilization is known, and the
16-bit formats are many times slower than float32.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option
from keras_clock import time_epochs

OPTIONS = {
    "rows": Option(50_000, 256, "training images"),
    "epochs": Option(8, 2, "epochs of a training"),
    "batch": Option(512, 64, "batch size"),
    "side": Option(32, 32, "side of an image in pixels"),
    "precisions": Option(
        ["float32", "mixed_bfloat16", "mixed_float16"],
        ["float32", "mixed_bfloat16", "mixed_float16"],
        "precisions to measure",
        many=True,
    ),
    "sets": Option([], ["model.units=16"], "changed settings, as TABLE.KEY=VALUE", many=True),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the steps of the precisions."""
    keys = ("rows", "epochs", "batch", "side", "sets")
    common = {key: getattr(arguments, key) for key in keys}
    # The harness hides GPUs from its children; these need them.
    common["visible"] = os.environ.get("CUDA_VISIBLE_DEVICES")
    tasks = {name: {**common, "precision": name} for name in arguments.precisions}
    runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    medians = harness.medians(runs)
    rows = [
        (
            name,
            figures["device"],
            harness.format_number(figures["step_ms"], ",.2f"),
            harness.format_number(figures["images_per_second"], ",.0f"),
            harness.format_number(figures["waiting_share"], ".1%"),
            harness.format_number(figures["gpu_utilization"], ".0%"),
            harness.format_number(figures["gpu_memory_mib"], ",.0f"),
        )
        for name, figures in medians.items()
    ]
    headers = ("precision", "device", "ms/step", "images/s", "waiting", "GPU busy", "GPU MiB")
    harness.print_table(f"cnn, batches of {arguments.batch}", headers, rows)
    return {"medians": medians, "runs": runs}


def measure_side(**task: Any) -> Figures:
    """Trains once in the precision of the task."""
    os.environ["KERAS_BACKEND"] = "jax"
    if task["visible"] is None:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = task["visible"]
    import numpy as np

    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        arrays = {}
        for split, count in (("train", task["rows"]), ("test", 64)):
            shape = (count, task["side"], task["side"], 3)
            arrays[f"x_{split}"] = random.integers(0, 256, shape, np.uint8)
            arrays[f"y_{split}"] = np.arange(count) % 10
        np.savez(Path(folder) / "images.npz", allow_pickle=False, **arrays)
        with time_epochs() as clock:
            report = harness.train(
                # The clock needs a validation, which is short.
                data={"source": str(Path(folder) / "images.npz"), "val": 0.05},
                model={"recipe": "cnn"},
                train={
                    "batch_size": task["batch"],
                    "epochs": task["epochs"],
                    "patience": 0,
                    "precision": task["precision"],
                    "tensorboard": False,
                },
                sets=task["sets"],
                out=Path(folder) / "run",
            )
            rows = harness.train_rows(report)
    import jax

    device = jax.devices()[0]
    missing = dict.fromkeys(("gpu_utilization", "gpu_memory_mib"))
    return {
        "device": device.device_kind,
        "platform": device.platform,
        "rows": rows,
        "images_per_second": rows / statistics.median(clock.training[1:]),
        "first_seconds": clock.training[0],
        **missing,
        **report.speed,
    }


def _line(figures: Figures) -> str:
    return f"{figures['step_ms']:.2f} ms a step, {figures['images_per_second']:,.0f} images/s"


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
