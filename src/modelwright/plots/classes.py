"""The plot of the precision and recall of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modelwright.plots.canvas import BLUE, GRID, ORANGE, clean, escape_dollars, figure, truncate

_BARS = 40
"""Largest number of classes that are drawn."""


def draw_classes(
    path: Path, labels: Sequence[str], precision: Sequence[float], recall: Sequence[float]
) -> Path:
    """Draws the precision and recall of each class, the weakest class on top.

    Args:
        path: the PNG to write.
        labels: names of the classes.
        precision: 0 to 1, one per class.
        recall: 0 to 1, one per class.

    Of more than 40 classes, only the 40 with the lowest mean of the two are drawn.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    means = [(one + other) / 2 for one, other in zip(precision, recall, strict=True)]
    order = sorted(range(len(labels)), key=lambda position: means[position])[:_BARS]
    at = np.arange(len(order))
    with figure(path, 6.4, max(2.2, 0.36 * len(order) + 1.2)) as drawn:
        axes = drawn.subplots()
        axes.hlines(
            at,
            [min(precision[one], recall[one]) for one in order],
            [max(precision[one], recall[one]) for one in order],
            color=GRID,
            linewidth=4,
        )
        axes.plot([precision[one] for one in order], at, "o", color=BLUE, ms=8, label="precision")
        axes.plot([recall[one] for one in order], at, "D", color=ORANGE, ms=6, label="recall")
        axes.set_yticks(at, [escape_dollars(truncate(labels[one], 24)) for one in order])
        axes.set_ylim(len(order) - 0.4, -0.6)
        low = min([*(precision[one] for one in order), *(recall[one] for one in order), 1.0])
        axes.set_xlim(0 if low < 0.5 else max(0.0, np.floor(low * 10 - 0.5) / 10), 1.01)
        axes.xaxis.set_major_formatter("{x:.0%}")
        hidden = len(labels) - len(order)
        more = f", the {len(order)} weakest of {len(labels)}" if hidden else ", weakest first"
        axes.set_title(f"Classes{more}")
        clean(axes, grid="x")
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
    return path
