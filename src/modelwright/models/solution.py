"""What a solver found for a network that is fitted without steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelwright.core.types import IntArray
from modelwright.models.logistic_regression import CrossValidation


@dataclass(frozen=True)
class Solution:
    """How a network was solved.

    Attributes:
        choice: what cross-validation chose, each with its value.
        held_out: predictions of training rows by fits without them.
        correct: how many of these are right.
    """

    choice: Mapping[str, Any]
    held_out: CrossValidation
    correct: int

    @classmethod
    def of(cls, choice: Mapping[str, Any], held_out: CrossValidation, labels: IntArray) -> Solution:
        """Returns the solution for rows with the classes ``labels``, ``[n]``."""
        right = held_out.predicted == labels[held_out.rows]
        return cls(choice, held_out, int(right.sum()))

    @property
    def accuracy(self) -> float | None:
        """The cross-validated accuracy; None if no row could be held out."""
        rows = len(self.held_out.rows)
        return self.correct / rows if rows else None

    def to_dict(self) -> dict[str, Any]:
        """Returns what a run records."""
        return {
            "choice": dict(self.choice),
            "folds": self.held_out.folds,
            "rows": len(self.held_out.rows),
            "correct": self.correct,
            "cross_validated_accuracy": self.accuracy,
        }
