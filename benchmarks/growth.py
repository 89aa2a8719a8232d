"""Time and memory as the data grows: 1, 10 and 100 times as many reviews, stage by stage.

The reviews are IMDB's training reviews, repeated as often as it takes; in every repetition each
text loses one word and has two neighbours exchanged, so that no two have the same content. The
stages are those of a training of a light network (embedding, mean, one dense layer): loading,
learning the vocabulary, encoding, one epoch, and measuring the training rows. Each size has a
process of its own. A straight line is expected: the seconds and the memory of a review must not
grow with the number of reviews, and nothing may reach the swap.

The seconds that the cores worked stand beside those that passed: other work on the machine
stretches only the latter. Stages are told apart by Modelwright's own progress, whose first word
about one comes after its first batch.
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

STAGES = {
    "learning": "vocabulary",
    "encoding": "encoding",
    "building": "building",
    "epoch": "training",
    "evaluating": "measuring",
}
OPTIONS = {
    "base": Option(2_500, 250, "reviews of the smallest size"),
    "times": Option([1, 10, 100], [1, 4], "sizes, as multiples of it", many=True),
    "batch": Option(256, 64, "reviews a step"),
}


def compare(given: argparse.Namespace) -> Figures:
    """All sizes in turn."""
    with tempfile.TemporaryDirectory() as made:
        tasks = {}
        for times in given.times:
            path = Path(made) / f"{times}.csv"
            write_reviews(path, given.base * times)
            size = path.stat().st_size / 2**20
            tasks[f"{times}x"] = {"source": str(path), "batch": given.batch, "text_mib": size}
        runs = harness.turns(__file__, tasks, given.rounds, show=_line)
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
    """A table of so many different reviews, the first ones as they are."""
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
    """The same words but one, two neighbours among them exchanged."""
    words = text.split(" ")
    if len(words) < 4:
        return f"{text} {random.integers(10**9)}"
    del words[random.integers(len(words))]
    at = random.integers(len(words) - 1)
    words[at : at + 2] = words[at + 1], words[at]
    return " ".join(words)


def light(shape: Any, classes: int, vocabulary: int = 10_000, **options: Any) -> Any:
    """A network that costs little: what is measured is what comes before it."""
    import keras

    ids = keras.Input(shape, dtype="int32")
    x = keras.layers.Embedding(vocabulary, 16)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(ids, keras.layers.Dense(1, "sigmoid", dtype="float32")(x))


class Stages:
    """Seconds and peak memory of each stage, told by Modelwright's progress."""

    def __init__(self) -> None:
        self.figures: Figures = {}
        self._name = "loading"
        self._enter()

    def __call__(self, what: str, done: int, total: int) -> None:
        """A step is done."""
        name = STAGES.get(what.split(" ")[0], self._name)
        if name != self._name:
            self.close()
            self._name = name
            self._enter()

    def close(self) -> None:
        """The stage is over."""
        seconds = time.perf_counter() - self._started
        if self._name != "building":
            before = self.figures.get(f"{self._name}_seconds", 0.0)
            self.figures[f"{self._name}_seconds"] = before + seconds
            before = self.figures.get(f"{self._name}_cpu", 0.0)
            self.figures[f"{self._name}_cpu"] = before + time.process_time() - self._worked
            before = self.figures.get(f"{self._name}_mib", 0.0)
            self.figures[f"{self._name}_mib"] = max(before, harness.peak())

    def _enter(self) -> None:
        harness.reset_peak()
        self._started = time.perf_counter()
        self._worked = time.process_time()


def measure(source: str, batch: int, text_mib: float) -> Figures:
    """One training with all its stages."""
    import modelwright
    from modelwright.core.backend import load_tensorflow

    load_tensorflow()
    imported = harness.reset_peak()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_majflt
    stages = Stages()
    started, worked = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        report = modelwright.train(
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
        "swapped_mib": harness.swapped(),
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
        (name, *(harness.show(grown[kind][name], ".1f") for kind in ("_seconds", "_cpu")))
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
        f" peak {figures['all_mib']:,.0f} MiB, swapped {harness.show(figures['swapped_mib'])} MiB"
    )


if __name__ == "__main__":
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
