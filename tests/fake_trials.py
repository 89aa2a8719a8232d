"""Trials of a known function, in this process, with a death at any chosen moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from modelwright.recipes.resolve import resolve_config
from modelwright.trials.runner import EpochFinished, Event, TrialEnded, TrialKey
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import MachineRecord, TrialMetrics, TrialResult
from modelwright.tuning.dimension import Dimension, Values
from modelwright.tuning.search_folder import SearchFolder
from modelwright.tuning.search_plan import SearchPlan
from modelwright.tuning.search_settings import SearchSettings
from modelwright.tuning.trial_record import TrialRecord

BASE = {
    "data": {"source": "imdb"},
    "model": {"recipe": "bilstm"},
    "train": {"epochs": 4, "min_val_rows": 0},
}
ROWS = 400


class Died(BaseException):
    """The process ended here, without any cleaning up."""


@dataclass
class Fate:
    """Counts moments, and ends the process at one of them."""

    death: int = -1
    moments: int = 0

    def pass_moment(self) -> None:
        self.moments += 1
        if self.moments == self.death:
            raise Died


@dataclass(frozen=True)
class DyingFolder(SearchFolder):
    """A search's folder whose writer may die before and after each record."""

    fate: Fate = field(default_factory=Fate)

    def write_record(self, record: TrialRecord) -> None:
        self.fate.pass_moment()
        super().write_record(record)
        self.fate.pass_moment()


def make_plan(**search: Any) -> SearchPlan:
    dimension = Dimension("train.learning_rate", "float", 0.001, 0.01)
    settings = SearchSettings(**{"trials": 5, **search})
    config = resolve_config(options={**BASE, "name": "fake"})
    return SearchPlan("fake", BASE, config, (dimension,), settings)


class FollowingSampler:
    """Proposes values that depend on all that was recorded before, so that a change shows."""

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values | None:
        assert [one.number for one in records] == list(range(number))
        seen = sum(len(one.epochs) * (one.number + 1) for one in records)
        best = max((one.objective or 0.0 for one in records), default=0.0)
        share = (seen * 0.37 + best + 0.61 * number) % 1
        return {"train.learning_rate": round(0.001 + 0.009 * share, 6)}


class MeanPruner:
    """Ends a trial that is below the mean of the others after as many epochs."""

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        at = len(trial.epochs)
        known = [one.epochs[at - 1] for one in others if len(one.epochs) >= at]
        return len(known) >= 2 and trial.epochs[-1] < sum(known) / len(known)


class NoPruner:
    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        return False


def accuracy(trial: Trial, epoch: int) -> float:
    """A learning curve: the rate decides its height and its speed."""
    rate = trial.config.train.learning_rate * 100
    right = round(ROWS * (0.9 - (rate - 0.6) ** 2 / 2 - 0.3 / (epoch + rate)))
    return right / ROWS


@dataclass
class FakeRunner:
    """Trains the function. ``saved`` has the saved epochs of each trial, as run folders would.

    ``failures`` has the reasons of trials that fail, by their place among the starts.
    """

    saved: dict[TrialKey, int]
    fate: Fate = field(default_factory=Fate)
    slots: int = 1
    failures: Mapping[int, str] = field(default_factory=dict)
    epoch_values: Mapping[str, float] = field(default_factory=dict)
    started: list[Trial] = field(default_factory=list)
    _running: dict[TrialKey, Trial] = field(default_factory=dict)
    _events: list[Event] = field(default_factory=list)
    _answered: dict[TrialKey, bool] = field(default_factory=dict)

    def start(self, trial: Trial) -> None:
        if len(self._running) >= self.slots:
            raise RuntimeError
        assert trial.split == "val", "no other rows than validation rows are ever asked for"
        self.fate.pass_moment()
        self.started.append(trial)
        reason = self.failures.get(len(self.started) - 1)
        self._running[trial.key] = trial
        done = self.saved.setdefault(trial.key, 0)
        if reason is not None:
            self._events.append(TrialEnded(trial.key, "failed", reason=reason, seconds=1))
            return
        self._events += [self._epoch(trial, number + 1, earlier=True) for number in range(done)]
        self._answered[trial.key] = True

    def next_event(self, timeout: float | None = None) -> Event | None:
        self.fate.pass_moment()
        if not self._running:
            return None
        if not self._events:
            self._events.append(self._go_on(next(iter(self._running.values()))))
        event = self._events.pop(0)
        if isinstance(event, TrialEnded):
            trial = self._running.pop(event.key)
            self._running.pop(trial.key, None)
        elif self.slots > 1:  # the others go first
            self._running[event.key] = self._running.pop(event.key)
        self.fate.pass_moment()
        return event

    def _go_on(self, trial: Trial) -> Event:
        done = self.saved[trial.key]
        if not self._answered[trial.key]:
            return TrialEnded(trial.key, "stopped", seconds=1)
        if done == trial.config.train.epochs:
            return TrialEnded(trial.key, "finished", result=make_result(trial), seconds=1)
        self.saved[trial.key] = done + 1
        self.fate.pass_moment()
        return self._epoch(trial, done + 1, earlier=False)

    def _epoch(self, trial: Trial, number: int, *, earlier: bool) -> EpochFinished:
        value = accuracy(trial, number)
        values = {"val_accuracy": value, "val_loss": 1 - value, **self.epoch_values}
        return EpochFinished(trial.key, number, values, earlier)

    def answer(self, key: TrialKey, *, go_on: bool) -> None:
        self.fate.pass_moment()
        self._answered[key] = go_on
        self.fate.pass_moment()

    def close(self) -> None:
        self._running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def make_result(trial: Trial) -> TrialResult:
    """Returns the measurement of a trial after its last epoch."""
    epochs = trial.config.train.epochs
    share = accuracy(trial, epochs)
    metrics = TrialMetrics(
        rows=ROWS, right=round(share * ROWS), accuracy=share, macro_f1=share - 0.01,
        majority_accuracy=0.5, calibration_error=0.1, train_accuracy=0.95,
        splits={"train": 2000, "val": ROWS, "test": 500}, minutes=0.5, epochs=epochs,
        best_epoch=epochs, parameters=int(trial.config.train.learning_rate * 10**8),
        precision="float32",
    )  # fmt: skip
    machine = MachineRecord(name="fake", memory_mib=1, instruction_sets=(), versions={})
    return TrialResult(
        variant=trial.variant, seed=trial.seed, config={}, fingerprint="f", machine=machine,
        date="2026-01-01", figures=metrics,
    )  # fmt: skip


def plain(records: Sequence[TrialRecord]) -> list[dict[str, Any]]:
    """Returns records without the time that they took."""
    return [one.model_dump(exclude={"seconds"}) for one in records]


def new_folder(path: Path, fate: Fate | None = None) -> DyingFolder:
    path.mkdir(parents=True, exist_ok=True)
    return DyingFolder(path, fate or Fate())
