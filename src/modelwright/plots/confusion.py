"""The plots of an evaluation: confusion, calibration, and the scores of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import IntArray
from modelwright.plots.canvas import (
    BLUE,
    FAINT,
    GRID,
    INK,
    ORANGE,
    clean,
    cut,
    figure,
    plain,
)

_CELLS = 20
"""Up to so many classes the cells of a confusion matrix carry numbers."""
_NAMES = 60
"""Up to so many classes every one of them is named."""
_BARS = 40
"""Up to so many classes each has its own bars."""


def draw_confusion(path: Path, matrix: IntArray, labels: Sequence[str]) -> Path:
    """Draw a confusion matrix: counts, coloured by each one's share of its true class.

    Args:
        path: The PNG to write.
        matrix: int64 ``[k, k]``; a row is a true class, a column a predicted one.
        labels: The k names.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    counts = np.asarray(matrix)
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(total, 1)
    size = len(labels)
    side = float(np.clip(0.62 * size, 3.2, 11 if size <= _CELLS else 8))
    names = [plain(cut(label, 16)) for label in labels]
    with figure(path, side + 2.2, side + 1.4) as drawn:
        axes = drawn.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        if size <= _CELLS:
            _write_cells(axes, counts, share)
        wide = size > 3 and max(map(len, names)) > 3
        if size <= _NAMES:
            small = 10 if size <= _CELLS else 260 / size
            axes.set_xticks(range(size), names, rotation=45 if wide else 0, fontsize=small)
            for text in axes.get_xticklabels() if wide else ():
                text.set_ha("right")
                text.set_rotation_mode("anchor")
            axes.set_yticks(range(size), names, fontsize=small)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        right = np.trace(counts) / max(1, counts.sum())
        axes.set_title(f"{right:.2%} of {counts.sum():,} rows are right")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = drawn.colorbar(image, ax=axes, shrink=0.7, aspect=25, pad=0.02, format="{x:.0%}")
        bar.set_label("share of the true class", color=FAINT)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, colors=FAINT)
    return path


def draw_calibration(
    path: Path,
    confidence: Sequence[float],
    accuracy: Sequence[float],
    count: Sequence[int],
) -> Path:
    """Draw how often the model is right against how sure it says it is.

    Args:
        path: The PNG to write.
        confidence: Mean confidence of each bin, 0 to 1.
        accuracy: Share of each bin's rows that are right, 0 to 1.
        count: Rows in each bin; empty bins are not drawn.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    used = [position for position, rows in enumerate(count) if rows]
    sure = [confidence[position] for position in used]
    right = [accuracy[position] for position in used]
    rows = [count[position] for position in used]
    gap = sum(n * abs(s - r) for n, s, r in zip(rows, sure, right, strict=True)) / max(1, sum(rows))
    with figure(path, 4.8, 5.2) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1.2)
        upper.annotate("as sure as right", (0.04, 0.06), color=FAINT, fontsize=9, rotation=40)
        upper.vlines(sure, sure, right, color=ORANGE, linewidth=3, alpha=0.6)
        upper.plot(sure, right, "o-", color=BLUE, ms=5)
        upper.set_title(f"Calibration: mean gap {gap:.1%}")
        upper.set_ylabel("share that is right")
        upper.set_ylim(0, 1.02)
        upper.yaxis.set_major_formatter("{x:.0%}")
        clean(upper, grid="both")
        lower.bar(sure, rows, width=0.8 / max(len(count), 1), color=BLUE)
        lower.set_ylabel("rows")
        lower.set_xlabel("confidence")
        lower.set_xlim(0, 1.02)
        lower.xaxis.set_major_formatter("{x:.0%}")
        lower.yaxis.get_major_locator().set_params(nbins=2, integer=True)
        lower.yaxis.set_major_formatter("{x:,.0f}")
        clean(lower)
    return path


def draw_classes(
    path: Path, labels: Sequence[str], precision: Sequence[float], recall: Sequence[float]
) -> Path:
    """Draw precision and recall of each class, the weakest class on top.

    Args:
        path: The PNG to write.
        labels: Names of the classes.
        precision: 0 to 1, one a class.
        recall: 0 to 1, one a class.

    With more than 40 classes only the 40 with the least mean of the two are drawn.

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
        axes.set_yticks(at, [plain(cut(labels[one], 24)) for one in order])
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


def _write_cells(axes: Any, counts: IntArray, share: Any) -> None:
    small = 9 if len(counts) <= 12 else 7
    for row, column in np.argwhere(counts > 0):
        part = share[row, column]
        text = f"{counts[row, column]:,}"
        if len(counts) <= 12:
            text += f"\n{part:.1%}"
        color = "white" if part > 0.5 else INK
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=small)
