"""What becomes of a trial: decisions about its record, as functions of records alone.

They write nothing and start nothing; ``search`` does.
"""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Sequence

from modelwright.core.errors import REFUSALS
from modelwright.trials.runner import EpochFinished
from modelwright.tuning.objective import epoch_objective, ranked_trials
from modelwright.tuning.pruners.pruner import Pruner
from modelwright.tuning.search_settings import SearchSettings
from modelwright.tuning.trial_record import TrialRecord

COMPARED = 3
"""The number of best trials whose settings are compared on test rows and whose runs are kept."""
_NO_ROOM = tuple(code for code in REFUSALS if code not in (errno.EACCES, errno.EPERM))
"""Errors of the system that only a write gives."""
_DIED = "its process "
"""How the reason of a trial begins whose process died."""
SAME_FAILURES = 3
"""Failures in a row for one reason that end a search."""


def judge_epoch(
    record: TrialRecord,
    event: EpochFinished,
    others: Sequence[TrialRecord],
    search: SearchSettings,
    pruner: Pruner | None,
) -> TrialRecord:
    """Returns a record with another epoch and the decision about it.

    Args:
        record: the record before.
        event: the epoch.
        others: all other trials.
        search: the objective.
        pruner: decides; None after the last epoch, when there is nothing left to save.
    """
    value = epoch_objective(search.objective, event.values)
    if value is None or not math.isfinite(value):
        found = "there is none" if value is None else f"it is {value}"
        reason = f"no usable {search.objective} after epoch {event.number}: {found}"
        return record.model_copy(update={"state": "failed", "reason": reason})
    record = record.model_copy(update={"epochs": (*record.epochs, float(value))})
    if pruner is None or not pruner.stops(record, others):
        return record
    best = max(record.epochs) if search.higher_is_better else min(record.epochs)
    reason = f"{search.pruner} ended it after epoch {event.number}"
    return record.model_copy(update={"state": "pruned", "objective": best, "reason": reason})


def failed_record(record: TrialRecord, reason: str, retries: int) -> TrialRecord:
    """Returns the record of a trial that failed, or one to go on with.

    A training whose process died may succeed when it goes on from its last epoch, as after a kill
    or when another program took the memory. Any other failure would only repeat itself.
    """
    if reason.startswith(_DIED) and record.attempts <= retries:
        return record.model_copy(update={"attempts": record.attempts + 1})
    return record.model_copy(update={"state": "failed", "reason": reason})


def is_write_refusal(reason: str) -> bool:
    """Returns whether a trial failed because the machine refused to write, as on a full disk.

    No settings can help then, so the failure is not the trial's.
    """
    if any(f"cannot be written: {os.strerror(code)}" in reason for code in REFUSALS):
        return True
    return any(f"[Errno {code}]" in reason for code in _NO_ROOM)


def repeated_failure(records: Sequence[TrialRecord]) -> str:
    """Returns why the last trials failed, if all did for the same reason; otherwise nothing.

    Reasons that differ only in numbers are the same.
    """
    last = [one for one in records if one.state != "running"][-SAME_FAILURES:]
    if len(last) < SAME_FAILURES or any(one.state != "failed" for one in last):
        return ""
    kinds = {_without_numbers(one.reason) for one in last}
    return last[-1].reason if len(kinds) == 1 else ""


def best_trials(records: Sequence[TrialRecord], search: SearchSettings) -> list[TrialRecord]:
    """Returns the best trials, best first."""
    return ranked_trials(records, search)[:COMPARED]


def _without_numbers(reason: str) -> str:
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in reason.split())
