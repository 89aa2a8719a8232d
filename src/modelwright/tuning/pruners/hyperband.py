"""The pruner ``hyperband``: successive halving in brackets, which begin at different epochs.

So trials that are slow to become good are not all stopped early. A trial's bracket follows from the
seed and its number. Source: Li et al. (2018), Hyperband, Journal of Machine Learning Research 18;
the shares of the brackets are those of Optuna's ``HyperbandPruner``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from modelwright.tuning.pruners.successive_halving import is_last_epoch, passes_rung
from modelwright.tuning.trial_record import TrialRecord

FACTOR = 3


class HyperbandPruner:
    """Stops the trials that are not among the best of their bracket's rung."""

    def __init__(
        self, *, seed: int, higher_is_better: bool, max_epochs: int, factor: int = FACTOR
    ) -> None:
        self._seed, self._higher, self._epochs = seed, higher_is_better, max_epochs
        self._brackets, self._factor = 1, factor
        while factor**self._brackets <= max_epochs:
            self._brackets += 1

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """Returns whether the trial is not among the best of its bracket's rung."""
        own = self.bracket(trial.number)
        rivals = [other for other in others if self.bracket(other.number) == own]
        return not is_last_epoch(trial, self._epochs) and not passes_rung(
            trial,
            rivals,
            first=self._factor**own,
            factor=self._factor,
            higher_is_better=self._higher,
        )

    def bracket(self, number: int) -> int:
        """Returns the bracket b of a trial, whose first rung is after ``factor ** b`` epochs."""
        shares = []
        for bracket in range(self._brackets):
            rest = self._brackets - 1 - bracket
            shares.append(math.ceil(self._brackets * self._factor**rest / (rest + 1)))
        place = np.random.default_rng((self._seed, number)).integers(sum(shares))
        return int(np.searchsorted(np.cumsum(shares), place, side="right"))
