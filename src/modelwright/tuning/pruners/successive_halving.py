"""Asynchronous successive halving: at a few epochs, the rungs, only the best trials go on.

It decides as Optuna's ``SuccessiveHalvingPruner`` does, which keeps the rungs in its storage; here
they follow from the records. Source: Li et al. (2020), A system for massively parallel
hyperparameter tuning.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelwright.tuning.trial_record import TrialRecord


def passes_rung(
    trial: TrialRecord,
    others: Sequence[TrialRecord],
    *,
    first: int,
    factor: int,
    higher_is_better: bool,
) -> bool:
    """Returns whether a trial goes on after the last of its epochs.

    Args:
        trial: the trial. Between two rungs it goes on.
        others: the trials that it is compared with.
        first: the epoch of the first rung; that of each next one is ``factor`` times as large.
        factor: of so many trials at a rung one goes on. The best so far always does.
        higher_is_better: whether a larger objective is better.
    """
    epoch = len(trial.epochs)
    if not is_rung(epoch, first, factor):
        return True
    sign = 1 if higher_is_better else -1
    reached = [one for one in (*others, trial) if len(one.epochs) >= epoch]
    scores = sorted(_score(one.epochs[epoch - 1], sign) for one in reached)
    places = max(1, len(scores) // factor)
    own = _score(trial.epochs[-1], sign)
    return own > -math.inf and own >= scores[-places]


def is_rung(epoch: int, first: int, factor: int) -> bool:
    """Returns whether trials are compared after an epoch."""
    rung = first
    while rung < epoch:
        rung *= factor
    return rung == epoch


def is_last_epoch(trial: TrialRecord, max_epochs: int) -> bool:
    """Returns whether a trial has no epoch left, so that stopping it would save nothing."""
    own = int(trial.values.get("train.epochs", max_epochs))
    return len(trial.epochs) >= own


def _score(value: float, sign: int) -> float:
    """Returns a number that is larger for a better objective; one that is none is the worst."""
    return -math.inf if math.isnan(value) else sign * value
