"""One training by two processes against one: losses, weights, time, a killed process, resuming.

Both sides run the command ``modelwright train`` under JAX on the processor with the same settings,
rows and seed; the two processes share the cores of this machine, so their time shows what the
exchange costs and not what a second machine gains. The differences are the largest over all epochs
and all weights. Rounding differences grow with the steps, in some networks quickly. So a second
training by one process, compiled without XLA's optimizations, which changes nothing but rounding,
shows how far two trainings by one process come apart. Then a training by two processes loses one
of them by SIGKILL: the seconds until the command has ended, its exit code, and, after ``--resume``,
the largest difference of the weights from those of the undisturbed training by two.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

SOURCES = {"bilstm": "imdb", "textcnn": "imdb", "cnn": "cifar10"}
OPTIONS = {
    "recipes": Option(["textcnn", "bilstm", "cnn"], ["textcnn"], "recipes to train", many=True),
    "rows": Option(256, 128, "training rows"),
    "epochs": Option(10, 3, "epochs of a training"),
    "length": Option(80, 20, "tokens of a text"),
    "texts": Option("", "", "file of the texts, instead of the named set", local=True),
    "images": Option("", "", "file of the images, instead of the named set", local=True),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the trainings of each recipe."""
    results: Figures = {}
    rows = []
    for recipe in arguments.recipes:
        print(recipe, flush=True)
        file = arguments.images if recipe == "cnn" else arguments.texts
        keys = {"epochs": arguments.epochs, "rows": arguments.rows, "length": arguments.length}
        task = {"recipe": recipe, "source": file or SOURCES[recipe], **keys}
        runs = harness.run_in_turn(__file__, {recipe: task}, arguments.rounds, show=_line)
        found = harness.medians(runs)[recipe]
        results[recipe] = {"medians": found, "runs": runs[recipe]}
        rows.append((
            recipe,
            f"{found['loss_difference']:.1e}",
            f"{found['weight_difference']:.1e}",
            f"{found['rounded_loss_difference']:.1e}",
            f"{found['rounded_weight_difference']:.1e}",
            harness.format_number(found["one_seconds"]),
            harness.format_number(found["two_seconds"]),
            harness.format_number(found["killed_seconds"]),
            found["killed_code"],
            f"{found['resumed_difference']:.0e}",
        ))  # fmt: skip
    headers = (
        "recipe", "losses differ", "weights differ", "losses, rounded", "weights, rounded",
        "1 process s", "2 processes s", "end after kill s", "exit code", "resumed differs",
    )  # fmt: skip
    harness.print_table("one training by 2 processes against 1", headers, rows)
    return results


def measure_side(**task: Any) -> Figures:
    """Trains by one process and by two, kills one of two, and resumes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = _train(folder / "one", task, 1)
        two = _train(folder / "two", task, 2)
        _train(folder / "rounded", task, 1, flags="--xla_backend_optimization_level=0")
        killed = _start(folder / "killed", task, 2)
        _wait_for_epoch(folder / "killed", killed)
        # The second child is the process with rank 1.
        children = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text("utf-8").split()
        os.kill(int(children[1]), signal.SIGKILL)
        begun = time.perf_counter()
        _, errors = killed.communicate()
        seconds = time.perf_counter() - begun
        subprocess.run(
            [*_COMMAND, "--resume", str(folder / "killed"), "--processes", "2", *_QUIET],
            env=_environment(),
            check=True,
            capture_output=True,
        )
        losses, others = _losses(folder / "one"), _losses(folder / "two")
        return {
            "losses": losses,
            "losses_of_two": others,
            "loss_difference": _largest(losses, others),
            "weight_difference": _difference(folder / "one", folder / "two"),
            "rounded_loss_difference": _largest(losses, _losses(folder / "rounded")),
            "rounded_weight_difference": _difference(folder / "one", folder / "rounded"),
            "one_seconds": one,
            "two_seconds": two,
            "killed_seconds": seconds,
            "killed_code": killed.returncode,
            "killed_message": errors.strip().splitlines()[-1],
            "resumed_difference": _difference(folder / "killed", folder / "two"),
        }


_COMMAND = (sys.executable, "-m", "modelwright", "train")
_QUIET = ("--no-baselines", "--quiet")


def _environment(flags: str = "") -> dict[str, str]:
    return {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}


def _start(out: Path, task: Figures, processes: int, *, flags: str = "") -> subprocess.Popen[str]:
    settings = {
        "data.limit": task["rows"],
        "train.patience": 0,
        "train.tensorboard": "false",
        **({} if task["recipe"] == "cnn" else {"model.length": task["length"]}),
    }
    sets = [f"--set={key}={value}" for key, value in settings.items()]
    options = ["--recipe", task["recipe"], "--epochs", str(task["epochs"]), "--out", str(out)]
    return subprocess.Popen(
        [*_COMMAND, task["source"], *options, "--processes", str(processes), *sets, *_QUIET],
        env=_environment(flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _train(out: Path, task: Figures, processes: int, *, flags: str = "") -> float:
    """Trains, and returns the seconds of the epochs as the run records them."""
    process = _start(out, task, processes, flags=flags)
    _, errors = process.communicate()
    if process.returncode:
        raise SystemExit(errors[-3000:])
    from modelwright.runs.run import load_run

    return float(load_run(out).metrics["seconds"])


def _wait_for_epoch(run: Path, process: subprocess.Popen[str]) -> None:
    """Waits for the end of the second epoch."""
    while process.poll() is None:
        file = run / "history.csv"
        if file.exists() and len(file.read_text("utf-8").splitlines()) > 2:
            return
        time.sleep(0.05)
    raise SystemExit(f"the training ended before it was killed: {process.communicate()[1][-3000:]}")


def _losses(run: Path) -> list[float]:
    with (run / "history.csv").open(encoding="utf-8") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def _largest(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _difference(one: Path, other: Path) -> float:
    import h5py
    import numpy as np

    found = [0.0]
    with (
        h5py.File(one / "weights.weights.h5") as first,
        h5py.File(other / "weights.weights.h5") as second,
    ):

        def compare(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and item.size and not name.startswith("optimizer/"):
                found.append(float(np.abs(item[()] - second[name][()]).max()))

        first.visititems(compare)
    return max(found)


def _line(figures: Figures) -> str:
    return (
        f"losses differ by {figures['loss_difference']:.1e}, weights by"
        f" {figures['weight_difference']:.1e}; {figures['one_seconds']:.0f} s and"
        f" {figures['two_seconds']:.0f} s; ended {figures['killed_seconds']:.1f} s after a kill"
    )


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
