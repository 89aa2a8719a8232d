"""The plot of how much each dimension of a search matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.plots.canvas import BLUE, FAINT, INK, clean, escape_dollars, figure, truncate
from modelwright.plots.tuning import legend_above, title_above

_MOST = 30


@dataclass(frozen=True)
class ImportanceBar:
    """One dimension. ``share`` is from 0 to 1, ``chance`` what it would be if it had no effect."""

    key: str
    share: float
    chance: float


def draw_importance(path: Path, bars: Sequence[ImportanceBar], *, title: str, measure: str) -> Path:
    """Draws a bar for each dimension, and a mark where chance alone would end most bars.

    Args:
        path: the PNG to write.
        bars: the dimensions, the first on top.
        title: above the plot.
        measure: below the axis.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = list(bars)[:_MOST]
    with figure(path, 7.6, max(2.2, 0.42 * len(shown) + 1.5)) as drawn:
        axes = drawn.subplots()
        for position, one in enumerate(shown):
            sure = one.share > one.chance
            axes.barh(position, one.share, height=0.55, color=BLUE if sure else FAINT,
                      alpha=1.0 if sure else 0.55, zorder=2)  # fmt: skip
            axes.plot(one.chance, position, "|", color=INK, ms=16, mew=2, zorder=3)
            end = max(one.share, one.chance)
            axes.annotate(f"{100 * one.share:.0f} %", (end, position), xytext=(7, 0),
                          textcoords="offset points", va="center", color=INK)  # fmt: skip
        names = [escape_dollars(truncate(one.key, 34)) for one in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        most = max([0.1, *(max(one.share, one.chance) for one in shown)])
        axes.set_xlim(0, 1.12 * most)
        axes.xaxis.set_major_formatter(lambda value, position: f"{100 * value:.4g} %")
        axes.set_xlabel(measure)
        hidden = len(bars) - len(shown)
        more = f", the first {_MOST} of {len(bars)}" if hidden else ""
        title_above(axes, title, more)
        clean(axes, grid="x")
        _legend(axes)
    return path


def _legend(axes: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks = [
        Patch(color=BLUE, label="above chance"),
        Patch(color=FAINT, alpha=0.55, label="may be chance"),
        Line2D([], [], color=INK, marker="|", linestyle="", ms=12, mew=2,
               label="95 % of shuffled objectives end below"),
    ]  # fmt: skip
    legend_above(axes, marks)
