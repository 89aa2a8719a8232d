"""Early stopping: finds the best epoch and decides when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.config import TrainConfig

History = Sequence[Mapping[str, float]]
"""The metrics of each epoch, in order."""


@dataclass(frozen=True)
class EarlyStopping:
    """The rule that decides when a training stops.

    Attributes:
        monitor: the metric to watch. A lower loss is better; of other metrics a higher value is.
        patience: epochs without improvement before the training stops; 0 never stops.
        chooses: whether an epoch is chosen; otherwise the last one counts and all are trained.
    """

    monitor: str
    patience: int
    chooses: bool = True

    def best(self, history: History) -> int | None:
        """Returns the index of the best epoch; None without epochs.

        Of epochs with an equal monitor, it is the one with the lowest loss, of those the first. A
        figure that is not a number is worse than any other.
        """
        tied = self.tied(history)
        losses = [history[position].get(self._loss, np.inf) for position in tied]
        return tied[int(np.argmin(np.nan_to_num(losses, nan=np.inf)))] if tied else None

    def tied(self, history: History) -> list[int]:
        """Returns the indices of all epochs with the best value of the monitor."""
        if not history:
            return []
        if not self.chooses:
            return [len(history) - 1]
        sign = -1 if self.monitor.endswith("loss") else 1
        scores = np.array([sign * epoch[self.monitor] for epoch in history])
        scores = np.where(np.isnan(scores), -np.inf, scores)
        return [int(position) for position in np.flatnonzero(scores == scores.max())]

    def exhausted(self, history: History) -> bool:
        """Returns whether the last ``patience`` epochs brought no better value of the monitor."""
        tied = self.tied(history)
        return self.patience > 0 and bool(tied) and len(history) - 1 - tied[0] >= self.patience

    @property
    def _loss(self) -> str:
        return self.monitor.replace("accuracy", "loss")


def early_stopping(train: TrainConfig, val_rows: int) -> EarlyStopping:
    """Returns the rule for a training with this number of validation rows.

    With fewer than ``train.min_val_rows`` the last epoch counts. Without any, the training rows
    choose if no minimum is set.
    """
    monitor: str = train.monitor if val_rows else train.monitor.removeprefix("val_")
    return EarlyStopping(monitor, train.patience, chooses=val_rows >= train.min_val_rows)


def choice_note(train: TrainConfig, val_rows: int) -> str:
    """Returns why no epoch is chosen; empty if one is."""
    if val_rows >= train.min_val_rows or train.epochs == 1:
        return ""
    if not val_rows:
        return "there are no validation rows to choose an epoch by: the last one is taken"
    return (
        f"{val_rows:,} validation rows are too few to choose an epoch by, so the last of"
        f" {train.epochs:,} is taken (train.min_val_rows={train.min_val_rows};"
        " train.min_val_rows=0 chooses)"
    )
