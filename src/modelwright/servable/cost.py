"""The cost of one engine: its times and its memory on one thread, in a fresh process.

As a program, ``python -m modelwright.servable.cost FOLDER ENGINE EXAMPLES OUT SECONDS`` loads the
engine, times its answers to the servable's recorded rows for about SECONDS, answers every row of
EXAMPLES, and writes OUT, an ``.npz``. It prints how many rows it has answered.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.child_process import main_of_child, report_line, run_child
from modelwright.core.errors import ServableError
from modelwright.core.types import Engine, FloatArray, Progress, RawInput
from modelwright.servable.engines.registry import open_engine
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import EXAMPLES, read_manifest

MANY = 32
"""Rows of one call, where many are answered at once."""
_STEP = 256
# Only TensorFlow reads these; the other engines set their threads when they load.
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
_LEAST_CALLS = 10


@dataclass(frozen=True)
class Cost:
    """The cost of one engine. A call takes raw inputs and gives their probabilities."""

    cold_seconds: float
    """Time from the start of the process to its first answer."""
    load_seconds: float
    """The part of it that loads the engine and answers once."""
    latency_ms: dict[str, float]
    """Quantiles ``p50``, ``p95``, ``p99`` of calls with one row."""
    network_ms: float
    """Median of one row through the network alone, without preparing the input."""
    rows_per_second: float
    """Throughput of calls with ``MANY`` rows."""
    peak_mib: float
    """The peak of the resident memory of the process."""


def measure_cost(
    folder: Path,
    engine: str,
    path: Path,
    *,
    seconds: float = 2.0,
    progress: Progress | None = None,
) -> tuple[FloatArray, Cost]:
    """Returns an engine's probabilities of all rows in a file, and its cost, in a fresh process.

    Args:
        folder: a version's folder.
        engine: one of its engines.
        path: the rows, as ``write_examples`` wrote them.
        seconds: about how long each way of answering is timed.
        progress: is called at each step.

    Raises:
        ServableError: the engine does not load or run.
    """
    first_answers: list[float] = []

    def on_line(line: str) -> None:
        done, _, total = line.partition("/")
        if not total:
            first_answers.append(time.perf_counter())
        elif progress:
            progress(f"answering with {engine}", int(done), int(total))

    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "measured.npz"
        arguments = [str(folder), engine, str(path), str(out), str(seconds)]
        started = time.perf_counter()
        reason = run_child(__name__, arguments, out, on_line=on_line, environment=_ONE_THREAD)
        if reason:
            raise ServableError(
                f"engine '{engine}' of {folder} failed in a fresh process: {reason}"
            )
        with np.load(out, allow_pickle=False) as stored:
            cost = json.loads(str(stored["cost"]))
            return stored["probabilities"], Cost(cold_seconds=first_answers[0] - started, **cost)


def _measure(arguments: list[str]) -> None:
    """Measures in the fresh process."""
    folder, engine, path, out, seconds = arguments
    manifest = read_manifest(Path(folder))
    recorded = read_examples(Path(folder) / EXAMPLES, manifest.task).inputs
    started = time.perf_counter()
    opened = open_engine(engine, Path(folder), manifest)
    opened.probabilities(recorded[:1])
    loaded = time.perf_counter() - started
    report_line("first answer")
    # The rows are read later, because they take memory, too.
    cost = _cost(opened, recorded, float(seconds), loaded)
    rows = read_examples(Path(path), manifest.task).inputs
    probabilities = _answer_all(opened, rows, len(manifest.labels))
    np.savez(out, allow_pickle=False, probabilities=probabilities, cost=json.dumps(cost))


def _answer_all(engine: Engine, rows: Sequence[RawInput], classes: int) -> FloatArray:
    parts = [np.empty((0, classes), np.float32)]
    for start in range(0, len(rows), _STEP):
        parts.append(engine.probabilities(rows[start : start + _STEP]))
        report_line(f"{min(start + _STEP, len(rows))}/{len(rows)}")
    return np.concatenate(parts)


def _cost(
    engine: Engine, rows: Sequence[RawInput], seconds: float, loaded: float
) -> dict[str, Any]:
    single = _times(lambda at: engine.probabilities([rows[at % len(rows)]]), seconds)
    try:
        prepared = [engine.prepare([row]) for row in rows[:MANY]]
        network = _times(lambda at: engine.run(prepared[at % len(prepared)]), seconds / 2)
    except ServableError:  # an old servable, which has no tokenizer outside the graph
        network = [math.nan]
    groups = [rows[at : at + MANY] for at in range(0, max(len(rows) - MANY, 0) + 1, MANY)]
    many = _times(lambda at: engine.probabilities(groups[at % len(groups)]), seconds)
    return {
        "load_seconds": loaded,
        "latency_ms": {
            f"p{quantile}": float(np.percentile(single, quantile)) * 1000
            for quantile in (50, 95, 99)
        },
        "network_ms": float(np.median(network)) * 1000,
        "rows_per_second": len(groups[0]) / float(np.median(many)),
        "peak_mib": _peak(),
    }


def _times(call: Callable[[int], object], seconds: float) -> list[float]:
    """Returns the time of each call, in seconds; calls for about ``seconds`` after a warm-up."""
    for at in range(3):
        call(at)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < _LEAST_CALLS or time.perf_counter() < end:
        started = time.perf_counter()
        call(len(taken))
        taken.append(time.perf_counter() - started)
    return taken


def _peak() -> float:
    """Returns the peak of this process's resident memory in MiB, NaN where it is unknown.

    Reads Linux' own figure first; the other one starts from the memory of the parent process.
    """
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # not on Windows
        return float("nan")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    sys.exit(main_of_child(_measure, sys.argv[1:]))
