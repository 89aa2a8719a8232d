"""What a pruner is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from modelwright.tuning.trial_record import TrialRecord


class Pruner(Protocol):
    """Decides after an epoch. It keeps no state: the same records give the same decision."""

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """Returns whether a trial should end after the last of its ``epochs``.

        Args:
            trial: the trial, with the objective after each of its finished epochs.
            others: all other trials, in the order of their numbers.
        """


class PrunerFactory(Protocol):
    """Makes a pruner; what a module of pruners registers.

    ``seed`` is the search's, and ``max_epochs`` the most epochs of a trial. A factory that also has
    the argument ``factor`` gets that of the search, if it names one.
    """

    def __call__(
        self, *, seed: int, higher_is_better: bool, max_epochs: int, **more: int
    ) -> Pruner: ...
