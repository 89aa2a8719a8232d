"""Hands trials to a runner until all of them have ended. Loads no framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from modelwright.core.types import Progress
from modelwright.trials.runner import EpochFinished, Runner, TrialEnded
from modelwright.trials.trial import Trial


def ended_trials(
    runner: Runner, trials: Sequence[Trial], progress: Progress | None = None
) -> Iterator[tuple[Trial, TrialEnded]]:
    """Yields each trial with how it ended, in the order in which they end.

    Every training goes on to its end. Trials that share a run follow each other, so the later one
    finds the run trained.

    Args:
        runner: carries out the trials.
        trials: what to carry out, with different keys.
        progress: called at each start, epoch and end.
    """
    waiting, running = list(trials), dict[tuple[str, int], Trial]()
    show = _progress_of(len(trials), progress)
    while waiting or running:
        busy = {trial.run for trial in running.values()}
        while len(running) < runner.slots and (trial := _next(waiting, busy)):
            waiting.remove(trial)
            running[trial.key] = trial
            busy.add(trial.run)
            runner.start(trial)
            show(f"starting  [{trial.name}]", len(trials) - len(waiting) - len(running))
        event = runner.next_event()
        if event is None:
            raise RuntimeError(f"the runner has lost {', '.join(map(str, running))}.")
        trial = running[event.key]
        if isinstance(event, EpochFinished):
            if not event.earlier:
                runner.answer(event.key, go_on=True)
            accuracy = event.values.get("val_accuracy", event.values["accuracy"])
            text = f"epoch {event.number}  accuracy {accuracy:.4f}  [{trial.name}]"
            show(text, len(trials) - len(waiting) - len(running))
            continue
        del running[event.key]
        show(f"{event.outcome}  [{trial.name}]", len(trials) - len(waiting) - len(running))
        yield trial, event


def _next(waiting: Sequence[Trial], busy: set[Path]) -> Trial | None:
    """Returns the first trial whose run is not being trained."""
    return next((trial for trial in waiting if trial.run not in busy), None)


def _progress_of(total: int, progress: Progress | None) -> Callable[[str, int], None]:
    if progress is None:
        return lambda text, done: None
    return lambda text, done: progress(f"{done} of {total}  {text}", done, total)
