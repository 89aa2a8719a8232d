"""Early stopping: which epoch is the best so far, and whether a better one is still likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

History = Sequence[Mapping[str, float]]
"""The figures of each epoch, in order."""


@dataclass(frozen=True)
class EarlyStopping:
    """The rule of one training.

    Attributes:
        monitor: the figure that decides. A loss is better when smaller, anything else when larger.
        patience: epochs without a better figure after which the training stops; 0 never stops.
    """

    monitor: str
    patience: int

    def best(self, history: History) -> int | None:
        """Returns the position of the best epoch, the first among equals; None before any."""
        if not history:
            return None
        sign = -1 if self.monitor.endswith("loss") else 1
        return int(np.argmax([sign * epoch[self.monitor] for epoch in history]))

    def exhausted(self, history: History) -> bool:
        """Returns whether the last ``patience`` epochs brought nothing better."""
        best = self.best(history)
        return self.patience > 0 and best is not None and len(history) - 1 - best >= self.patience
