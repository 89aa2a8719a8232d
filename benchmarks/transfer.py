"""What a model of other rows is worth to new ones: started from it, frozen, or from scratch.

A model is trained on source rows. Then it meets a target: rows of another domain (nine categories
of shopping reviews and the tenth; books and hotels), or of other classes (the animals of CIFAR-10
and its vehicles). It answers the target's test rows as it is, if its classes are the target's. Then
50, 200 and 1,000 target rows are learned in three ways: from scratch, from the source's weights,
and from the source's weights with everything but the last layer frozen. All ways see the same rows.
With a recipe that is solved, nothing can be frozen.

Each pair takes the same test rows of the target, at most half of it, which nothing is trained or
stopped on. What is counted is accuracy, and for texts macro-F1, as the mean over the seeds, which
draw the target rows and start the networks. The last lines are means over all categories that have
so many rows, with the interval of the mean.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import Figures, Option, print_table, run_benchmark

_OPTIONS = {
    "reviews": Option("", "", "CSV with the columns text, label and category", local=True),
    "cifar10": Option("", "", "cifar10.npz; leave it out to leave the images out", local=True),
    "recipes": Option(["text-fast", "textcnn"], ["text-fast"], "recipes for texts", many=True),
    "targets": Option([], ["酒店"], "categories to ask about; all without it", many=True),
    "rows": Option(["50", "200", "1000"], ["50"], "target rows that are learned", many=True),
    "seeds": Option(3, 1, "draws of the target rows"),
    "source_rows": Option(9000, 600, "rows of the source"),
    "test_rows": Option(1000, 200, "test rows of the target"),
    "steps": Option(300, 20, "fewest steps of a training in steps"),
    "length": Option(100, 50, "tokens that a network reads"),
}
_SMALL = {"vocabulary": 8000, "embedding": 64, "filters": 128, "context": 0}
_ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
_CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
Row = tuple[str, str]


@dataclass(frozen=True)
class Pair:
    """A source and a target: rows that the source learns, and rows of the target."""

    name: str
    source: Path
    target: Path
    recipe: str
    shares_classes: bool


def compare(options: argparse.Namespace) -> Figures:
    """Measures all pairs."""
    with tempfile.TemporaryDirectory() as temporary:
        found = []
        for pair in _pairs(options, Path(temporary)):
            started = time.monotonic()
            figures = _measure_pair(pair, options, Path(temporary))
            seconds = round(time.monotonic() - started, 1)
            found.append({"pair": pair.name, "recipe": pair.recipe, "seconds": seconds, **figures})
            print(json.dumps(found[-1], ensure_ascii=False), flush=True)
    return {"pairs": found, "means": _print_means(found)}


def _pairs(options: argparse.Namespace, folder: Path) -> Iterator[Pair]:
    if options.reviews:
        csv.field_size_limit(2**31 - 1)
        with Path(options.reviews).open(newline="", encoding="utf-8-sig") as file:
            rows = [(row["text"], row["label"], row["category"]) for row in csv.DictReader(file)]
        rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
        categories = sorted({category for *_, category in rows})
        wanted = options.targets or categories
        for recipe in options.recipes:
            for target in wanted:
                others = [one for one in categories if one != target]
                yield _text_pair(rows, others, target, recipe, options, folder)
            if "书籍" in categories and "酒店" in wanted:
                yield _text_pair(rows, ["书籍"], "酒店", recipe, options, folder)
    if options.cifar10:
        yield _image_pair(Path(options.cifar10), options, folder)


def _text_pair(
    rows: Sequence[tuple[str, str, str]],
    sources: Sequence[str],
    target: str,
    recipe: str,
    options: argparse.Namespace,
    folder: Path,
) -> Pair:
    """Writes the rows of a pair: as many of each source category as there are, at most a share."""
    name = f"{'others' if len(sources) > 1 else sources[0]} to {target}"
    share = -(-options.source_rows // len(sources))
    own = [(text, label) for text, label, category in rows if category == target]
    seen = {text for text, _ in own}
    source: list[Row] = []
    for category in sources:
        theirs = [(t, label) for t, label, c in rows if c == category and t not in seen]
        source += theirs[:share]
    places = [folder / f"{part}-{len(list(folder.iterdir()))}.csv" for part in ("source", "target")]
    _write(places[0], source)
    _write(places[1], list(dict(own).items()))  # each text once
    return Pair(f"{recipe}: {name}", places[0], places[1], recipe, shares_classes=True)


def _image_pair(file: Path, options: argparse.Namespace, folder: Path) -> Pair:
    """Writes the animals and the vehicles of CIFAR-10 as arrays."""
    with np.load(file) as stored:
        images = np.concatenate([stored["x_train"], stored["x_test"]])
        labels = np.concatenate([stored["y_train"], stored["y_test"]]).ravel()
    names = np.array(_CIFAR)[labels]
    order = np.random.default_rng(0).permutation(len(names))
    animal = np.isin(names, _ANIMALS)
    places = []
    for part, chosen, limit in (
        ("animals", animal, options.source_rows),
        ("vehicles", ~animal, 20_000),
    ):
        kept = order[chosen[order]][:limit]
        places.append(folder / f"{part}.npz")
        np.savez(places[-1], x=images[kept], y=names[kept])
    return Pair("cnn: animals to vehicles", places[0], places[1], "cnn", shares_classes=False)


def _measure_pair(pair: Pair, options: argparse.Namespace, folder: Path) -> Figures:
    images = pair.source.suffix == ".npz"
    tables = _tables(pair, options)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        place = Path(temporary)
        source = _train(pair.source, place / "source", tables, {"test": 0.0})
        found: dict[str, list[Figures]] = {}
        for seed in range(options.seeds):
            reader = _ImageTable(pair.target) if images else _TextTable(pair.target)
            least = len(reader) - min(options.test_rows, len(reader) // 2)
            drawn = np.random.default_rng(seed).permutation(least)
            test = np.arange(least, len(reader))
            if pair.shares_classes and seed == 0:
                data = reader.write(place / "asked", drawn[:2], test)
                found["0 rows, source as it is"] = [_measure(source, str(data / "test.csv"))]
            for rows in (one for one in map(int, options.rows) if one <= least):
                data = reader.write(place / f"{rows}-{seed}", drawn[:rows], test)
                for way, extras in _ways(pair, source).items():
                    run = place / f"run-{rows}-{seed}-{way}".replace(" ", "-")
                    own = {} if extras else tables
                    changes = {"train": {**tables["train"], "seed": seed}}
                    trained = _train(data, run, {**own, **changes}, {}, **extras)
                    figures = _measure(trained)
                    found.setdefault(f"{rows} rows, {way}", []).append(figures)
                    print(f"  {pair.name}, {rows} rows, {way}: {figures}", flush=True)
    return {"ways": {name: _mean(figures) for name, figures in found.items()}}


def _tables(pair: Pair, options: argparse.Namespace) -> dict[str, Any]:
    train: dict[str, Any] = {"tensorboard": False}
    if pair.recipe == "text-fast":
        return {"model": {"recipe": pair.recipe}, "train": train}
    train |= {"precision": "float32", "min_steps": options.steps}
    model: dict[str, Any] = {"recipe": pair.recipe}
    if pair.recipe == "textcnn":
        model |= {**_SMALL, "length": options.length}
    elif pair.recipe == "cnn":
        model |= {"filters": [16, 32, 64]}
        train["epochs"] = 5
    else:
        model |= {"length": options.length}
    return {"model": model, "train": train}


def _ways(pair: Pair, source: Path) -> dict[str, dict[str, Any]]:
    ways: dict[str, dict[str, Any]] = {"from scratch": {}, "started": {"start_from": source}}
    if pair.recipe != "text-fast":
        ways["started, frozen"] = {"start_from": source, "freeze": "features"}
    return ways


def _train(
    data: Path, out: Path, tables: dict[str, Any], more: dict[str, Any], **extras: Any
) -> Path:
    """Does what ``modelwright.train`` does, without the time for its baselines."""
    from modelwright.api.train import make_extras, resolve_notes
    from modelwright.training.train import train

    chosen = make_extras(**extras)
    resolved = resolve_notes(str(data), {**tables, "data": more}, extras=chosen)
    report = train(resolved.config, out=out, extras=chosen, baselines=False)
    return Path(report.run)


def _measure(run: Path, table: str | None = None) -> Figures:
    """Returns the figures of a run on its test rows, or on those of a table."""
    from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows

    parts = EvaluationParts(baselines=False, slices=False, plots=False)
    figures = evaluate_rows(run, EvaluatedRows(table), parts=parts).to_dict()
    return {key: round(float(figures[key]), 4) for key in ("accuracy", "macro_f1")}


class _TextTable:
    """The texts of a target."""

    def __init__(self, path: Path) -> None:
        with path.open(newline="", encoding="utf-8") as file:
            self.rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]

    def __len__(self) -> int:
        return len(self.rows)

    def write(self, folder: Path, train: Any, test: Any) -> Path:
        """Writes a folder with a table of each split."""
        folder.mkdir()
        for name, positions in (("train", train), ("test", test)):
            _write(folder / f"{name}.csv", [self.rows[int(i)] for i in positions])
        return folder


class _ImageTable:
    """The images of a target."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            self.images, self.labels = stored["x"], stored["y"]

    def __len__(self) -> int:
        return len(self.labels)

    def write(self, folder: Path, train: Any, test: Any) -> Path:
        """Writes a file with both splits."""
        path = folder.with_suffix(".npz")
        np.savez(
            path,
            x_train=self.images[train],
            y_train=self.labels[train],
            x_test=self.images[test],
            y_test=self.labels[test],
        )
        return path


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(rows)


def _mean(figures: Sequence[Figures]) -> Figures:
    return {key: statistics.mean(one[key] for one in figures) for key in figures[0]}


def _print_means(found: Sequence[Figures]) -> Figures:
    """Prints each way's mean over the pairs of a recipe, and returns the means."""
    from modelwright.core.statistics import student_interval

    means: Figures = {}
    for recipe in sorted({one["recipe"] for one in found}):
        pairs = [one for one in found if one["recipe"] == recipe]
        lines = []
        # A small target has no figures with many rows.
        for way in dict.fromkeys(way for one in pairs for way in one["ways"]):
            with_way = [one for one in pairs if way in one["ways"]]
            chosen = [one for one in with_way if "others" in one["pair"]] or with_way
            values = [one["ways"][way]["accuracy"] for one in chosen]
            mean, low, high = values[0], values[0], values[0]
            if len(values) > 1:
                mean, low, high = student_interval(values)
            figures = {"accuracy": mean, "interval": [low, high], "targets": len(values)}
            means.setdefault(recipe, {})[way] = figures
            interval = f"{100 * low:.1f} to {100 * high:.1f}"
            lines.append((way, len(values), f"{100 * mean:.1f} %", interval))
        headers = ("way", "targets", "mean", "95 %")
        print_table(f"{recipe}, mean accuracy over the targets", headers, lines)
    return means


def measure(**_: Any) -> Figures:
    """Is not used: the trainings of a pair share the source, so they run in one process."""
    return {}


if __name__ == "__main__":
    run_benchmark(__file__, __doc__ or "", _OPTIONS, compare=compare, measure=measure)
