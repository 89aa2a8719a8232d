"""The plot of a study: the accuracy of each variant with each seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.plots.canvas import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    clean,
    escape_dollars,
    figure,
    truncate,
    wrap,
)

_MOST = 60
"""Largest number of variants that are drawn."""


@dataclass(frozen=True)
class StudyLine:
    """One variant. Shares are from 0 to 1. ``mean`` is the mean and both ends of its interval."""

    name: str
    points: Sequence[float]
    mean: tuple[float, float, float] | None = None
    claimed: float | None = None


def draw_study(path: Path, lines: Sequence[StudyLine], *, title: str, measure: str) -> Path:
    """Draws one line for each variant, the first on top: the seeds, the mean and its interval.

    Args:
        path: the PNG to write.
        lines: the variants; one without points shows only its name and the claimed accuracy.
        title: above the plot.
        measure: below the axis, such as ``accuracy on the test rows``.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = list(lines)[:_MOST]
    hidden = len(lines) - len(shown)
    with figure(path, 7.6, max(2.4, 0.46 * len(shown) + 1.5)) as drawn:
        axes = drawn.subplots()
        for position, line in enumerate(shown):
            if line.mean is not None:
                mean, low, high = line.mean
                axes.hlines(position, low, high, color=BLUE, linewidth=2, zorder=2)
                axes.plot([low, high], [position] * 2, "|", color=BLUE, ms=9, mew=2, zorder=2)
                axes.plot(mean, position, "D", color=BLUE, mec="white", ms=8, zorder=4)
                axes.annotate(
                    f"{100 * mean:.2f}", (mean, position), xytext=(0, 9), ha="center",
                    textcoords="offset points", fontsize=9, color=INK,
                )  # fmt: skip
            # Below the mean, so that the mean hides no seed.
            below = [position + 0.22] * len(line.points)
            axes.plot(line.points, below, "o", color=FAINT, alpha=0.7, mew=0, ms=5, zorder=3)
            if line.claimed is not None:
                axes.plot(line.claimed, position, "|", color=ORANGE, ms=15, mew=3, zorder=3.5)
        axes.set_yticks(
            range(len(shown)), [escape_dollars(wrap(line.name, 34, 2)) for line in shown]
        )
        axes.set_ylim(len(shown) - 0.4, -0.7)
        axes.margins(x=0.06)
        axes.set_xlim(max(0.0, axes.get_xlim()[0]), min(1.01, axes.get_xlim()[1]))
        axes.xaxis.get_major_locator().set_params(nbins=8)
        axes.xaxis.set_major_formatter(_percent)
        axes.set_xlabel(measure)
        more = f", the first {_MOST} of {len(lines)}" if hidden else ""
        axes.set_title(escape_dollars(truncate(title, 60)) + more, pad=26)
        clean(axes, grid="x")
        _legend(axes, shown)
    return path


def _percent(value: float, position: int | None = None) -> str:
    return f"{100 * value:.4g} %"


def _legend(axes: Any, lines: Sequence[StudyLine]) -> None:
    """Adds a legend above the plot, with the marks that are drawn."""
    from matplotlib.lines import Line2D

    marks = []
    if any(line.points for line in lines):
        marks += [
            Line2D([], [], color=BLUE, marker="D", mec="white", ms=8, label="mean, 95 % interval"),
            Line2D([], [], color=FAINT, marker="o", linestyle="", ms=5, label="one seed"),
        ]
    if any(line.claimed is not None for line in lines):
        marks.append(
            Line2D([], [], color=ORANGE, marker="|", linestyle="", ms=14, mew=3, label="claimed")
        )
    if marks:
        axes.legend(
            handles=marks, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0),
            borderaxespad=0.1, handletextpad=0.4, columnspacing=1.4,
        )  # fmt: skip
