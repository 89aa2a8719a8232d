"""``modelwright.stream``: strategies learn domain after domain, and it is measured what they keep.

Each cell of a study, one strategy in one order with one seed, leaves its result in the study's
folder, so that an interrupted study goes on at the next cell.
"""

from __future__ import annotations

import gc
import shlex
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError, ModelwrightError
from modelwright.core.hardware import detect
from modelwright.core.kept import kept_between_trainings, usual_room_mib
from modelwright.core.packages import versions
from modelwright.core.types import Progress
from modelwright.learning.lesson import Strength
from modelwright.learning.registry import find_strategy
from modelwright.learning.strategy import Strategy
from modelwright.learning.update_settings import settings_for_update
from modelwright.runs.run import Run
from modelwright.streams.cell import Cell, CellSettings, EncodedStep
from modelwright.streams.cell_result import (
    CellKey,
    CellResult,
    read_cell,
    refuse_changed_cells,
    write_cell,
)
from modelwright.streams.domains import StreamData, load_stream_data
from modelwright.streams.figures import uninformed_f1
from modelwright.streams.first_network import train_first
from modelwright.streams.material import Material, encoded, first_data, make_material
from modelwright.streams.memory import check_keep
from modelwright.streams.networks import Networks, first_weights, start
from modelwright.streams.orders import Order, find_orders
from modelwright.streams.plan import StreamPlan
from modelwright.streams.plan_file import read_stream_plan
from modelwright.streams.report import StreamReport
from modelwright.streams.study_files import locked, write_report
from modelwright.streams.vocabularies import step_tokenizers, token_count
from modelwright.training.runtime import gpu_details, without_retracing_warnings
from modelwright.trials.trial_result import MachineRecord

_FIRST = "first"


def stream(
    study: Path | str | Mapping[str, Any] | StreamPlan,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> StreamReport:
    """Learns a stream of domains or classes with several strategies, and compares what is kept.

    For each order and seed the first domain trains an ordinary network. Then every strategy learns
    the other domains one after the other, and the model is measured on the test rows of all domains
    after each. A cell that fails is recorded and the others go on. Ctrl-C ends the study with a
    report whose status is ``stopped``.

    Args:
        study: a TOML file, a mapping with the same keys, or a plan; see ``streams.plan_file``.
        out: the study's folder, ``streams/NAME`` by default. Cells that finished there are not
            repeated.
        progress: called at each step.

    Raises:
        ConfigError: the study cannot be used.
        DataError: the data cannot be used.
        RunError: the folder has cells of other settings or other rows.

    Example:
        ``stream("stream.toml").strategies[0].decay``
    """
    plan = study if isinstance(study, StreamPlan) else read_stream_plan(study, progress)
    folder = Path(out) if out is not None else Path("streams") / plan.name
    file = str(study) if isinstance(study, Path | str) else "STREAM.toml"
    command = shlex.join(["modelwright", "stream", file, "--out", str(folder)])
    with kept_between_trainings(usual_room_mib()), without_retracing_warnings():
        return _Study(plan, folder, command, progress).run()


@dataclass(frozen=True)
class _Start:
    """What all strategies of one order and seed begin with."""

    material: Material
    run: Run
    weights: Any
    tokenizers: Sequence[Any]


class _Study:
    """One study: its rows, its cells, and what is known of them."""

    def __init__(
        self, plan: StreamPlan, folder: Path, command: str, progress: Progress | None
    ) -> None:
        self._plan, self._folder, self._command = plan, folder, command
        self._progress = progress
        self._strategies, self._notes = _fitting(plan)
        self._data: StreamData = load_stream_data(plan, progress)
        self._orders = find_orders(plan, self._data.tags)
        # All orders are made here, so that one that cannot be is told before any training.
        self._materials = {one.number: make_material(self._data, one) for one in self._orders}
        self._check_keep()
        self._settings = {one.number: plan.settings(one.names) for one in self._orders}
        self._networks = Networks()
        keys = [
            CellKey(order.number, seed, strategy.name)
            for order in self._orders
            for seed in plan.seeds
            for strategy in self._strategies
        ]
        found = {key: read_cell(key.path(folder)) for key in keys}
        # A cell that failed is measured anew.
        self._results = {key: one for key, one in found.items() if one and one.error is None}
        self._waiting = [key for key in keys if key not in self._results]
        refuse_changed_cells(
            folder, list(self._results.values()), self._settings, self._data.fingerprint
        )

    def run(self) -> StreamReport:
        """Measures the cells that are missing and returns the report."""
        with locked(self._folder):
            try:
                # A study that is stopped early then has all orders with some of the seeds.
                for seed in self._plan.seeds:
                    for order in self._orders:
                        self._run_seed(order, seed)
            except KeyboardInterrupt:
                pass  # the status of the report says so
            return self._report()

    def _check_keep(self) -> None:
        """Checks that each order keeps rows for the strategies that need them."""
        kept = [one.name for one in self._strategies if one.needs == "kept"]
        for material in self._materials.values():
            train, domain = material.train, material.order.names[0]
            check_keep(self._plan.keep, train.labels[train.of_step(0)], domain, kept)

    def _run_seed(self, order: Order, seed: int) -> None:
        here = (order.number, seed)
        waiting = [key for key in self._waiting if (key.order, key.seed) == here]
        if not waiting:
            return
        begin = self._start(order, seed)
        for key in waiting:
            strategy = next(one for one in self._strategies if one.name == key.strategy)
            result = self._measure(key, begin, strategy)
            write_cell(self._folder, result)
            self._results[key] = result
            gc.collect()
        shutil.rmtree(begin.run.path, ignore_errors=True)
        self._report()

    def _start(self, order: Order, seed: int) -> _Start:
        material = self._materials[order.number]
        folder = self._folder / _FIRST / f"order-{order.number}-seed-{seed}"
        data = first_data(self._data, material)
        progress = self._said(f"first domain, order {order.number}, seed {seed}")
        run = train_first(self._plan.config_for(seed), data, folder, progress)
        tokenizers = step_tokenizers(
            run, material.train, len(order.steps), grow=self._plan.grow_tokens
        )
        return _Start(material, run, first_weights(run, self._networks), tokenizers)

    def _measure(self, key: CellKey, begin: _Start, strategy: Strategy) -> CellResult:
        """Returns the result of a cell, that of one that fails too."""
        plan, material, run = self._plan, begin.material, begin.run
        progress = self._said(str(key))

        def encode(step: int) -> EncodedStep:
            tokenizer = begin.tokenizers[step]
            return EncodedStep(
                encoded(material.train.rows, tokenizer, progress),
                encoded(material.test.rows, tokenizer, progress),
                token_count(tokenizer),
            )

        tokens = token_count(begin.tokenizers[0])
        line = start(run, begin.weights, self._networks, tokens)
        train = settings_for_update(
            plan.config_for(key.seed).train, epochs=plan.epochs, rate=plan.rate
        )
        settings = CellSettings(train, plan.keep, key.seed, Strength(**plan.strength))
        test, steps = material.test, range(len(material.order.steps))
        found: dict[str, Any] = {
            "order": key.order,
            "seed": key.seed,
            "strategy": key.strategy,
            "steps": material.order.names,
            "settings": self._settings[key.order],
            "fingerprint": self._data.fingerprint,
            "machine": _machine(),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "train_rows": [len(material.train.of_step(step)) for step in steps],
            "test_rows": [len(test.of_step(step)) for step in steps],
            "uninformed": uninformed_f1(test.labels, test.steps),
            "first_seconds": run.metrics["seconds"],
        }
        try:
            figures = Cell(strategy, material, encode, line, settings, progress).run()
        except MissingDependencyError:
            raise
        except ModelwrightError as error:
            return CellResult(**found, error=str(error))
        notes = tuple(dict.fromkeys(figures.notes))
        return CellResult(**found, **{**vars(figures), "notes": notes})

    def _report(self) -> StreamReport:
        return write_report(
            self._plan,
            self._folder,
            self._command,
            self._data,
            self._orders,
            self._strategies,
            (self._results, self._notes),
        )

    def _said(self, where: str) -> Progress | None:
        progress = self._progress
        if progress is None:
            return None
        return lambda what, done, total: progress(f"{what}  [{where}]", done, total)


def _fitting(plan: StreamPlan) -> tuple[list[Strategy], list[str]]:
    """Returns the strategies that fit the network, and notes about the others.

    Raises:
        ConfigError: none fits.
    """
    fitting, notes = [], [*plan.notes]
    for name in plan.strategies:
        strategy = find_strategy(name)
        if reason := strategy.unfit(plan.config.model):
            notes.append(f"{name} is left out: {reason}")
        else:
            fitting.append(strategy)
    if not fitting:
        raise ConfigError(
            f"no strategy of the study fits recipe '{plan.config.recipe}': {'; '.join(notes)}."
        )
    return fitting, notes


def _machine() -> MachineRecord:
    hardware, gpu = detect(), gpu_details()
    name = "no GPU" if gpu is None else str(gpu.get("device_name", "a GPU without a name"))
    return MachineRecord(
        name=f"{hardware.name}, {name}",
        memory_mib=hardware.memory_mib,
        instruction_sets=tuple(hardware.instruction_sets),
        versions=versions(),
    )
