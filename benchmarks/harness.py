"""The harness of the benchmarks: options, sides that take turns, medians, and results.

A script names its sides and says how one side is measured once. The harness runs the sides in
turn, A B A B, each time in a new process, so that a machine that becomes slower slows all of them.
Importing it loads only the standard library: a side can run under another Python without
Modelwright.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("modelwright", "tensorflow", "keras", "jax", "numpy", "pandas", "pillow", "pyarrow")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

Figures = dict[str, Any]
"""The results of one run of a side; a value is None if there is none."""
Runs = dict[str, list[Figures]]


@dataclass(frozen=True)
class Option:
    """An option of a benchmark: its default, its default with ``--quick``, and its help."""

    full: Any
    quick: Any
    help: str
    many: bool = False
    local: bool = False
    """Has a meaning on this machine only, so the results leave it out."""


RECIPE_OPTIONS = {
    "pictures_batch": Option(512, 512, "batch size of the recipe cnn"),
    "reviews_batch": Option(256, 256, "batch size of the recipe bilstm"),
    "pictures_set": Option(
        [], [], "changed settings of the recipe cnn, as TABLE.KEY=VALUE", many=True
    ),
    "reviews_set": Option([], [], "changed settings of the recipe bilstm", many=True),
}
RECIPES = {"pictures": ("cnn", "cifar10"), "reviews": ("bilstm", "imdb")}
"""The recipe and the named data set of each kind of rows."""


def run_benchmark(
    script: str,
    doc: str,
    options: Mapping[str, Option],
    *,
    compare: Callable[[argparse.Namespace], Figures],
    measure: Callable[..., Figures],
) -> None:
    """Runs a benchmark script: compares the sides, or measures one side in a child process.

    Args:
        script: the script's ``__file__``.
        doc: the script's docstring; ``--help`` shows its first line.
        options: the options by name, without ``rounds``, ``quick`` and ``out``.
        compare: takes the options, prints as it goes and returns the results.
        measure: takes the keys of a task and returns the results of one run, in a child process.
    """
    values = parse_options(doc, options, sys.argv[1:])
    if values.child:
        print(json.dumps(measure(**json.loads(values.child))))
        return
    load = os.getloadavg()[0]
    report = {
        "date": time.strftime("%Y-%m-%d %H:%M %z"),
        "machine": describe_machine(),
        "load_before": load,
    }
    left_out = {"child", "out", *(name for name, option in options.items() if option.local)}
    sizes = {key: value for key, value in vars(values).items() if key not in left_out}
    results = compare(values)
    from modelwright.core.files import write_json

    name = f"{Path(script).stem}{results.pop('suffix', '')}.json"
    path = values.out or RESULTS / ("quick" if values.quick else "") / name
    write_json(path, {**report, "load_after": os.getloadavg()[0], "options": sizes, **results})
    print(f"\nload average {load:.1f} before, {os.getloadavg()[0]:.1f} after; written to {path}")


def parse_options(
    doc: str, options: Mapping[str, Option], arguments: Sequence[str] | None
) -> argparse.Namespace:
    """Returns the options from the command line, with their defaults or those of ``--quick``."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a small run, whose results mean little"
    )
    parser.add_argument(
        "--out", type=Path, help="file of the results, instead of benchmarks/results"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    known = {"rounds": Option(3, 1, "runs of each side"), **options}
    for name, option in known.items():
        flag = f"--{name.replace('_', '-')}"
        if option.full is False:
            parser.add_argument(flag, action="store_true", help=option.help)
            continue
        shown = " ".join(map(str, option.full)) if option.many else option.full
        brief = " ".join(map(str, option.quick)) if option.many else option.quick
        text = f"{option.help} (default {shown or 'none'}"
        text += f", quick {brief})" if brief != shown else ")"
        sample = (option.full or [""])[0] if option.many else option.full
        kind = str if sample is None else type(sample)
        parser.add_argument(flag, type=kind, nargs="+" if option.many else None, help=text)
    values = parser.parse_args(arguments)
    for name, option in known.items():
        if getattr(values, name) is None:
            setattr(values, name, option.quick if values.quick else option.full)
    return values


def run_in_turn(
    script: str,
    tasks: Mapping[str, Mapping[str, Any]],
    rounds: int,
    *,
    pythons: Mapping[str, str] | None = None,
    show: Callable[[Figures], str] = str,
) -> Runs:
    """Measures each side ``rounds`` times, in turn.

    Args:
        script: the file of the benchmark.
        tasks: the arguments of ``measure`` for each side.
        rounds: the number of runs of each side.
        pythons: the interpreters of sides that need another Python.
        show: returns a line about the results of one run.
    """
    runs: Runs = {name: [] for name in tasks}
    for turn in range(rounds):
        for name, task in tasks.items():
            python = (pythons or {}).get(name, sys.executable)
            figures = run_child([python, script, "--child", json.dumps(task)], name)
            figures["load"] = os.getloadavg()[0]
            runs[name].append(figures)
            print(f"  {turn + 1}/{rounds}  {name}: {show(figures)}", flush=True)
    return runs


def run_child(command: Sequence[str], name: str) -> Figures:
    """Runs a child process and returns the results in its last line of output."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **QUIET}
    )
    if done.returncode:
        raise SystemExit(f"{name} failed ({done.returncode}):\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def medians(runs: Runs) -> dict[str, Figures]:
    """Returns the median of each number of each side; None counts as the largest number."""
    found: dict[str, Figures] = {}
    for name, done in runs.items():
        found[name] = {}
        for key, sample in done[0].items():
            values = [run[key] for run in done]
            if all(value is None or _number(value) for value in values):
                middle = statistics.median(math.inf if v is None else v for v in values)
                found[name][key] = middle if math.isfinite(middle) else None
            elif not isinstance(sample, list | dict):
                found[name][key] = sample
    return found


def ratio(one: float | None, other: float | None) -> float | None:
    """Returns the first over the second, or None if one is missing or the second is 0."""
    return one / other if one is not None and other else None


def format_number(value: float | None, spec: str = ",.1f", missing: str = "-") -> str:
    """Returns a number as text for a table."""
    return missing if value is None else format(value, spec)


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints a table with a title."""
    from modelwright.core.terminal import table

    print(f"\n{title}\n{table(headers, rows)}", flush=True)


def describe_machine() -> Figures:
    """Returns the processor, memory and package versions."""
    from modelwright.core.hardware import detect

    hardware = detect()
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": hardware.processor,
        "cores": hardware.cores,
        "memory_mib": hardware.memory_mib,
        "instruction_sets": hardware.instruction_sets,
        "system": platform.platform(),
        "versions": versions,
    }


def data_settings(data: str, rows: int) -> dict[str, Any]:
    """Returns ``[data]`` for a named set, with at most ``rows`` of each split; 0 for all."""
    return {"source": data, "limit": rows} if rows else {"source": data}


def train(*, out: Path, sets: Sequence[str] = (), progress: Any = None, **tables: Any) -> Any:
    """Does what ``modelwright.train`` does, without the time for its baselines."""
    from modelwright.api.train import resolve_settings
    from modelwright.training.train import train as train_config

    config = resolve_settings(None, {**tables, "sets": sets})
    return train_config(config, out=out, baselines=False, progress=progress)


def evaluate(run: Path) -> Any:
    """Does what ``modelwright.evaluate`` does, without the time for its baselines."""
    from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows

    return evaluate_rows(run, EvaluatedRows(), parts=EvaluationParts(baselines=False))


def train_rows(report: Any) -> int:
    """Returns the number of training rows of a run."""
    from modelwright.runs.run import load_run

    return int(load_run(report.run).data["rows"]["train"])


def all_rows(report: Any) -> int:
    """Returns the number of rows of a run, in all splits."""
    from modelwright.runs.run import load_run

    return sum(load_run(report.run).data["rows"].values())


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
