"""The plot of all trials of a search as lines over parallel axes, one for each dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.plots.canvas import FAINT, INK, ORANGE, escape_dollars, figure, truncate
from modelwright.plots.tuning import (
    DimensionAxis,
    ObjectiveAxis,
    PlottedTrial,
    legend_above,
    objective_limits,
    title_above,
)
from modelwright.plots.tuning_slices import spread

_MOST = 10
_STEPS = 6
_ABSENT = -0.12
"""The height of a dimension that has no effect in a trial; axes go from 0 to 1."""


def draw_parallel(
    path: Path,
    trials: Sequence[PlottedTrial],
    dimensions: Sequence[DimensionAxis],
    axis: ObjectiveAxis,
    *,
    title: str,
) -> Path:
    """Draws each trial as a line over the dimensions, which ends at its objective.

    Args:
        path: the PNG to write.
        trials: the trials; those without an objective are left out.
        dimensions: the first ten are drawn.
        axis: the axis of the objective.
        title: above the plot.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = list(dimensions)[:_MOST]
    limits = objective_limits(trials, axis)
    best = axis.best(trials)
    with figure(path, 1.75 * (len(shown) + 1) + 1.4, 4.4) as drawn:
        axes = drawn.subplots()
        colors = _colors(axis, limits)
        for one in sorted(trials, key=lambda trial: trial.objective or 0.0):
            if one.objective is None or not one.drawn:
                continue
            heights = [*(_height(one, dimension) for dimension in shown),
                       _share(one.objective, *limits)]  # fmt: skip
            first = best is not None and one.number == best.number
            color = ORANGE if first else colors(one.objective)
            pruned = one.state != "finished"
            axes.plot(
                range(len(heights)), heights, color=color, lw=3 if first else 1.3,
                ls=":" if pruned else "-", alpha=0.6 if pruned else 0.9,
                zorder=4 if first else 2,
            )  # fmt: skip
        for position, dimension in enumerate(shown):
            absent = any(dimension.key not in one.values for one in trials if one.drawn)
            _draw_axis(axes, position, _marks(dimension), dimension.key, absent=absent)
        _draw_axis(axes, len(shown), _objective_marks(axis, limits), axis.name)
        axes.set_xlim(-0.25, len(shown) + 0.55)
        axes.set_ylim(_ABSENT - 0.05, 1.16)
        axes.set_axis_off()
        hidden = len(dimensions) - len(shown)
        more = f", the first {_MOST} of {len(dimensions)}" if hidden else ""
        title_above(axes, title, more)
        _legend(axes, trials)
    return path


def _draw_axis(
    axes: Any, x: int, marks: list[tuple[float, str]], name: str, *, absent: bool = False
) -> None:
    axes.plot([x, x], [0, 1], color=FAINT, lw=1, zorder=1)
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
    shown = [*marks, (_ABSENT, "no effect")] if absent else marks
    for height, text in shown:
        axes.plot([x - 0.02, x + 0.02], [height, height], color=FAINT, lw=1, zorder=1)
        axes.text(x + 0.04, height, escape_dollars(text), va="center", fontsize=8.5, color=INK,
                  bbox=box, zorder=5)  # fmt: skip
    axes.text(x, 1.07, escape_dollars(truncate(name, 22)), ha="center", fontsize=9, color=INK)


def _height(trial: PlottedTrial, one: DimensionAxis) -> float:
    """Returns where a line crosses an axis, from 0 to 1."""
    value = trial.values.get(one.key)
    if value is None:
        return _ABSENT
    if one.labels:
        gap = 1 / max(1, len(one.labels) - 1)
        # Lines through one choice are spread a little, so that none hides another.
        return min(1.0, max(0.0, value * gap + 0.35 * min(gap, 0.5) * spread(trial.number)))
    if one.log:
        return _share(math.log(value), math.log(one.low), math.log(one.high))
    return _share(value, one.low, one.high)


def _marks(one: DimensionAxis) -> list[tuple[float, str]]:
    """Returns the heights of an axis that have a name."""
    if one.labels:
        last = max(1, len(one.labels) - 1)
        return [(number / last, truncate(name, 14)) for number, name in enumerate(one.labels)]
    count = 1 + round((one.high - one.low) / one.step) if one.step else 0
    if 1 < count <= _STEPS and one.step:
        steps = [one.low + number * one.step for number in range(count)]
        return [(_share(value, one.low, one.high), f"{value:.4g}") for value in steps]
    middle = math.sqrt(one.low * one.high) if one.log else (one.low + one.high) / 2
    return [(0.0, f"{one.low:.4g}"), (0.5, f"{middle:.3g}"), (1.0, f"{one.high:.4g}")]


def _objective_marks(axis: ObjectiveAxis, limits: tuple[float, float]) -> list[tuple[float, str]]:
    low, high = limits
    unit = " %" if axis.percent else ""
    return [(at, axis.text(low + at * (high - low)) + unit) for at in (0.0, 0.25, 0.5, 0.75, 1.0)]


def _share(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / ((high - low) or 1.0)))


def _colors(axis: ObjectiveAxis, limits: tuple[float, float]) -> Any:
    """Returns a function from an objective to a color: the better, the darker."""
    from matplotlib import colormaps

    scale = colormaps["Blues"]

    def color(value: float) -> Any:
        share = _share(value, *limits)
        return scale(0.25 + 0.7 * (share if axis.higher_is_better else 1 - share))

    return color


def _legend(axes: Any, trials: Sequence[PlottedTrial]) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=ORANGE, lw=3, label="best"),
        Line2D([], [], color="#08519c", lw=1.5, label="finished; the darker, the better"),
    ]
    if any(one.state == "pruned" and one.drawn for one in trials):
        marks.append(Line2D([], [], color="#6baed6", lw=1.5, ls=":", label="pruned"))
    legend_above(axes, marks)
