"""The plot of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import IntArray
from modelwright.plots.canvas import FAINT, INK, escape_dollars, figure, truncate

_CELLS = 20
"""Largest number of classes with numbers in the cells."""
_NAMES = 60
"""Largest number of classes with names on the axes."""


def draw_confusion(
    path: Path,
    matrix: IntArray,
    labels: Sequence[str],
    *,
    axes: tuple[str, str] = ("predicted", "true"),
    title: str | None = None,
) -> Path:
    """Draws a confusion matrix: counts, colored by their share of the true class.

    Args:
        path: the PNG to write.
        matrix: int64 ``[k, k]``; a row is a true class, a column a predicted one.
        labels: the k names.
        axes: what the columns and the rows are.
        title: the title; how many rows are right by default.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    counts = np.asarray(matrix)
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(total, 1)
    size = len(labels)
    side = float(np.clip(0.62 * size, 3.2, 11 if size <= _CELLS else 8))
    names = [escape_dollars(truncate(label, 16)) for label in labels]
    with figure(path, side + 2.2, side + 1.4) as drawn:
        drawn_on = drawn.subplots()
        image = drawn_on.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        if size <= _CELLS:
            _write_cells(drawn_on, counts, share)
        wide = size > 3 and max(map(len, names)) > 3
        if size <= _NAMES:
            small = 10 if size <= _CELLS else 260 / size
            drawn_on.set_xticks(range(size), names, rotation=45 if wide else 0, fontsize=small)
            for text in drawn_on.get_xticklabels() if wide else ():
                text.set_ha("right")
                text.set_rotation_mode("anchor")
            drawn_on.set_yticks(range(size), names, fontsize=small)
        drawn_on.set_xlabel(axes[0])
        drawn_on.set_ylabel(axes[1])
        right = np.trace(counts) / max(1, counts.sum())
        drawn_on.set_title(title or f"{right:.2%} of {counts.sum():,} rows are right")
        drawn_on.tick_params(length=0)
        drawn_on.spines[:].set_visible(False)
        bar = drawn.colorbar(image, ax=drawn_on, shrink=0.7, aspect=25, pad=0.02, format="{x:.0%}")
        bar.set_label("share of the row" if title else "share of the true class", color=FAINT)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, colors=FAINT)
    return path


def _write_cells(axes: Any, counts: IntArray, share: Any) -> None:
    small = 9 if len(counts) <= 12 else 7
    for row, column in np.argwhere(counts > 0):
        part = share[row, column]
        text = f"{counts[row, column]:,}"
        if len(counts) <= 12:
            text += f"\n{part:.1%}"
        color = "white" if part > 0.5 else INK
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=small)
