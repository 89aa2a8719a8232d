"""The trainings of a study: one after the other in this process, or by a runner."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelwright.core.kept import kept_between_trainings, usual_room_mib
from modelwright.core.types import Progress
from modelwright.training.runtime import without_retracing_warnings
from modelwright.trials.run_trial import failed_result, run_trial
from modelwright.trials.runner import Runner
from modelwright.trials.trial import Trial
from modelwright.trials.trial_queue import ended_trials
from modelwright.trials.trial_result import TrialResult, write_trial_result

Record = Callable[[Trial, TrialResult], None]


def train_all(
    trials: Sequence[Trial],
    fingerprint: str,
    record: Record,
    runner: Runner | None,
    progress: Progress | None,
) -> None:
    """Trains and measures trials until all have a result, or somebody stops a training.

    Args:
        trials: what to train, in this order.
        fingerprint: the fingerprint of their data.
        record: called with each trial and its result, that of a failed one too.
        runner: carries them out, and is closed if anything stops it; None for this process.
        progress: called at each step.

    Raises:
        MissingDependencyError: a package is missing, for all trials.
    """
    if runner is None:
        with kept_between_trainings(usual_room_mib()), without_retracing_warnings():
            _train_here(trials, fingerprint, record, progress)
        return
    try:
        for trial, ended in ended_trials(runner, trials, progress):
            result = ended.result
            if ended.outcome == "failed":
                result = failed_result(trial, fingerprint, ended.reason)
                write_trial_result(trial.result, result)
            if result is not None:
                record(trial, result)
    except BaseException:
        runner.close()
        raise


def _train_here(
    trials: Sequence[Trial], fingerprint: str, record: Record, progress: Progress | None
) -> None:
    for number, trial in enumerate(trials, 1):
        position = f"{trial.name}, {number} of {len(trials)}"
        result = run_trial(
            trial, fingerprint=fingerprint, progress=_with_suffix(progress, position)
        )
        if result is None:
            return
        record(trial, result)


def _with_suffix(progress: Progress | None, text: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{what}  [{text}]", done, total)
