"""What the benchmarks share: options, sides that take turns, Keras' clock, memory, results.

A script says what its sides are and how one of them is measured once. Here the sides are run in
turn, A B A B, each time in a process of its own, so that a machine that grows slower or busier
does so for all of them. Importing it loads the standard library alone: a side may run under
another Python, which has no Modelwright.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("modelwright", "tensorflow", "keras", "jax", "numpy", "pandas", "pillow", "pyarrow")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}

Figures = dict[str, Any]
"""What one run of a side gave; a figure is None where there is none to give."""
Runs = dict[str, list[Figures]]


@dataclass(frozen=True)
class Option:
    """A size of a benchmark: its value, the one with ``--quick``, what it means."""

    full: Any
    quick: Any
    help: str
    many: bool = False
    local: bool = False
    """Means something on this machine only, so that results do not keep it."""


RECIPE_OPTIONS = {
    "pictures_batch": Option(512, 512, "rows a step of the recipe cnn"),
    "reviews_batch": Option(256, 256, "rows a step of the recipe bilstm"),
    "pictures_set": Option(
        [], [], "other settings of the recipe cnn, as TABLE.KEY=VALUE", many=True
    ),
    "reviews_set": Option([], [], "other settings of the recipe bilstm", many=True),
}
RECIPES = {"pictures": ("cnn", "cifar10"), "reviews": ("bilstm", "imdb")}
"""The recipe and the named set of each kind of rows."""


def run(
    script: str,
    doc: str,
    options: Mapping[str, Option],
    *,
    compare: Callable[[argparse.Namespace], Figures],
    measure: Callable[..., Figures],
) -> None:
    """Be the script: compare the sides and keep the results, or be the child that is measured.

    Args:
        script: its ``__file__``.
        doc: its docstring, whose first line is shown by ``--help``.
        options: by their names; ``rounds``, ``quick`` and ``out`` come by themselves.
        compare: from the options to the results, printed as it goes.
        measure: of the child: from a task's keys, as ``turns`` gives them, to its figures.
    """
    given = parse(doc, options, sys.argv[1:])
    if given.child:
        print(json.dumps(measure(**json.loads(given.child))))
        return
    load = os.getloadavg()[0]
    report = {"date": time.strftime("%Y-%m-%d %H:%M %z"), "machine": machine(), "load_before": load}
    left_out = {"child", "out", *(name for name, option in options.items() if option.local)}
    sizes = {key: value for key, value in vars(given).items() if key not in left_out}
    results = compare(given)
    from modelwright.core.files import write_json

    name = f"{Path(script).stem}{results.pop('suffix', '')}.json"
    path = given.out or RESULTS / ("quick" if given.quick else "") / name
    write_json(path, {**report, "load_after": os.getloadavg()[0], "options": sizes, **results})
    print(f"\nload average {load:.1f} before, {os.getloadavg()[0]:.1f} after; written to {path}")


def parse(
    doc: str, options: Mapping[str, Option], arguments: Sequence[str] | None
) -> argparse.Namespace:
    """The options as given, else their values, or those of ``--quick``."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="a small try, whose figures mean little"
    )
    parser.add_argument("--out", type=Path, help="the results' file, instead of benchmarks/results")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    known = {"rounds": Option(3, 1, "how often each side is measured"), **options}
    for name, option in known.items():
        flag = f"--{name.replace('_', '-')}"
        if option.full is False:
            parser.add_argument(flag, action="store_true", help=option.help)
            continue
        shown = " ".join(map(str, option.full)) if option.many else option.full
        brief = " ".join(map(str, option.quick)) if option.many else option.quick
        about = f"{option.help} (default {shown or 'none'}"
        about += f", quick {brief})" if brief != shown else ")"
        sample = (option.full or [""])[0] if option.many else option.full
        kind = str if sample is None else type(sample)
        parser.add_argument(flag, type=kind, nargs="+" if option.many else None, help=about)
    given = parser.parse_args(arguments)
    for name, option in known.items():
        if getattr(given, name) is None:
            setattr(given, name, option.quick if given.quick else option.full)
    return given


def turns(
    script: str,
    tasks: Mapping[str, Mapping[str, Any]],
    rounds: int,
    *,
    pythons: Mapping[str, str] | None = None,
    show: Callable[[Figures], str] = str,
) -> Runs:
    """Measure each side ``rounds`` times, in turn.

    Args:
        script: the file that ``run`` made a benchmark.
        tasks: from a side's name to what its child's ``measure`` is called with.
        rounds: how often.
        pythons: interpreters of sides that need another.
        show: one line about one side's figures.
    """
    runs: Runs = {name: [] for name in tasks}
    for turn in range(rounds):
        for name, task in tasks.items():
            python = (pythons or {}).get(name, sys.executable)
            figures = spawn([python, script, "--child", json.dumps(task)], name)
            figures["load"] = os.getloadavg()[0]
            runs[name].append(figures)
            print(f"  {turn + 1}/{rounds}  {name}: {show(figures)}", flush=True)
    return runs


def spawn(command: Sequence[str], name: str) -> Figures:
    """Run a child and read the figures from its last line."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **QUIET}
    )
    if done.returncode:
        raise SystemExit(f"{name} failed ({done.returncode}):\n{done.stderr[-3000:]}")
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def medians(runs: Runs) -> dict[str, Figures]:
    """The median of each number of each side; None counts as never, the largest of all."""
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
    """One over the other, None where either is missing or there is nothing to divide by."""
    return one / other if one is not None and other else None


def show(value: float | None, form: str = ",.1f", missing: str = "-") -> str:
    """A number for a table."""
    return missing if value is None else format(value, form)


def print_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under headers."""
    from modelwright.core.terminal import table

    print(f"\n{title}\n{table(headers, rows)}", flush=True)


def machine() -> Figures:
    """Processor, memory and versions."""
    from modelwright.core.hardware import detect

    found = detect()
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": found.processor,
        "cores": found.cores,
        "memory_mib": found.memory_mib,
        "instruction_sets": found.instruction_sets,
        "system": platform.platform(),
        "versions": versions,
    }


@dataclass
class Clock:
    """Times of every epoch of a ``fit``, the same on whatever calls it.

    ``training`` are the seconds of each epoch's steps; ``ends`` those from the first step to the
    end of each epoch, with validation and whatever else is done then. ``begins`` are readings of
    the clock where each epoch began, and ``logs`` are Keras'.
    """

    training: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    begins: list[float] = field(default_factory=list)
    logs: list[dict[str, float]] = field(default_factory=list)

    def begin(self) -> None:
        """An epoch begins."""
        self.begins.append(time.perf_counter())

    def validate(self) -> None:
        """Its steps are over."""
        self.training.append(time.perf_counter() - self.begins[-1])

    def end(self, logs: Mapping[str, Any]) -> None:
        """It is over."""
        self.ends.append(time.perf_counter() - self.begins[0])
        self.logs.append({key: float(value) for key, value in logs.items()})

    def rate(self, rows: int) -> float:
        """Rows a second in training, without the first epoch, in which graphs are traced."""
        return rows * len(self.training[1:]) / sum(self.training[1:])

    def reached(self, key: str, target: float) -> int | None:
        """The first epoch whose log is at least the target, counted from 1."""
        return next((at + 1 for at, log in enumerate(self.logs) if log[key] >= target), None)


@contextmanager
def timed(exchange: Callable[[Any], Any] | None = None) -> Iterator[Clock]:
    """A clock in every ``keras.Model.fit`` of the block, whose data ``exchange`` may replace.

    Keras is loaded as Modelwright does, unless the side has loaded it in its own way.
    """
    from modelwright.core.backend import load_keras

    load_keras()
    import keras

    clock = Clock()
    original = keras.Model.fit
    # No hooks for single steps: Keras would wait for each step's figures.
    ticking = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs=None: clock.begin(),
        on_test_begin=lambda logs=None: clock.validate(),
        on_epoch_end=lambda epoch, logs=None: clock.end(logs or {}),
    )

    def fit(self: Any, x: Any, *rest: Any, callbacks: Sequence[Any] = (), **named: Any) -> Any:
        x = exchange(x) if exchange else x
        return original(self, x, *rest, callbacks=[*callbacks, ticking], **named)

    keras.Model.fit = fit
    try:
        yield clock
    finally:
        keras.Model.fit = original


def source(data: str, rows: int) -> dict[str, Any]:
    """``[data]`` of a named set, at most ``rows`` of each split where it is above 0."""
    return {"source": data, "limit": rows} if rows else {"source": data}


def train_rows(report: Any) -> int:
    """How many rows a run was trained on."""
    from modelwright.runs import run as runs

    return int(runs.load(report.run).data["rows"]["train"])


def all_rows(report: Any) -> int:
    """How many rows a run's data has, in all splits."""
    from modelwright.runs import run as runs

    return sum(runs.load(report.run).data["rows"].values())


def reset_peak() -> float:
    """Memory in use now, in MiB, from which Linux is asked to count the peak anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return peak()
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)


def peak() -> float:
    """The largest resident memory since then, in MiB; of the whole process where not on Linux."""
    found = _status("VmHWM")
    if found is None:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return found


def swapped() -> float | None:
    """How much of this process is in the swap now, in MiB; None where it cannot be told."""
    return _status("VmSwap")


def _status(name: str) -> float | None:
    """A size that Linux tells of this process, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return found[0] / 2**10 if found else None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
