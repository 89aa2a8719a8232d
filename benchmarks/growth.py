"""Time and memory with 1, 10 and 100 times as many reviews, stage by stage.

The reviews are IMDB's training reviews, repeated as often as needed. In every repetition each text
loses one word and has two neighboring words exchanged, so that no two texts are the same. The
stages are those of training a small network (embedding, mean, one dense layer): loading, learning
the vocabulary, encoding, one epoch, and measuring the training rows. Each size has its own
process. The expected result is a straight line: seconds and memory per review must not grow with
the number of reviews, and nothing may be swapped.

CPU seconds are shown next to wall-clock seconds, because other work on the machine stretches only
the latter. Stages are told apart by Modelwright's progress, which reports a stage after its first
batch.
"""

from __future__ import annotations

import argparse
import csv
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option
from process_memory import peak_mib, reset_peak, swapped_mib

STAGES = {
    "learning": "vocabulary",
    "encoding": "encoding",
    "building": "building",
    "epoch": "training",
    "evaluating": "measuring",
}
OPTIONS = {
    "base": Option(2_500, 250, "number of reviews of the smallest size"),
    "times": Option([1, 10, 100], [1, 4], "sizes, as multiples of the smallest", many=True),
    "batch": Option(256, 64, "batch size"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Measures all sizes in turn."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = {}
        for times in arguments.times:
            path = Path(folder) / f"{times}.csv"
            write_reviews(path, arguments.base * times)
            size = path.stat().st_size / 2**20
            tasks[f"{times}x"] = {"source": str(path), "batch": arguments.batch, "text_mib": size}
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    medians = harness.medians(runs)
    stages = [name for name in runs[next(iter(runs))][0] if name.endswith("_seconds")]
    for key, title in (
        (None, "Seconds"),
        ("mib", "Peak memory in MiB"),
        ("micro", "Microseconds a review"),
    ):
        rows = [_row(name, medians[name], stages, key) for name in tasks]
        headers = ("reviews", *(name.removesuffix("_seconds") for name in stages))
        harness.print_table(title, headers, rows)
    return {"medians": medians, **_growth(medians, stages), "runs": runs}


def write_reviews(path: Path, count: int) -> None:
    """Writes ``count`` different reviews; the first ones are unchanged."""
    import numpy as np

    from modelwright import load_data
    from modelwright.core.config import DataConfig

    data = load_data(DataConfig(source="imdb", val=0.0))
    train = data.splits["train"]
    texts = train.inputs.take(np.arange(len(train)))
    random = np.random.default_rng(0)
    order = random.permutation(len(texts))  # the set is sorted by its labels
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["text", "label"])
        for at in range(count):
            row = order[at % len(texts)]
            text = texts[row] if at < len(texts) else changed(texts[row], random)
            table.writerow([text, data.labels[train.labels[row]]])


def changed(text: str, random: Any) -> str:
    """Returns the text without one word and with two neighboring words exchanged."""
    words = text.split(" ")
    if len(words) < 4:
        return f"{text} {random.integers(10**9)}"
    del words[random.integers(len(words))]
    at = random.integers(len(words) - 1)
    words[at : at + 2] = words[at + 1], words[at]
    return " ".join(words)


def light(shape: Any, classes: int, vocabulary: int = 10_000, **options: Any) -> Any:
    """Returns a small network, so that the input pipeline dominates the time."""
    import keras

    tokens = keras.Input(shape, dtype="int32")
    x = keras.layers.Embedding(vocabulary, 16)(tokens)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, keras.layers.Dense(1, "sigmoid", dtype="float32")(x))


class Stages:
    """Seconds and peak memory of each stage, from Modelwright's progress."""

    def __init__(self) -> None:
        self.figures: Figures = {}
        self._name = "loading"
        self._enter()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Records a step of the progress."""
        name = STAGES.get(what.split(" ")[0], self._name)
        if name != self._name:
            self.close()
            self._name = name
            self._enter()

    def close(self) -> None:
        """Ends the current stage."""
        seconds = time.perf_counter() - self._started
        if self._name != "building":
            before = self.figures.get(f"{self._name}_seconds", 0.0)
            self.figures[f"{self._name}_seconds"] = before + seconds
            before = self.figures.get(f"{self._name}_cpu", 0.0)
            self.figures[f"{self._name}_cpu"] = before + time.process_time() - self._worked
            before = self.figures.get(f"{self._name}_mib", 0.0)
            self.figures[f"{self._name}_mib"] = max(before, peak_mib())

    def _enter(self) -> None:
        reset_peak()
        self._started = time.perf_counter()
        self._worked = time.process_time()


def measure_side(source: str, batch: int, text_mib: float) -> Figures:
    """Trains once and measures every stage."""
    from modelwright.core.backend import load_tensorflow

    load_tensorflow()
    imported = reset_peak()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    stages = Stages()
    started, worked = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        report = harness.train(
            data={"source": source},
            model={"recipe": "growth:light"},
            train={"epochs": 1, "batch_size": batch, "tensorboard": False},
            out=Path(folder) / "run",
            progress=stages,
        )
        stages.close()
        rows = harness.all_rows(report)
    return {
        "reviews": rows,
        "text_mib": text_mib,
        **stages.figures,
        "all_seconds": time.perf_counter() - started,
        "all_cpu": time.process_time() - worked,
        "all_mib": max(value for key, value in stages.figures.items() if key.endswith("_mib")),
        "imported_mib": imported,
        "major_faults": resource.getrusage(resource.RUSAGE_SELF).ru_majflt - faults,
        "swapped_mib": swapped_mib(),
    }


def _growth(medians: dict[str, Figures], stages: list[str]) -> Figures:
    """How many times the seconds grow where the reviews grow from the last size but one."""
    if len(medians) < 2:
        return {}
    small, large = list(medians.values())[-2:]
    rows = large["reviews"] / small["reviews"]
    names = [name.removesuffix("_seconds") for name in stages]
    grown = {
        kind: {name: harness.ratio(large[name + kind], small[name + kind]) for name in names}
        for kind in ("_seconds", "_cpu")
    }
    memory = (large["all_mib"] - small["all_mib"]) / (large["text_mib"] - small["text_mib"])
    shown = [
        (name, *(harness.format_number(grown[kind][name], ".1f") for kind in ("_seconds", "_cpu")))
        for name in names
    ]
    title = f"{rows:.1f} times the reviews; a MiB of text takes {memory:.2f} MiB of memory"
    harness.print_table(title, ("stage", "times the seconds", "of all cores"), shown)
    return {
        "rows_grown": rows,
        "seconds_grown": grown["_seconds"],
        "cpu_grown": grown["_cpu"],
        "memory_per_text": memory,
    }


def _row(name: str, figures: Figures, stages: list[str], key: str | None) -> tuple[str, ...]:
    values = []
    for stage in stages:
        if key == "mib":
            values.append(f"{figures[stage.replace('_seconds', '_mib')]:,.0f}")
        else:
            factor = 1e6 / figures["reviews"] if key else 1
            values.append(f"{factor * figures[stage]:,.1f}")
    return (f"{figures['reviews']:,.0f}", *values)


def _line(figures: Figures) -> str:
    return (
        f"{figures['reviews']:,} reviews, {figures['all_seconds']:.1f} s,"
        f" peak {figures['all_mib']:,.0f} MiB,"
        f" swapped {harness.format_number(figures['swapped_mib'])} MiB"
    )


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
