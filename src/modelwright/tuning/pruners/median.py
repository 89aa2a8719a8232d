"""The pruner ``median``: stops a trial whose best epoch is below the median of finished trials.

The median is that of the same epoch. It comes from Optuna. The first trials and the first epoch
are never stopped.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.tuning.optuna_study import build_study, quiet_optuna, require_optuna
from modelwright.tuning.pruners.successive_halving import is_last_epoch
from modelwright.tuning.trial_record import TrialRecord

STARTUP_TRIALS = 3
WARMUP_EPOCHS = 1


class MedianPruner:
    """Stops what is below the median."""

    def __init__(self, *, seed: int, higher_is_better: bool, max_epochs: int) -> None:
        """Keeps the settings.

        Raises:
            MissingDependencyError: Optuna is not installed.
        """
        require_optuna()
        self._higher, self._epochs = higher_is_better, max_epochs

    def stops(self, trial: TrialRecord, others: Sequence[TrialRecord]) -> bool:
        """Returns whether the trial is worse than the median of finished trials."""
        if is_last_epoch(trial, self._epochs) or not trial.epochs:
            return False
        import optuna

        pruner = optuna.pruners.MedianPruner(STARTUP_TRIALS, n_warmup_steps=WARMUP_EPOCHS + 1)
        study = build_study((), [*others, trial], higher_is_better=self._higher)
        with quiet_optuna():
            return bool(pruner.prune(study, study.trials[-1]))
