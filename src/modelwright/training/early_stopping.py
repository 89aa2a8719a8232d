"""Early stopping: finds the best epoch and decides when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

History = Sequence[Mapping[str, float]]
"""The metrics of each epoch, in order."""


@dataclass(frozen=True)
class EarlyStopping:
    """The rule that decides when a training stops.

    Attributes:
        monitor: the metric to watch. A lower loss is better; of other metrics a higher value is.
        patience: epochs without improvement before the training stops; 0 never stops.
    """

    monitor: str
    patience: int

    def best(self, history: History) -> int | None:
        """Returns the index of the best epoch, of equal ones the first; None without epochs.

        A figure that is not a number is worse than any other.
        """
        if not history:
            return None
        sign = -1 if self.monitor.endswith("loss") else 1
        scores = np.array([sign * epoch[self.monitor] for epoch in history])
        return int(np.argmax(np.where(np.isnan(scores), -np.inf, scores)))

    def exhausted(self, history: History) -> bool:
        """Returns whether the last ``patience`` epochs brought no improvement."""
        best = self.best(history)
        return self.patience > 0 and best is not None and len(history) - 1 - best >= self.patience
