"""Speed and memory of loading labeled data, in Modelwright, Keras and pandas.

Images: 60,000 PNG files of CIFAR-10 in folders, by ``load_data`` and by Keras'
``image_dataset_from_directory``, once with all batches collected into arrays and once with batches
only iterated. Texts: IMDB's train.csv and test.csv, by ``load_data`` and by ``pandas.read_csv``.

The work differs: ``load_data`` also hashes every row, holds out a validation split by content,
checks quotes and lengths, and rejects unreadable rows with a reason.

Each candidate runs in its own process and imports everything before the clock and the peak memory
start. One pass that does not count fills the page cache; then the candidates take turns. It
measures no training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option
from process_memory import peak_mib, reset_peak

BATCH = 256
CANDIDATES = {
    "pictures": ("modelwright", "keras into arrays", "keras iterated"),
    "texts": ("modelwright", "pandas"),
}
COMPARED = ("rows_per_second", "peak_mib", "grown_mib")
OPTIONS = {
    "pictures": Option(None, None, "folder with train/CLASS/*.png and test/"),
    "texts": Option(None, None, "folder with train.csv and test.csv"),
    "rounds": Option(5, 1, "runs of each candidate"),
}
Load = Callable[[], int]


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures every candidate, and compares Modelwright's medians with the others'."""
    folders = {kind: vars(arguments)[kind] for kind in CANDIDATES if vars(arguments)[kind]}
    if not folders:
        raise SystemExit("error: give --pictures, --texts or both")
    return {"batch": BATCH, **{kind: _compare(kind, folders[kind], arguments) for kind in folders}}


def _compare(kind: str, folder: str, arguments: argparse.Namespace) -> Figures:
    tasks = {name: {"kind": kind, "candidate": name, "folder": folder} for name in CANDIDATES[kind]}
    print(f"{kind}, a pass that does not count", flush=True)
    harness.run_in_turn(__file__, tasks, 1, show=_line)
    print(kind, flush=True)
    runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    medians = harness.medians(runs)
    own = medians["modelwright"]
    ratios = {
        name: {key: harness.ratio(own[key], other[key]) for key in COMPARED}
        for name, other in medians.items()
        if name != "modelwright"
    }
    rows = [
        (
            name,
            *(f"{figures[key]:,.0f}" for key in COMPARED),
            *(harness.format_number(ratios.get(name, {}).get(key), ".2f") for key in COMPARED[:2]),
        )
        for name, figures in medians.items()
    ]
    headers = (
        "candidate",
        "rows/s",
        "peak MiB",
        "grown MiB",
        "Modelwright over it: rows/s",
        "peak",
    )
    harness.print_table(f"Loading {kind}", headers, rows)
    return {"medians": medians, "modelwright_over": ratios, "runs": runs}


def _line(figures: Figures) -> str:
    return f"{figures['rows_per_second']:,.0f} rows/s, peak {figures['peak_mib']:,.0f} MiB"


def measure_side(kind: str, candidate: str, folder: str) -> Figures:
    """Loads once."""
    load = _candidate(kind, candidate, Path(folder))
    before = reset_peak()
    started = time.perf_counter()
    rows = load()
    seconds = time.perf_counter() - started
    peak = peak_mib()
    return {
        "rows": rows,
        "seconds": seconds,
        "rows_per_second": rows / seconds,
        "peak_mib": peak,
        "imported_mib": before,
        "grown_mib": peak - before,
    }


def _candidate(kind: str, name: str, folder: Path) -> Load:
    """Returns a function that loads once and returns the number of rows. Imports come first."""
    if name == "modelwright":
        import pyarrow

        from modelwright import load_data

        pyarrow.array([""])  # its first array makes pyarrow import pandas, if it is installed
        return lambda: sum(load_data(folder).counts().values())
    if name == "pandas":
        import pandas

        def read_tables() -> int:
            parts = [pandas.read_csv(folder / file) for file in ("train.csv", "test.csv")]
            return len(pandas.concat(parts, ignore_index=True))

        return read_tables
    return _keras(folder, collect=name == "keras into arrays")


def _keras(folder: Path, *, collect: bool) -> Load:
    import keras
    import numpy as np
    import tensorflow as tf

    tf.constant(0)  # the first operation starts the runtime

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


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
