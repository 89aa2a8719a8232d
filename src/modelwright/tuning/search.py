"""The loop of a search: asks for settings, starts trials, and records what they give.

All state is in the records of the folder. Every decision is written before it takes effect, so a
search that is killed at any moment goes on as if it had not been. With one trial at a time, the
finished search is the same, trial for trial.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from modelwright.core.errors import ConfigError, RunError, WriteError
from modelwright.core.types import Progress
from modelwright.trials.runner import EpochFinished, Runner, TrialEnded
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult
from modelwright.tuning.objective import ranked_trials, trial_figures, trial_objective
from modelwright.tuning.outcomes import (
    SAME_FAILURES,
    best_trials,
    failed_record,
    is_write_refusal,
    judge_epoch,
    repeated_failure,
)
from modelwright.tuning.pruners.pruner import Pruner
from modelwright.tuning.samplers.sampler import Sampler
from modelwright.tuning.search_folder import SearchFolder
from modelwright.tuning.search_plan import SearchPlan, planned_epochs
from modelwright.tuning.trial_record import TrialRecord

_SECONDS_BETWEEN_NOTES = 5.0
"""Seconds after which the time of the search is noted again."""


@dataclass(frozen=True)
class Ending:
    """How a search came to its end, and why if not all of its trials were made."""

    status: Literal["finished", "failed"] = "finished"
    reason: str = ""


@dataclass(frozen=True)
class _Active:
    """A trial that runs now: its most epochs, and its time before and since when."""

    epochs: int
    seconds_before: float
    begun: float = field(default_factory=time.monotonic)


@dataclass
class Search:
    """One session of a search.

    Attributes:
        plan: what to search.
        folder: where the records and runs lie.
        runner: carries out the trials.
        sampler: proposes settings.
        pruner: ends trials early.
        measure_latency: returns the milliseconds a row of a run; asked only with a limit.
        on_end: called after each trial that ended.
        failed_before: whether the session before ended because its last trials failed. Then only
            new failures end this one.
        progress: called after each epoch and trial.
        records: all trials by number.
    """

    plan: SearchPlan
    folder: SearchFolder
    runner: Runner
    sampler: Sampler
    pruner: Pruner
    measure_latency: Callable[[Path], float] | None = None
    on_end: Callable[[], object] = lambda: None
    progress: Progress | None = None
    failed_before: bool = False
    records: dict[int, TrialRecord] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.records = {one.number: one for one in self.folder.read_records()}
        self._waiting = [one.number for one in self.ordered() if one.state == "running"]
        self._active: dict[int, _Active] = {}
        self._ending: Ending | None = None
        self._seconds_before = self.folder.read_seconds()
        self._begun = self._noted = time.monotonic()
        if not self.failed_before:
            self._check_failures()

    @property
    def seconds(self) -> float:
        """The time of all sessions of the search."""
        return self._seconds_before + time.monotonic() - self._begun

    def ordered(self) -> list[TrialRecord]:
        """Returns all records in the order of their numbers."""
        return [self.records[number] for number in sorted(self.records)]

    def run(self) -> Ending:
        """Searches until the trials or the minutes are used up, or nothing can succeed.

        Raises:
            WriteError: the disk is full, here or where a trial runs.
            MissingDependencyError: a package is missing, for all trials.
        """
        while self._ending is None or self._ending.status == "finished":
            while len(self._active) < self.runner.slots and self._start_next():
                pass
            if not self._active:
                break
            asked = time.monotonic()
            event = self.runner.next_event(_SECONDS_BETWEEN_NOTES)
            if isinstance(event, EpochFinished):
                self._on_epoch(event)
            elif isinstance(event, TrialEnded):
                self._on_end(event)
            elif time.monotonic() - asked < _SECONDS_BETWEEN_NOTES / 2:
                raise RuntimeError(f"the runner lost the trials {sorted(self._active)}.")
            else:
                self._note_time()
        self._note_time()
        return self._ending or self._usual_ending()

    def _usual_ending(self) -> Ending:
        failed = [one for one in self.ordered() if one.state == "failed"]
        if failed and len(failed) == len(self.records):
            first = failed[0]
            return Ending("failed", f"all trials failed, trial {first.number}: {first.reason}")
        limit = self.plan.search.trial_limit
        unfinished = any(one.state == "running" for one in self.records.values())
        if self._out_of_time() and (limit is None or len(self.records) < limit or unfinished):
            return Ending("finished", f"its {self.plan.search.minutes:g} minutes are used up")
        return Ending()

    def _out_of_time(self) -> bool:
        minutes = self.plan.search.minutes
        return minutes is not None and self.seconds >= minutes * 60

    def _start_next(self) -> bool:
        """Goes on with a trial or begins one; returns False if there is none."""
        if self._ending or self._out_of_time():
            return False
        record = self.records[self._waiting.pop(0)] if self._waiting else self._propose()
        if record is not None:
            self._start(record)
        return record is not None

    def _propose(self) -> TrialRecord | None:
        """Records the next trial; None if there is none to make."""
        # A trial whose folder was deleted is proposed again, from the trials that it came after.
        number = next(one for one in itertools.count() if one not in self.records)
        limit = self.plan.search.trial_limit
        if limit is not None and number >= limit:
            return None
        before = [one for one in self.ordered() if one.number < number]
        values = self.sampler.propose(number, before)
        if values is None:
            self._ending = Ending(reason=f"the space has no more settings after {number} trials")
            return None
        record = TrialRecord(number=number, values=values)
        self._save(record)
        return record

    def _start(self, record: TrialRecord) -> None:
        number = record.number
        try:
            config = self.plan.trial_config(record.values)
        except ConfigError as error:
            self._save(record.model_copy(update={"state": "failed", "reason": str(error)}))
            self._check_failures()
            return
        run, result = self.folder.run(number), self.folder.result(number)
        self._active[number] = _Active(planned_epochs(config), record.seconds)
        self.runner.start(Trial(f"{number:04}", config, run, result, split="val"))
        self._show(record)

    def _on_epoch(self, event: EpochFinished) -> None:
        """Records an epoch with the decision about it, then answers."""
        number = int(event.key[0])
        record, last = self.records[number], event.number >= self._active[number].epochs
        if record.state == "running" and event.number > len(record.epochs):
            others = [one for one in self.ordered() if one.number != number]
            pruner = None if last else self.pruner
            record = judge_epoch(record, event, others, self.plan.search, pruner)
            self._save(self._timed(record))
            self._show(record)
        if not event.earlier:
            go_on = record.state == "running" and (last or not self._out_of_time())
            self.runner.answer(event.key, go_on=go_on)

    def _on_end(self, event: TrialEnded) -> None:
        number = int(event.key[0])
        record = self._timed(self.records[number])
        del self._active[number]
        if record.state == "running" and event.outcome == "finished" and event.result is not None:
            record = self._finish(record, event.result)
        elif record.state == "running" and event.outcome == "failed":
            record = self._fail(record, event.reason)
        self._save(record)
        self._delete_other_runs()
        self._check_failures()
        self._show(record)
        self.on_end()

    def _finish(self, record: TrialRecord, result: TrialResult) -> TrialRecord:
        """Returns the record of a trial that was trained to its end and measured."""
        if result.error is not None:
            return self._fail(record, result.error)
        search, figures = self.plan.search, trial_figures(result.metrics)
        try:
            objective = trial_objective(search.objective, result.metrics, record.epochs)
            if search.max_latency is not None and self.measure_latency is not None:
                figures["latency_ms"] = self.measure_latency(self.folder.run(record.number))
        except RunError as error:
            return self._fail(record, str(error))
        update = {"state": "finished", "objective": objective, "figures": figures, "reason": ""}
        return record.model_copy(update=update)

    def _fail(self, record: TrialRecord, reason: str) -> TrialRecord:
        if is_write_refusal(reason):
            raise WriteError(f"trial {record.number} stopped: {reason} The search can go on later.")
        record = failed_record(record, reason, self.plan.search.retries)
        if record.state == "running":
            self._waiting.insert(0, record.number)
        return record

    def _check_failures(self) -> None:
        """Ends the search if the last trials failed in a row for the same reason."""
        if reason := repeated_failure(self.ordered()):
            self._ending = Ending("failed", f"{SAME_FAILURES} trials in a row failed: {reason}")

    def _delete_other_runs(self) -> None:
        """Deletes the runs of ended trials that are not among the best, if the plan says so."""
        if self.plan.search.keep == "best":
            kept = {one.number for one in best_trials(self.ordered(), self.plan.search)}
            for one in self.ordered():
                if one.state in ("finished", "pruned") and one.number not in kept:
                    self.folder.delete_run(one.number)

    def _timed(self, record: TrialRecord) -> TrialRecord:
        active = self._active[record.number]
        seconds = active.seconds_before + time.monotonic() - active.begun
        return record.model_copy(update={"seconds": round(seconds, 3)})

    def _save(self, record: TrialRecord) -> None:
        self.folder.write_record(record)
        self.records[record.number] = record
        if time.monotonic() - self._noted > _SECONDS_BETWEEN_NOTES:
            self._note_time()

    def _note_time(self) -> None:
        """Notes the time of the search, so that a kill loses only seconds of it."""
        self.folder.write_seconds(self.seconds)
        self._noted = time.monotonic()

    def _show(self, record: TrialRecord) -> None:
        if self.progress is None:
            return
        search = self.plan.search
        epoch = f", epoch {len(record.epochs)}: {record.epochs[-1]:.4f}" if record.epochs else ""
        ranked = ranked_trials(self.ordered(), search)
        best = f"  best {search.objective} {ranked[0].objective:.4f}" if ranked else ""
        ended = sum(one.state != "running" for one in self.records.values())
        self.progress(f"trial {record.number}{epoch}{best}", ended, search.trial_limit or 0)
