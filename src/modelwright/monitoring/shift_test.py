"""One test for a difference, and its result in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.monitoring.calibration import Calibrated


@dataclass(frozen=True)
class ShiftTest:
    """The result of one test.

    Attributes:
        name: What was compared: ``classes``, ``confidence``, ``words`` and so on.
        measure: What the statistic is.
        result: The statistic, its threshold and the p-value.
        words: The difference in plain words.
    """

    name: str
    measure: str
    result: Calibrated
    words: str

    @property
    def drifted(self) -> bool:
        """Whether the difference is larger than chance makes it."""
        return self.result.exceeded

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "name": self.name,
            "measure": self.measure,
            "statistic": self.result.statistic,
            "threshold": self.result.threshold,
            "drifted": self.drifted,
            "p": self.result.p,
            "words": self.words,
        }
