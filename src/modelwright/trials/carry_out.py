"""Carries out one trial in this process and reports its events, as the workers of runners do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from modelwright.core.errors import MissingDependencyError, brief
from modelwright.core.types import Progress
from modelwright.trials.run_trial import run_trial
from modelwright.trials.runner import EpochFinished, Outcome, TrialEnded
from modelwright.trials.trial import Trial


def carry_out(
    trial: Trial,
    on_epoch: Callable[[EpochFinished], bool],
    *,
    progress: Progress | None = None,
) -> TrialEnded:
    """Trains and measures a trial, or goes on with its run, and returns how it ended.

    A trial that was trained and measured before ends at once.

    Args:
        trial: what to train, and where.
        on_epoch: called after each saved epoch; where it returns False, the training stops and its
            run can go on. The answers to earlier epochs of the run are ignored.
        progress: called at each step.

    Raises:
        MissingDependencyError: a package is missing, for this trial and for all others.
    """
    started = time.monotonic()

    def report(number: int, values: Mapping[str, float], earlier: bool) -> bool:
        return on_epoch(EpochFinished(trial.key, number, values, earlier))

    result, reason = None, ""
    try:
        result = run_trial(trial, on_epoch=report, progress=progress)
    except MissingDependencyError:
        raise
    except Exception as error:  # noqa: BLE001 - a library or a user's function may raise anything
        reason = f"{type(error).__name__}: {brief(error)}"
    seconds = time.monotonic() - started
    if result is not None and result.error is not None:
        reason = result.error
    if reason:
        return TrialEnded(trial.key, "failed", reason=reason, seconds=seconds)
    outcome: Outcome = "stopped" if result is None else "finished"
    return TrialEnded(trial.key, outcome, result=result, seconds=seconds)
