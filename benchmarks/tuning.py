"""How soon ``modelwright tune`` finds what ten random trials of Keras Tuner find.

The space is that of the recipe ``bilstm-tutorial``, on short reviews from IMDB. Keras Tuner makes
its ten random trials in its ordinary way, ``RandomSearch(...).search(...)`` in one process. Then
``modelwright tune`` searches with its defaults, tpe and asha, until it has used the same processor
seconds. Both train the same networks with the same optimizer on the same rows for the same epochs,
on one thread.

The result is the best validation accuracy after any epoch of any trial, over processor seconds of
all processes, from the start of the first one: loading TensorFlow, building, validation and files
count for both. Splitting texts into tokens counts for Modelwright alone: Keras Tuner gets arrays.
The mean of the seeds' curves says when one side has what the other ends with. The spread of that
ratio comes from drawing the seeds again, with replacement.

The best of many validation accuracies is too high as an estimate, and a side that sees more epochs
has more chances to be lucky. So the best trial of each side that was trained to its end, with the
weights of its best epoch, is also measured on reviews that neither side has seen. That takes no
time of the search.

A side that has finished is not repeated: its curve lies in the folder ``--work``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import harness
import tuning_curves
from cpu_time import watch
from harness import QUIET, Figures, Option
from tuning_curves import Curve

SIDES = ("keras-tuner", "modelwright")
OPTIONS = {
    "rounds": Option(5, 1, "seeds of each side"),
    "imdb": Option("", "", "train.csv of IMDB, with text and label", local=True),
    "rows": Option(2_000, 300, "training reviews, and as many validation reviews"),
    "length": Option(30, 12, "tokens of a review"),
    "epochs": Option(6, 2, "epochs of a full trial"),
    "batch": Option(64, 64, "batch size"),
    "random_trials": Option(10, 3, "trials of Keras Tuner"),
    "held_out": Option(5_000, 200, "reviews that neither side sees, for the best trials"),
    "work": Option("build/tuning", "build/tuning-quick", "folder of what is done", local=True),
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
UNITS = ([32, 16], [64, 32], [96, 48], [128, 64])


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs both sides with each seed and compares their curves."""
    work = Path(arguments.work).resolve()
    data = _write_rows(arguments, work)
    curves: dict[str, list[Curve]] = {side: [] for side in SIDES}
    begun = time.monotonic()
    for seed in range(arguments.rounds):
        budget = None
        for side in SIDES:
            curve = _known_curve(arguments, work, data, side, seed, budget)
            budget = budget or curve.seconds
            curves[side].append(curve)
            print(f"  seed {seed}  {side}: {_line(curve)}", flush=True)
        _print_estimate(arguments.rounds, seed, time.monotonic() - begun)
    results = tuning_curves.compare(curves["keras-tuner"], curves["modelwright"])
    rows = [(key, *_cells(value)) for key, value in results.items()]
    harness.print_table("random search's final mean", ("", "value", "95 % of the draws"), rows)
    return {"results": results, "curves": {
        side: [vars(curve) for curve in found] for side, found in curves.items()}}  # fmt: skip


def measure_side(side: str, **task: Any) -> Figures:
    """Searches on one side to its end, or measures what it found."""
    sides = {"keras-tuner": _search_random, "modelwright": _search_modelwright}
    found = {"keras-tuner": _measure_random, "modelwright": _measure_modelwright}
    return (found if task.pop("ended", False) else sides)[side](**task)


def _known_curve(
    arguments: argparse.Namespace, work: Path, data: Path, side: str, seed: int,
    budget: float | None,
) -> Curve:  # fmt: skip
    """Returns the curve of a side and a seed, measured now or before."""
    sizes = {key: vars(arguments)[key] for key in ("length", "epochs", "batch", "random_trials")}
    task = {"side": side, "seed": seed, "data": str(data), **sizes}
    file = work / f"{side}-{seed}.json"
    if file.exists() and (known := json.loads(file.read_text()))["task"] == task:
        return Curve(**known["curve"])
    folder = work / f"{side}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    task["folder"] = str(folder)
    seen = _Epochs(folder, side)
    environment = {**os.environ, **QUIET, **ONE_THREAD}
    command = [sys.executable, __file__, "--child", json.dumps(task)]
    seconds = watch(command, environment, work / f"{side}-{seed}.log", seen.look, budget)
    ended = [*command[:-1], json.dumps({**task, "ended": True})]
    found = subprocess.run(ended, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    held_out = json.loads(found.stdout.splitlines()[-1])["held_out"]
    del task["folder"]
    curve = Curve(seconds, seen.points, *seen.counts(), held_out)
    file.write_text(json.dumps({"task": task, "curve": vars(curve)}))
    shutil.rmtree(folder, ignore_errors=True)
    return curve


class _Epochs:
    """The best validation accuracy so far, from the files that a side writes."""

    def __init__(self, folder: Path, side: str) -> None:
        self._folder, self._side = folder, side
        self._states: dict[Path, tuple[float, list[float], str]] = {}
        self._best = 0.0
        self.points: list[tuple[float, float]] = []

    def look(self, seconds: float) -> None:
        """Reads what is new and notes when it was seen."""
        for values in self._read():
            best = max([self._best, *values])
            if best > self._best:
                self._best = best
                self.points.append((seconds, best))

    def counts(self) -> tuple[int, int]:
        """Returns the number of trials, and of those that were trained to their end."""
        states = [state for _, _, state in self._states.values()]
        return len(states), sum(state == "finished" for state in states)

    def _read(self) -> Iterator[list[float]]:
        for file in self._folder.glob("search/trials/*/trial.json"):
            changed = file.stat().st_mtime_ns
            if self._states.get(file, (0, [], ""))[0] != changed:
                record = json.loads(file.read_text())
                self._states[file] = (changed, record["epochs"], record["state"])
                yield record["epochs"]
        lines = self._folder / "epochs.jsonl"
        if lines.exists():
            for line in lines.read_text().splitlines():
                record = json.loads(line)
                state = "finished" if record["last"] else "running"
                self._states[Path(record["trial"])] = (0, [], state)
                yield [record["accuracy"]]


def _search_modelwright(data: str, folder: str, seed: int, **sizes: Any) -> Figures:
    """Searches until this process is killed."""
    import modelwright

    search = {"base": _base(data, sizes), "search": {"trials": 1000, "seed": seed}}
    report = modelwright.tune(search, out=Path(folder) / "search")
    return {"trials": len(report.records)}


def _measure_modelwright(data: str, folder: str, seed: int, **sizes: Any) -> Figures:
    """Measures the best trial of a search that was killed."""
    from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows
    from modelwright.tuning.search_record import read_search_record

    record = read_search_record(Path(folder) / "search" / "tuning.json")
    if record is None or record.best is None:
        return {"held_out": None}
    parts = EvaluationParts(baselines=False, slices=False, plots=False)
    report = evaluate_rows(record.best.run, EvaluatedRows(split="test"), parts=parts)
    return {"held_out": float(report.to_dict()["accuracy"])}


def _base(data: str, sizes: dict[str, Any]) -> dict[str, Any]:
    """Returns the tables that a search starts from; its space is the recipe's."""
    return {
        "data": {"source": data},
        "model": {"recipe": "bilstm-tutorial", "length": sizes["length"], "vocabulary": 8000},
        "train": {
            "epochs": sizes["epochs"], "batch_size": sizes["batch"], "patience": 0,
            "min_steps": 0, "min_val_rows": 0, "monitor": "val_accuracy",
            "precision": "float32", "tensorboard": False,
        },
    }  # fmt: skip


def _search_random(data: str, folder: str, seed: int, **sizes: Any) -> Figures:
    """Makes the random trials of Keras Tuner, and writes a line after each epoch."""
    import keras

    keras.utils.set_random_seed(seed)
    arrays, config = _arrays(data, folder, sizes)
    log, last = Path(folder) / "epochs.jsonl", sizes["epochs"] - 1

    class Log(keras.callbacks.Callback):  # type: ignore[misc]
        """Writes the accuracy after each epoch."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.trial = time.monotonic_ns()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            with log.open("a") as file:
                row = {"trial": str(self.trial), "last": epoch == last,
                       "accuracy": float(logs["val_accuracy"])}  # fmt: skip
                file.write(json.dumps(row) + "\n")

    tuner = _random_tuner(folder, seed, config, sizes)
    tuner.search(
        *arrays["train"], validation_data=arrays["val"], epochs=sizes["epochs"],
        batch_size=sizes["batch"], callbacks=[Log()], verbose=0,
    )  # fmt: skip
    return {"trials": len(tuner.oracle.trials)}


def _measure_random(data: str, folder: str, seed: int, **sizes: Any) -> Figures:
    """Measures the best trial of Keras Tuner, with the weights that it kept."""
    arrays, config = _arrays(data, folder, sizes)
    (model,) = _random_tuner(folder, seed, config, sizes).get_best_models(1)
    ids, labels = arrays["test"]
    answers = model.predict(ids, batch_size=sizes["batch"], verbose=0).ravel() > 0.5
    return {"held_out": float(np.mean(answers == labels))}


def _random_tuner(folder: str, seed: int, config: Any, sizes: dict[str, Any]) -> Any:
    """Returns the random search of a folder, with the trials that it has made."""
    import keras_tuner

    return keras_tuner.RandomSearch(
        lambda hp: _build_model(hp, config), objective="val_accuracy", seed=seed,
        max_trials=sizes["random_trials"], directory=folder, project_name="keras-tuner",
    )  # fmt: skip


def _arrays(data: str, folder: str, sizes: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Returns token ids and labels of each split, as a training makes them, and the config."""
    from modelwright.data.load import load_data
    from modelwright.models.builders import check_options
    from modelwright.models.graph_tokenizer import GraphTokenizer, learn_vocabulary
    from modelwright.recipes.resolve import resolve_config
    from modelwright.training.batches import encode_rows

    config = resolve_config(options={**_base(data, sizes), "name": "random"})
    rows, path = load_data(config.data), Path(folder) / "vocabulary.txt"
    options = check_options(config.model)
    texts = rows.splits["train"].inputs
    learn_vocabulary([texts.take(np.arange(len(texts)))], options, path)
    tokenizer = GraphTokenizer(options, path)
    found = {
        name: (encode_rows(rows.splits[name].inputs, tokenizer).array, rows.splits[name].labels)
        for name in ("train", "val", "test")
    }
    return found, config


def _build_model(hp: Any, config: Any) -> Any:
    """Returns the network of a trial: the same as Modelwright's, with the same optimizer."""
    import keras

    from modelwright.models.builders import build_network

    units = UNITS[hp.Int("units", 0, len(UNITS) - 1)]
    values = {
        "embedding": hp.Int("embedding", 64, 256, step=64),
        "cell": hp.Choice("cell", ["lstm", "gru"]),
        "units": units,
        "dense": hp.Int("dense", 16, 64, step=16),
    }
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    model = config.model.model_copy(update={"options": {**config.model.options, **values}})
    network = build_network(model, (config.model.options["length"],), 2)
    network.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return network


def _write_rows(arguments: argparse.Namespace, work: Path) -> Path:
    """Writes the reviews of all splits into one table, and returns it."""
    from modelwright.data.load import load_data
    from modelwright.recipes.resolve import resolve_config

    file = work / f"reviews-{arguments.rows}-{arguments.held_out}.csv"
    if file.exists():
        return file
    source = arguments.imdb or "imdb"
    tables = {"data": {"source": source}, "model": {"recipe": "text-fast"}, "name": "reviews"}
    rows = load_data(resolve_config(options=tables).data).splits["train"]
    wanted = {"train": arguments.rows, "val": arguments.rows, "test": arguments.held_out}
    names = [split for split, count in wanted.items() for _ in range(count)]
    # The rows of IMDB are sorted by label.
    positions = np.random.default_rng(0).permutation(len(rows.labels))[: len(names)]
    texts = rows.inputs.take(positions)
    work.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(("text", "label", "split"))
        for text, label, split in zip(texts, rows.labels[positions], names, strict=True):
            table.writerow((text, ("negative", "positive")[int(label)], split))
    return file


def _print_estimate(rounds: int, seed: int, seconds: float) -> None:
    left = (rounds - seed - 1) * seconds / (seed + 1)
    if left > 0:
        print(f"  about {left / 60:.0f} minutes left", flush=True)


def _line(curve: Curve) -> str:
    held_out = "" if curve.held_out is None else f", {100 * curve.held_out:.2f} % on held-out rows"
    return (
        f"best {100 * curve.best:.2f} % after {curve.seconds:.0f} s of processor time{held_out},"
        f" {curve.trials} trials, {curve.finished} to their end"
    )


def _cells(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict):
        return f"{value:.2f}", ""
    shown = ["never" if one is None else f"{one:.2f}" for one in value.values()]
    return shown[0], f"{shown[1]} to {shown[2]}"


if __name__ == "__main__":
    harness.run_benchmark(
        __file__, __doc__ or "", OPTIONS, compare=compare_sides, measure=measure_side
    )
