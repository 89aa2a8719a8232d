"""How fast, and in how much memory, labelled data is loaded: Modelwright beside what else is used.

Pictures: 60,000 PNGs of CIFAR-10 in folders, by ``load_data`` and by Keras'
``image_dataset_from_directory``, whose batches are once collected into arrays and once only
iterated over. Texts: IMDB's train.csv and test.csv, by ``load_data`` and by ``pandas.read_csv``.

Not the same work: ``load_data`` also hashes every row, holds out a validation split by content,
checks quotes and lengths, and leaves unreadable rows out with a reason; the others do not.

Each candidate runs in a process of its own, whose imports are over before clock and peak
memory start. One pass that is not counted fills the page cache; then the candidates take turns.
It measures no training.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

BATCH = 256
CANDIDATES = {
    "pictures": ("modelwright", "keras into arrays", "keras iterated"),
    "texts": ("modelwright", "pandas"),
}
PACKAGES = ("modelwright", "tensorflow", "keras", "numpy", "pandas", "pillow", "pyarrow")
Load = Callable[[], int]


def main() -> None:
    """Measure and write the results, or be the child that loads once."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="folder with train/CLASS/*.png and test/")
    parser.add_argument("--texts", type=Path, help="folder with train.csv and test.csv")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/loading.json"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", nargs=2, metavar=("KIND", "CANDIDATE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    folders = {"pictures": given.pictures, "texts": given.texts}
    if given.child:
        kind, candidate = given.child
        print(json.dumps(_measure(_candidate(kind, candidate, folders[kind]))))
        return
    if not any(folders.values()):
        parser.error("give --pictures, --texts or both")
    machine = _machine()
    results = {
        kind: _compare(kind, folder, given.rounds) for kind, folder in folders.items() if folder
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    report = {"machine": machine, "rounds": given.rounds, "batch": BATCH, **results}
    given.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _compare(kind: str, folder: Path, rounds: int) -> dict[str, Any]:
    """The figures of every candidate, and Modelwright's medians over each other one's."""
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CANDIDATES[kind]}
    for turn in range(rounds + 1):
        for name in CANDIDATES[kind]:
            figures = _spawn(kind, name, folder)
            counted = "" if turn else "  (not counted)"
            print(
                f"{kind}  {name}: {figures['rows_per_second']:,.0f} rows/s,"
                f" peak {figures['peak_mib']:,.0f} MiB{counted}",
                flush=True,
            )
            if turn:
                runs[name].append(figures)
    medians = {
        name: {key: statistics.median(run[key] for run in done) for key in done[0]}
        for name, done in runs.items()
    }
    own = medians["modelwright"]
    ratios = {
        name: {key: own[key] / other[key] for key in ("rows_per_second", "peak_mib", "grown_mib")}
        for name, other in medians.items()
        if name != "modelwright"
    }
    for name, ratio in ratios.items():
        print(
            f"{kind}  modelwright over {name}: {ratio['rows_per_second']:.2f} times the rows/s,"
            f" {ratio['peak_mib']:.2f} times the peak"
        )
    return {"medians": medians, "modelwright_over": ratios, "runs": runs}


def _spawn(kind: str, name: str, folder: Path) -> dict[str, float]:
    command = [sys.executable, __file__, f"--{kind}", str(folder), "--child", kind, name]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet)
    if done.returncode:
        raise SystemExit(f"{kind}, {name} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _measure(load: Load) -> dict[str, float]:
    before = _reset_peak()
    started = time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - started
    peak = _peak()
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "peak_mib": peak,
        "imported_mib": before,
        "grown_mib": peak - before,
    }


def _candidate(kind: str, name: str, folder: Path) -> Load:
    """What loads once and gives the number of rows; everything it needs is imported here."""
    if name == "modelwright":
        import pyarrow

        from modelwright import load_data

        pyarrow.array([""])  # with its first array pyarrow imports pandas, where it is installed
        return lambda: sum(load_data(folder).counts().values())
    if name == "pandas":
        import pandas

        def read() -> int:
            parts = [pandas.read_csv(folder / file) for file in ("train.csv", "test.csv")]
            return len(pandas.concat(parts, ignore_index=True))

        return read
    return _keras(folder, collect=name == "keras into arrays")


def _keras(folder: Path, *, collect: bool) -> Load:
    import keras
    import numpy as np
    import tensorflow as tf

    tf.constant(0)  # the runtime starts with the first operation

    def batches(part: str) -> Any:
        return keras.utils.image_dataset_from_directory(
            folder / part, image_size=(32, 32), batch_size=BATCH, shuffle=False, verbose=False
        )

    def iterate() -> int:
        return sum(len(labels) for part in ("train", "test") for _, labels in batches(part))

    def into_arrays() -> int:
        pixels, labels = [], []
        for part in ("train", "test"):
            for x, y in batches(part):
                pixels.append(x.numpy().astype(np.uint8))
                labels.append(y.numpy())
        return min(len(np.concatenate(pixels)), len(np.concatenate(labels)))

    return into_arrays if collect else iterate


def _reset_peak() -> float:
    """Memory in use now, in MiB, from which Linux is asked to count the peak anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return _peak()
    return psutil.Process().memory_info().rss / 2**20


def _peak() -> float:
    """The largest resident memory so far, in MiB."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 2**10


def _machine() -> dict[str, Any]:
    from modelwright.core.hardware import detect

    found = detect()
    return {
        "processor": found.processor,
        "cores": found.cores,
        "memory_mib": found.memory_mib,
        "system": platform.platform(),
        "load_before": os.getloadavg()[0],
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in PACKAGES},
        },
    }


if __name__ == "__main__":
    main()
