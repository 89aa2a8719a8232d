"""The pruner ``none``: every trial trains all its epochs."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.tuning.trial_record import TrialRecord


class NoPruner:
    """Stops no trial."""

    def __init__(self, *, seed: int, higher_is_better: bool, max_epochs: int) -> None:
        pass

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """Returns False."""
        return False
