"""False alarms, alarms and power of drift tests, on three models and real data.

Two halves of held-out rows must stay silent, and data of another kind must not. The power is the
share of draws in which a shift of a known size is found.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from drift_models import MODELS, Make
from harness import RESULTS, Figures, Option, describe_machine, parse_options, print_table
from modelwright.core.config import DataConfig
from modelwright.core.files import write_json
from modelwright.core.statistics import wilson_interval
from modelwright.core.types import IntArray, RawInput
from modelwright.monitoring.compare import Comparison, compare
from modelwright.monitoring.features import measure_moments
from modelwright.monitoring.measure_reference import choose_words, count_rows
from modelwright.monitoring.observation import Observation, observe
from modelwright.monitoring.observed_model import ObservedModel, find_tensor, observed_servable
from modelwright.monitoring.reference import Reference
from modelwright.runs.rows import raw_inputs, reload_data
from modelwright.servable.manifest import read_manifest

FITTED = 300
SIZES = (300, 1000)
POWER_SIZES = (100, 300, 900)
OPTIONS = {
    "chinese": Option("online_shopping_10_cats.csv", "online_shopping_10_cats.csv", "its CSV",
                      local=True),
    "english": Option("imdb/test.csv", "imdb/test.csv", "a CSV of English texts", local=True),
    "cifar10": Option("cifar10.npz", "cifar10.npz", "CIFAR-10 as .npz", local=True),
    "servables": Option([], [], "books=FOLDER and so on: do not train that one", many=True,
                        local=True),
    "draws": Option(200, 5, "draws of two halves, and of each shift"),
    "rows": Option(4000, 1500, "rows of a set that are used"),
    "epochs": Option(2, 1, "epochs of the networks that are trained by steps"),
}  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """A model, and what it answered to held-out rows.

    ``shifted`` has the observation of other rows by the name of the shift.
    """

    model: ObservedModel
    observed: Observation
    labels: IntArray
    words: tuple[str, ...]
    fitted: Observation
    shifted: dict[str, Observation]


def main() -> None:
    """Makes the models, measures each, and writes what was measured so far."""
    values = parse_options(__doc__ or "", OPTIONS, sys.argv[1:])
    path = values.out or RESULTS / ("quick" if values.quick else "") / "drift.json"
    started = time.time()
    report: Figures = {
        "date": time.strftime("%Y-%m-%d %H:%M %z"),
        "machine": describe_machine(),
        "load_before": os.getloadavg()[0],
        "options": {key: getattr(values, key) for key in ("draws", "rows", "epochs")},
        "models": {},
    }
    with tempfile.TemporaryDirectory() as temporary:
        for name, make in MODELS.items():
            report["models"][name] = measure_model(name, make, values, Path(temporary))
            report |= {"seconds": time.time() - started, "load_after": os.getloadavg()[0]}
            write_json(path, report)
    print(f"\nwritten to {path}")


def measure_model(
    name: str,
    make: Make,
    values: argparse.Namespace,
    folder: Path,
) -> Figures:
    """Returns the false alarms, the alarms on other data, and the power of one model."""
    given = dict(one.split("=", 1) for one in values.servables)
    servable, other = make(values, folder / name, given.get(name))
    alarms = {shift: alarm_on(servable, data) for shift, data in other.items()}
    pool = fill_pool(servable, other, values.rows)
    figures: Figures = {"held_out": len(pool.observed), "alarms": alarms}
    figures["halves"] = false_alarms(pool, values.draws)
    rows = [(size, *one.values()) for size, one in figures["halves"].items()]
    print_table(f"{name}: two halves", ("rows each", *figures["halves"]["all"]), rows)
    figures["power"] = list(power(pool, values.draws))
    print_table(f"{name}: share of draws with an alarm", list(figures["power"][0]),
                [list(one.values()) for one in figures["power"]])  # fmt: skip
    return figures


def alarm_on(servable: Path, data: Path) -> Figures:
    """Returns what the public function says of other data."""
    import modelwright

    started = time.perf_counter()
    report = modelwright.drift(servable, data)
    found = report.to_dict()
    print(report.render(), flush=True)
    keys = ("rows", "total", "reference", "drifted", "tests", "untested", "class_shares", "labeled")
    return {**{key: found[key] for key in keys}, "seconds": time.perf_counter() - started}


def false_alarms(pool: Pool, draws: int) -> dict[str, Figures]:
    """Returns the share of draws of two sets of equal size in which a test alarms."""
    found: dict[str, Figures] = {}
    half = len(pool.observed) // 2
    for size in dict.fromkeys((*(one for one in SIZES if one < half), half)):
        random = np.random.default_rng(size)
        names: list[str] = []
        alarms = 0
        for _ in range(draws):
            order = random.permutation(len(pool.observed))
            comparison = compare_rows(pool, order[:size], pool.observed.take(order[-size:]))
            alarms += comparison.drifted
            names += [test.name for test in comparison.tests if test.drifted]
        low, high = wilson_interval(alarms, draws)
        found["all" if size == half else str(size)] = {
            "rows": size, "draws": draws, "alarms": alarms, "share": alarms / draws,
            "low": low, "high": high, "tests": {one: names.count(one) for one in set(names)},
        }  # fmt: skip
    return found


def power(pool: Pool, draws: int) -> Iterator[Figures]:
    """Yields the share of draws with an alarm, by the kind, the size and the rows of a shift.

    It is None where the pool has too few rows for such a shift.
    """
    draws = max(1, draws // 5)
    half = len(pool.observed) // 2
    for kind, size, change in shifts(pool):
        figures: Figures = {"shift": kind, "size": size}
        for rows in (one for one in POWER_SIZES if one <= half):
            random = np.random.default_rng(rows)
            orders = [random.permutation(len(pool.observed)) for _ in range(draws)]
            new = [change(order[half:], rows, random) for order in orders]
            alarms = [
                one is not None and compare_rows(pool, order[:half], one).drifted
                for order, one in zip(orders, new, strict=True)
            ]
            figures[f"{rows} rows"] = None if None in new else sum(alarms) / draws
        yield figures


Change = Callable[[IntArray, int, np.random.Generator], Observation | None]


def shifts(pool: Pool) -> Iterator[tuple[str, str, Change]]:
    """Yields the kinds and sizes of shifts, and what makes new rows with them."""
    for name, other in pool.shifted.items():
        for share in (0.05, 0.1, 0.2):
            yield f"{name} in some rows", f"{share:.0%}", mixed(pool, other, share)
    for share in (0.05, 0.1, 0.2):
        yield "more rows of the first class", f"+{share:.0%}", more_of_a_class(pool, share)


def mixed(pool: Pool, other: Observation, share: float) -> Change:
    """Returns what replaces a share of the rows by rows of other data."""

    def change(from_: IntArray, rows: int, random: np.random.Generator) -> Observation:
        count = round(rows * share)
        kept = pool.observed.take(random.choice(from_, rows - count, replace=False))
        return joined(kept, other.take(random.choice(len(other), count, replace=False)))

    return change


def more_of_a_class(pool: Pool, share: float) -> Change:
    """Returns what draws more rows whose label is the first class."""

    def change(from_: IntArray, rows: int, random: np.random.Generator) -> Observation | None:
        first = from_[pool.labels[from_] == 0]
        others = from_[pool.labels[from_] != 0]
        count = round(rows * (len(first) / len(from_) + share))
        if count > len(first) or rows - count > len(others):
            return None  # too few rows in the pool
        chosen = [random.choice(first, count, replace=False),
                  random.choice(others, rows - count, replace=False)]  # fmt: skip
        return pool.observed.take(np.concatenate(chosen))

    return change


def joined(one: Observation, other: Observation) -> Observation:
    """Returns two observations as one."""
    features = None
    if one.features is not None and other.features is not None:
        features = np.concatenate([one.features, other.features])
    return Observation(
        np.concatenate([one.probabilities, other.probabilities]),
        {key: np.concatenate([one.values[key], other.values[key]]) for key in one.values},
        (*one.tokens, *other.tokens),
        features,
    )


def compare_rows(pool: Pool, reference: IntArray, new: Observation) -> Comparison:
    """Compares new rows with the reference that some rows of the pool give."""
    return compare(reference_of(pool, reference), new, pool.model.vocabulary)


def reference_of(pool: Pool, positions: IntArray) -> Reference:
    """Returns the reference of some rows, as an export measures it."""
    some = pool.observed.take(positions)
    counted = count_rows(pool.model, some, pool.labels[positions], "test", pool.words)
    if some.features is None:
        return counted
    moments = measure_moments(pool.fitted.features, some.features, pool.model.tensor)
    return replace(counted, features=moments)


def fill_pool(servable: Path, other: dict[str, Path], rows: int) -> Pool:
    """Observes the held-out rows of a model, and the rows of other data."""
    from modelwright.api.drift_rows import read_new_rows

    manifest = read_manifest(servable)
    model = observed_servable(servable, manifest, tensor=find_tensor(servable, manifest))
    config = DataConfig.model_validate(manifest.config["data"])
    data = reload_data(config, manifest.data, servable)
    split = data.splits["test"]
    positions = np.sort(np.random.default_rng(0).permutation(len(split))[:rows])
    inputs = raw_inputs(split, positions.tolist())
    train = data.splits["train"]
    fitted = raw_inputs(train, np.linspace(0, len(train) - 1, FITTED).astype(int).tolist())

    def answered(inputs: Sequence[RawInput]) -> Observation:
        return observe(model.engine, len(model.labels), inputs)

    shifted = {
        name: answered(read_new_rows(str(path), manifest, 2000, 0).inputs)
        for name, path in other.items()
    }
    return Pool(model, answered(inputs), split.labels[positions],
                tuple(choose_words(model, list(fitted))), answered(fitted), shifted)  # fmt: skip


if __name__ == "__main__":
    main()
