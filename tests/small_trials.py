"""Trials of tiny networks on a few images, and what a runner says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from modelwright.recipes.resolve import resolve_config
from modelwright.trials.carry_out import carry_out
from modelwright.trials.runner import EpochFinished, Event, Runner, TrialEnded
from modelwright.trials.trial import Trial


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
                "recipe": "bilstm", "units": [4], "embedding": 4, "length": 12, "dropout": 0.1,
                **changes,
            },
            "train": {
                "epochs": 2, "batch_size": 16, "precision": "float32", "tensorboard": False,
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


class InProcessRunner:
    """A runner without processes: it carries out a trial when its events are asked for.

    Of two trials that it has at the same time, the later one ends first.
    """

    def __init__(self, slots: int = 2) -> None:
        """Takes the number of trials that it has at the same time."""
        self.slots = slots
        self.running: list[Trial] = []
        self.answers: list[tuple[tuple[str, int], bool]] = []
        self.together: list[list[tuple[str, int]]] = []
        self.closed = 0
        self.interrupt_after: int | None = None
        self.crash: str | None = None
        self._events: list[Event] = []

    def start(self, trial: Trial) -> None:
        """Takes a trial."""
        assert len(self.running) < self.slots
        assert trial.run not in [one.run for one in self.running], "two trainings of one run"
        self.running.append(trial)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Carries out the trial that was started last."""
        if not self._events and self.running:
            self.together.append([trial.key for trial in self.running])
            if self.interrupt_after == len(self.together) - 1:
                raise KeyboardInterrupt
            trial = self.running.pop()
            if self.crash == trial.variant:
                return TrialEnded(trial.key, "failed", reason="its process was killed (SIGKILL)")
            ended = carry_out(trial, lambda epoch: self._events.append(epoch) or True)
            self._events.append(ended)
        return self._events.pop(0) if self._events else None

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
