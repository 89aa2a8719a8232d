"""Leave-one-out: how far the log-odds fall when one segment is taken out.

It draws nothing, so it gives the same weights each time. ``singly`` says what happens to a long
text.

Source: Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through Representation
Erasure", arXiv:1612.08220.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.types import Task
from modelwright.explaining.method import MaskableRow, Weights
from modelwright.explaining.singly import falls, weigh_singly


@dataclass(frozen=True)
class LeaveOneOut:
    """Takes out each segment in turn."""

    name: str = "leave-one-out"
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = False
    needs_gradients: bool = False

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the fall of the log-odds without each segment; ``seed`` decides nothing."""
        return weigh_singly(row, label, falls)


METHOD = LeaveOneOut()
