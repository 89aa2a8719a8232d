"""What one engine costs and answers on one thread, in a process that does nothing else.

As a program, ``python -m modelwright.servable.cost FOLDER ENGINE EXAMPLES OUT SECONDS`` loads the
engine, times answers to the servable's recorded rows for about SECONDS, answers every row of
EXAMPLES, and writes OUT, an ``.npz``. It tells on standard output how many rows it has answered.
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

from modelwright.core import child_process
from modelwright.core.errors import ServableError
from modelwright.core.types import FloatArray, Progress, RawInput
from modelwright.servable import examples
from modelwright.servable.engines import open_engine
from modelwright.servable.manifest import EXAMPLES, read

MANY = 32
"""Rows a call, where many are answered at once."""
_STEP = 256
# The other engines are told by their own options.
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
_LEAST = 10


@dataclass(frozen=True)
class Cost:
    """Of one engine; times are of a call, from a raw input to its probabilities."""

    cold_seconds: float
    """From the start of a process to its first answer."""
    load_seconds: float
    """Of it, for loading the engine and answering once."""
    latency_ms: dict[str, float]
    """Quantiles ``p50``, ``p95``, ``p99`` of one row at a time."""
    network_ms: float
    """Median of one row without what stands before the network."""
    rows_per_second: float
    """With ``MANY`` rows a call."""
    peak_mib: float
    """Largest resident memory of the process."""


def measure(
    folder: Path,
    engine: str,
    path: Path,
    *,
    seconds: float = 2.0,
    progress: Progress | None = None,
) -> tuple[FloatArray, Cost]:
    """Probabilities of all recorded rows, and what they cost, in a fresh process.

    Args:
        folder: a version's folder.
        engine: one that it holds.
        path: the rows, as ``examples.write`` wrote them.
        seconds: about how long each way of answering is timed.
        progress: told of each step.

    Raises:
        ServableError: the engine does not load or run.
    """
    told: list[float] = []

    def tell(line: str) -> None:
        done, _, total = line.partition("/")
        if not total:
            told.append(time.perf_counter())
        elif progress:
            progress(f"answering with {engine}", int(done), int(total))

    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "measured.npz"
        arguments = [str(folder), engine, str(path), str(out), str(seconds)]
        started = time.perf_counter()
        if reason := child_process.run(
            __name__, arguments, out, told=tell, environment=_ONE_THREAD
        ):
            raise ServableError(
                f"engine '{engine}' of {folder} failed in a fresh process: {reason}"
            )
        with np.load(out, allow_pickle=False) as stored:
            cost = json.loads(str(stored["cost"]))
            return stored["probabilities"], Cost(cold_seconds=told[0] - started, **cost)


def work(arguments: list[str]) -> None:
    """Measure."""
    folder, engine, path, out, seconds = arguments
    about = read(Path(folder))
    recorded = examples.read(Path(folder) / EXAMPLES, about.task).inputs
    started = time.perf_counter()
    opened = open_engine(engine, Path(folder), about)
    opened.probabilities(recorded[:1])
    loaded = time.perf_counter() - started
    child_process.tell("first answer")
    # Before the rows are read, which take memory of their own.
    cost = _cost(opened, recorded, float(seconds), loaded)
    rows = examples.read(Path(path), about.task).inputs
    answers = _all(opened.probabilities, rows, len(about.labels))
    np.savez(out, allow_pickle=False, probabilities=answers, cost=json.dumps(cost))


def _all(
    answer: Callable[[Sequence[RawInput]], FloatArray], rows: Sequence[RawInput], classes: int
) -> FloatArray:
    parts = [np.empty((0, classes), np.float32)]
    for start in range(0, len(rows), _STEP):
        parts.append(answer(rows[start : start + _STEP]))
        child_process.tell(f"{min(start + _STEP, len(rows))}/{len(rows)}")
    return np.concatenate(parts)


def _cost(engine: Any, rows: Sequence[RawInput], seconds: float, loaded: float) -> dict[str, Any]:
    single = _times(lambda at: engine.probabilities([rows[at % len(rows)]]), seconds)
    try:
        ready = [engine.prepare([row]) for row in rows[:MANY]]
        network = _times(lambda at: engine.run(ready[at % len(ready)]), seconds / 2)
    except ServableError:  # one of before there was a tokeniser outside of the graph
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
    """Seconds of each call, for about so long, without the first ones."""
    for at in range(3):
        call(at)
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while len(taken) < _LEAST or time.perf_counter() < end:
        started = time.perf_counter()
        call(len(taken))
        taken.append(time.perf_counter() - started)
    return taken


def _peak() -> float:
    """The largest resident memory of this process, MiB; not a number where it cannot be told.

    Linux' own figure first: the other counts what the parent had where this process began.
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
    sys.exit(child_process.main(work, sys.argv[1:]))
