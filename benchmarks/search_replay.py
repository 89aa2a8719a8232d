"""Compares samplers and pruners on searches replayed from a complete table of real trainings.

The table has the accuracy of 416 networks after each epoch, on thumbnails of CIFAR-10; see
``search_replay_table.py``. A learning rate between those of the table gives what the nearest one
gave. A search asks a sampler and a pruner as ``modelwright tune`` does, with one worker, and reads
the table instead of training. Its time is that of the epochs in the table, with or without three
epochs for the building of each network.

The result of a method is the time after which the mean of its best accuracies, over all searches,
reaches what random search has at the end: after the time of 10 or of 30 full trials. With 24
searches, differences of half a time are within the noise.
"""

from __future__ import annotations

import argparse
import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness import Figures, Option, format_number, print_table, run_benchmark
from modelwright.tuning.dimension import Dimension, Space
from modelwright.tuning.pruners.asha import AshaPruner
from modelwright.tuning.pruners.pruner import Pruner
from modelwright.tuning.pruners.registry import make_pruner
from modelwright.tuning.samplers.distinct import DistinctSampler
from modelwright.tuning.samplers.registry import make_sampler
from modelwright.tuning.samplers.sampler import Sampler
from modelwright.tuning.samplers.tpe import TpeSampler
from modelwright.tuning.trial_record import TrialRecord

TABLE = Path(__file__).parent / "results" / "search_replay_table.json"
SPACE: Space = (
    Dimension("activation", "choice", choices=("relu", "tanh")),
    Dimension("first", "int", 32, 128, 32),
    Dimension("second", "int", 16, 64, 16),
    Dimension("rate", "float", 1e-4, 1e-2, log=True),
)
NUMBERS = SPACE[1:]
"""The part of the space that the sampler cma can search; the activation is relu."""
BUILDING = (0, 3)
"""Time to build a network, in epochs of it."""
OPTIONS = {
    "rounds": Option(24, 2, "searches of each method"),
    "budgets": Option([10, 30], [3], "time of a search, in full trials", many=True),
    "methods": Option([], [], "methods to compare with random; all by default", many=True),
    "tables": Option([], [], "data sets to replay; all of the table by default", many=True),
    "random_rounds": Option(200, 4, "searches of random, whose result the others are to reach"),
    "bayesian_rounds": Option(8, 0, "searches of keras-bayesian, which takes seconds for a trial"),
}
_GRID = 2000
"""Times at which the curves of a method are averaged."""


@dataclass(frozen=True)
class Step:
    """A trial of a replayed search: the accuracies that it reached, the seconds of an epoch."""

    accuracies: tuple[float, ...]
    seconds: float


class Table:
    """The accuracies of all points of one data set."""

    def __init__(self, content: dict[str, Any], epochs: int, rates: int) -> None:
        self.epochs, self._rates = epochs, rates
        self._accuracies, self._seconds = content["accuracies"], content["seconds"]
        self.trial_seconds = float(np.mean(list(self._seconds.values()))) * epochs

    def step(self, values: dict[str, Any]) -> Step:
        """Returns what a training with these values gives."""
        activation = values.get("activation", "relu")
        rate = round(NUMBERS[-1].share(values["rate"]) * (self._rates - 1))
        point = f"{activation} {values['first']} {values['second']} {rate}"
        accuracies = self._accuracies[point]
        epochs = values.get("train.epochs", self.epochs)
        seconds = self._seconds[f"{values['first']} {values['second']}"]
        return Step(tuple(accuracies[:epochs]), seconds)


MakeSampler = Callable[[Space, int], Sampler]
MakePruner = Callable[[int], Pruner]


def replay(table: Table, space: Space, budget: int, sampler: Sampler, pruner: Pruner) -> list[Step]:
    """Returns the trials of a search that lasts as long as so many full trials."""
    records: list[TrialRecord] = []
    steps: list[Step] = []
    spent = 0.0
    while spent < budget * table.trial_seconds:
        values = sampler.propose(len(records), records)
        if values is None:
            break
        whole = table.step(values)
        trial = TrialRecord(number=len(records), values=values)
        for epoch in range(1, len(whole.accuracies) + 1):
            trial = trial.model_copy(update={"epochs": whole.accuracies[:epoch]})
            if pruner.stops(trial, records):
                break
        full = len(trial.epochs) == len(whole.accuracies)
        ended = {"state": "finished" if full else "pruned", "objective": max(trial.epochs)}
        records.append(trial.model_copy(update=ended))
        steps.append(Step(trial.epochs, whole.seconds))
        spent += whole.seconds * len(trial.epochs)
    return steps


def best_curve(steps: Sequence[Step], building: float, times: np.ndarray) -> np.ndarray:
    """Returns the best accuracy of a search at each time ``[n]``; 0 before the first epoch."""
    ends, best, clock = [0.0], [0.0], 0.0
    for step in steps:
        clock += building * step.seconds
        for accuracy in step.accuracies:
            clock += step.seconds
            ends.append(clock)
            best.append(max(best[-1], accuracy))
    return np.array(best)[np.searchsorted(ends, times, side="right") - 1]


def methods(epochs: int) -> dict[str, tuple[MakeSampler, MakePruner]]:
    """Returns the compared samplers with their pruners, by name."""

    def sampler(name: str) -> MakeSampler:
        return lambda space, seed: make_sampler(
            name, space, seed=seed, higher_is_better=True, max_epochs=epochs
        )

    def tpe(**settings: Any) -> MakeSampler:
        return lambda space, seed: DistinctSampler(
            TpeSampler(space, seed=seed, higher_is_better=True, **settings), space, "tpe", seed
        )

    def pruner(name: str) -> MakePruner:
        return lambda seed: make_pruner(name, seed=seed, higher_is_better=True, max_epochs=epochs)

    def asha(factor: int) -> MakePruner:
        return lambda seed: AshaPruner(
            seed=seed, higher_is_better=True, max_epochs=epochs, factor=factor
        )

    none, multi, single = pruner("none"), tpe(multivariate=True), tpe(multivariate=False)
    return {
        "random": (sampler("random"), none),
        "random, asha 2": (sampler("random"), asha(2)),
        "tpe, startup 10": (tpe(startup=10, multivariate=False), none),
        "tpe, startup 10, multivariate": (tpe(startup=10, multivariate=True), none),
        "tpe": (single, none),
        "tpe, multivariate": (multi, none),
        "tpe, asha 2": (single, asha(2)),
        "tpe, multivariate, asha 2": (multi, asha(2)),
        "tpe, startup 10, asha 2": (tpe(startup=10, multivariate=False), asha(2)),
        "tpe, asha 3": (single, asha(3)),
        "tpe, median": (single, pruner("median")),
        "tpe, hyperband": (single, pruner("hyperband")),
        "keras-hyperband": (sampler("keras-hyperband"), none),
        "keras-bayesian": (sampler("keras-bayesian"), none),
        "cma": (sampler("cma"), none),
        "cma, asha 2": (sampler("cma"), asha(2)),
    }


def compare(values: argparse.Namespace) -> Figures:
    """Replays all searches and prints when each method reaches random search."""
    content = json.loads(TABLE.read_text("utf-8"))
    found: Figures = {}
    for name in values.tables or content["tables"]:
        table = Table(content["tables"][name], content["epochs"], len(content["rates"]))
        found[name] = compare_on(table, SPACE, values, name)
        found[f"{name}, numbers"] = compare_on(table, NUMBERS, values, f"{name}, numbers alone")
    return found


def compare_on(table: Table, space: Space, values: argparse.Namespace, title: str) -> Figures:
    """Compares the methods on one table; on numbers alone, only those that cma competes with."""
    rounds = {"random": values.random_rounds, "keras-bayesian": values.bayesian_rounds}
    numbers = ("random", "tpe", "tpe, multivariate", "tpe, asha 2", "cma", "cma, asha 2")
    paths: dict[str, list[list[Step]]] = {}
    figures: Figures = {}
    for name, (make, make_pruning) in methods(table.epochs).items():
        left_out = name not in ("random", *values.methods) if values.methods else False
        if left_out or (name not in numbers if space is NUMBERS else name.startswith("cma")):
            continue
        search = functools.partial(replay, table, space, max(values.budgets))
        seeds = range(rounds.get(name, values.rounds))
        paths[name] = [search(make(space, seed), make_pruning(seed)) for seed in seeds]
        if paths[name]:
            figures[name] = measure_method(table, paths, name, values.budgets)
            shown = "  ".join(_sooner(figure) for figure in figures[name].values())
            print(f"  {title}: {name}  {shown}", flush=True)
    headers = [
        f"{budget} trials, building {cost}" for cost in BUILDING for budget in values.budgets
    ]
    rows = [[name, *(_sooner(figure) for figure in figures[name].values())] for name in figures]
    print_table(
        f"{title}: times sooner than random search, and best accuracy", ["", *headers], rows
    )
    return figures


def measure_method(
    table: Table, paths: dict[str, list[list[Step]]], name: str, budgets: Sequence[int]
) -> Figures:
    """Returns, for each budget, the best accuracy and how much sooner it reaches random's."""
    figures: Figures = {}
    for building in BUILDING:
        for budget in budgets:
            whole = budget * table.trial_seconds * (1 + building / table.epochs)
            times = np.linspace(0, whole, _GRID)
            curves = {
                one: np.mean([best_curve(path, building, times) for path in paths[one]], axis=0)
                for one in ("random", name)
            }
            reached = np.flatnonzero(curves[name] >= curves["random"][-1])
            trials = [
                np.searchsorted(
                    np.cumsum([one.seconds * (building + len(one.accuracies)) for one in path]),
                    whole,
                )
                for path in paths[name]
            ]
            figures[f"{budget} trials, building {building}"] = {
                "best": round(float(curves[name][-1]), 4),
                "sooner": round(float(whole / times[reached[0]]), 2) if len(reached) else None,
                "trials": round(float(np.mean(trials)), 1),
                "searches": len(paths[name]),
            }
    return figures


def _sooner(figure: Figures) -> str:
    return f"{format_number(figure['sooner'], '.2f', 'never')}x {figure['best']:.4f}"


def measure(**task: Any) -> Figures:
    """Refuses: all searches are replayed in one process."""
    raise SystemExit(f"unexpected task {task}")


if __name__ == "__main__":
    run_benchmark(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
