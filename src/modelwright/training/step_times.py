"""How long the steps of a training take, and how much of that they wait for their batches."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class StepTimes:
    """The times of the steps of this process.

    The first step of each epoch is left out: it may compile, and it waits for the first batch.
    """

    batches: Any
    """What has ``waited``, the seconds for which its reader has waited so far."""
    _steps: list[float] = field(default_factory=list)
    _waited: float = 0.0
    _last: float | None = None
    _waited_before: float = 0.0

    def start_epoch(self) -> None:
        """Forgets the last step, after which a validation or a checkpoint may have run."""
        self._last = None

    def end_step(self) -> None:
        """Notes that a step has ended."""
        now, waited = time.perf_counter(), self.batches.waited
        if self._last is not None:
            self._steps.append(now - self._last)
            self._waited += waited - self._waited_before
        self._last, self._waited_before = now, waited

    def figures(self) -> dict[str, float]:
        """Returns ``step_ms``, the median, and ``waiting_share``; empty without steps."""
        if not self._steps:
            return {}
        return {
            "step_ms": round(1000 * statistics.median(self._steps), 3),
            "waiting_share": round(min(self._waited / sum(self._steps), 1.0), 4),
        }
