"""Occlusion: how far the log-odds fall while a window over the image is taken out.

The window is two by two cells and moves by one cell. A cell weighs the mean of the windows that
cover it. It draws nothing, and asks the model about fifty times.

Source: Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks",
arXiv:1311.2901.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.types import BoolArray, Task
from modelwright.explaining.method import ImageSegment, MaskableRow, Segment, Weights, log_odds

_WINDOW = 2


@dataclass(frozen=True)
class Occlusion:
    """Moves a window over the cells of an image."""

    name: str = "occlusion"
    tasks: tuple[Task, ...] = ("image",)
    random: bool = False
    needs_gradients: bool = False

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the mean fall of the windows over each cell; ``seed`` decides nothing."""
        covered = _windows(row.segments)
        kept = np.concatenate([np.ones((1, covered.shape[1]), bool), ~covered])
        odds = log_odds(row.answer(kept), label)
        falls = odds[0] - odds[1:]
        times = np.maximum(covered.sum(axis=0), 1)
        return Weights(np.asarray((covered.T @ falls) / times, np.float32))


def _windows(segments: Sequence[Segment]) -> BoolArray:
    """Returns which cells each window covers, bool ``[windows, segments]``."""
    cells = [one for one in segments if isinstance(one, ImageSegment)]
    rows = sorted({cell.row for cell in cells})
    columns = sorted({cell.column for cell in cells})
    row = np.array([rows.index(cell.row) for cell in cells])
    column = np.array([columns.index(cell.column) for cell in cells])
    windows = [
        (row >= top) & (row < top + _WINDOW) & (column >= left) & (column < left + _WINDOW)
        for top in range(max(1, len(rows) - _WINDOW + 1))
        for left in range(max(1, len(columns) - _WINDOW + 1))
    ]
    return np.array(windows)


METHOD = Occlusion()
