"""A runner carries out trainings elsewhere: in processes of this machine, or on other machines.

The caller starts trials, asks for events and answers each finished epoch. So what decides about
trainings, a study or a search, knows nothing of where they run.

    with runner:
        runner.start(trial)
        while event := runner.next_event():
            if isinstance(event, EpochFinished):
                runner.answer(event.key, go_on=True)

A runner is one file, registered in ``trials/registry.py`` or as an entry point in
``modelwright.runners``. Loads no framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Protocol, Self

from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult

TrialKey = tuple[str, int]
"""The variant and the seed of a trial."""
Outcome = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class EpochFinished:
    """An epoch of a trial was saved. The training waits for the answer.

    A training that goes on reports the epochs of its checkpoint first, and waits for no answer to
    them.

    Attributes:
        key: the trial.
        number: the epoch, from 1.
        values: accuracy and loss, and val_accuracy and val_loss with validation rows.
        earlier: whether the epoch comes from the checkpoint of an interrupted training.
    """

    key: TrialKey
    number: int
    values: Mapping[str, float]
    earlier: bool = False


@dataclass(frozen=True)
class TrialEnded:
    """A trial came to its end here.

    Attributes:
        key: the trial.
        outcome: ``finished`` with a result; ``stopped`` by an answer, its run can go on;
            ``failed`` for a reason of the trial itself, or because its process died.
        result: the measurement of a finished trial, which is also in its file here.
        reason: why it failed, in one line.
        seconds: time spent on it here, with building and measuring.
    """

    key: TrialKey
    outcome: Outcome
    result: TrialResult | None = None
    reason: str = ""
    seconds: float = 0.0


Event = EpochFinished | TrialEnded


class Runner(Protocol):
    """Carries out trials, ``slots`` at a time. A class derived from it is a context manager."""

    @property
    def slots(self) -> int:
        """The number of trials that run at the same time."""

    def start(self, trial: Trial) -> None:
        """Starts a trial, or goes on with its run, and returns at once.

        Raises:
            RuntimeError: all slots are taken.
        """

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Returns the next event; None if no trial runs, or none came in ``timeout`` seconds.

        Raises:
            MissingDependencyError: a package is missing, for this trial and for all others.
        """

    def answer(self, key: TrialKey, *, go_on: bool) -> None:
        """Answers a finished epoch: the training goes on, or stops with a run that can go on."""

    def close(self) -> None:
        """Ends all trials. Their runs can go on after the last saved epoch."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
