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
    """One dimension: its importance with both ends of its 95 % interval, about 0 to 1 or more."""

    key: str
    value: float
    low: float
    high: float


def draw_importance(path: Path, bars: Sequence[ImportanceBar], *, title: str, measure: str) -> Path:
    """Draws a bar with its interval for each dimension; gray if the interval reaches 0.

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
            sure = one.low > 0
            axes.barh(position, max(0.0, one.value), height=0.55, color=BLUE if sure else FAINT,
                      alpha=1.0 if sure else 0.45, zorder=2)  # fmt: skip
            axes.hlines(position, one.low, one.high, color=INK, lw=1.5, zorder=3)
            axes.annotate(f"{one.value:.2f}", (one.high, position), xytext=(7, 0),
                          textcoords="offset points", va="center", color=INK)  # fmt: skip
        names = [escape_dollars(truncate(one.key, 34)) for one in shown]
        axes.set_yticks(range(len(shown)), names)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.axvline(0, color=FAINT, lw=1, zorder=1)
        low, high = min([0.0, *(one.low for one in shown)]), max([0.1, *(b.high for b in shown)])
        axes.set_xlim(low - 0.03 * (high - low), high + 0.12 * (high - low))
        axes.set_xlabel(measure)
        hidden = len(bars) - len(shown)
        more = f", the first {_MOST} of {len(bars)}" if hidden else ""
        title_above(axes, title, more)
        clean(axes, grid="x")
        axes.spines["left"].set_visible(False)
        _legend(axes)
    return path


def _legend(axes: Any) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    legend_above(axes, [
        Patch(color=BLUE, label="has an effect"),
        Patch(color=FAINT, alpha=0.45, label="may be chance"),
        Line2D([], [], color=INK, lw=1.5, label="95 % interval over trials"),
    ])  # fmt: skip
