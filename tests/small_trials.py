"""Trials of tiny networks, and a runner that trains nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from modelwright.core.types import Dataset
from modelwright.recipes.resolve import resolve_config
from modelwright.trials.runner import EpochFinished, Event, Runner, TrialEnded
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import (
    MachineRecord,
    TrialMetrics,
    TrialResult,
    write_trial_result,
)

_MACHINE = MachineRecord(name="a", memory_mib=1, instruction_sets=(), versions={"python": "3"})


def image_trial(source: Path, folder: Path, variant: str = "small", **changes: Any) -> Trial:
    """Returns a trial that trains two epochs; ``changes`` are keys of ``[train]``."""
    config = resolve_config(
        options={
            "data": {"source": str(source), "test": 0.3},
            "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 4},
            "train": {
                "epochs": 2, "batch_size": 8, "precision": "float32", "tensorboard": False,
                "seed": 3, **changes,
            },
        }
    )  # fmt: skip
    return Trial(variant, config, folder / variant, folder / f"{variant}.json")


def text_trial(source: Path, folder: Path, variant: str = "text", **changes: Any) -> Trial:
    """Returns a trial of a text model; ``changes`` are keys of ``[model]``."""
    config = resolve_config(
        options={
            "data": {"source": str(source), "test": 0.2},
            "model": {
                "recipe": "textcnn", "filters": 4, "embedding": 4, "length": 12, "context": 0,
                **changes,
            },
            "train": {
                "epochs": 1, "batch_size": 64, "precision": "float32", "tensorboard": False,
                "min_steps": 0,
            },
        }
    )  # fmt: skip
    return Trial(variant, config, folder / variant, folder / f"{variant}.json")


def until_end(runner: Runner, *, go_on: bool = True) -> tuple[list[EpochFinished], TrialEnded]:
    """Answers the epochs of the one trial that runs, and returns them and its end."""
    epochs: list[EpochFinished] = []
    while event := runner.next_event(120):
        if isinstance(event, TrialEnded):
            return epochs, event
        epochs.append(event)
        if not event.earlier:
            runner.answer(event.key, go_on=go_on)
    raise AssertionError("the trial did not end")


class InstantRunner:
    """A runner that makes up results. Of several trials, the one that started last ends first."""

    def __init__(self, data: Dataset, slots: int = 2) -> None:
        """Takes the data of the trials, and the number of trials that it has at the same time."""
        self.data, self.slots = data, slots
        self.running: list[Trial] = []
        self.answers: list[tuple[tuple[str, int], bool]] = []
        self.together: list[list[tuple[str, int]]] = []
        """The trials that ran at the same time, each time that one of them ended."""
        self.closed = 0
        self.interrupt_after: int | None = None
        self.crash: str | None = None
        self._asked: tuple[str, int] | None = None

    def start(self, trial: Trial) -> None:
        """Takes a trial."""
        assert len(self.running) < self.slots
        assert trial.run not in [one.run for one in self.running], "two trainings of one run"
        self.running.append(trial)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Returns one epoch of the trial that was started last, then its end."""
        if not self.running:
            return None
        trial = self.running[-1]
        if self._asked != trial.key:
            self._asked = trial.key
            return EpochFinished(trial.key, 1, {"accuracy": 0.25, "loss": 1.0})
        assert self.answers[-1] == (trial.key, True)
        if self.interrupt_after == len(self.together):
            raise KeyboardInterrupt
        self.together.append([one.key for one in self.running])
        self.running.pop()
        self._asked = None
        if self.crash == trial.variant:
            return TrialEnded(trial.key, "failed", reason="its process was killed (SIGKILL)")
        trial.run.mkdir(parents=True, exist_ok=True)
        result = self._result(trial)
        write_trial_result(trial.result, result)
        return TrialEnded(trial.key, "finished", result)

    def answer(self, key: tuple[str, int], *, go_on: bool) -> None:
        """Remembers an answer."""
        self.answers.append((key, go_on))

    def close(self) -> None:
        """Forgets its trials."""
        self.closed += 1
        self.running.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _result(self, trial: Trial) -> TrialResult:
        metrics = TrialMetrics(
            rows=8, right=4 + trial.seed, accuracy=(4 + trial.seed) / 8, macro_f1=0.5,
            majority_accuracy=0.4, calibration_error=0.1, train_accuracy=0.9,
            splits=self.data.counts(), minutes=0.1, epochs=2, best_epoch=2,
            parameters=len(trial.variant), precision="float32",
        )  # fmt: skip
        return TrialResult(
            variant=trial.variant, seed=trial.seed, config=trial.config.model_dump(mode="json"),
            fingerprint=self.data.fingerprint, machine=_MACHINE, date="2026-01-02",
            figures=metrics, order="0", right=["f0", "f8"][trial.seed % 2],
        )  # fmt: skip
