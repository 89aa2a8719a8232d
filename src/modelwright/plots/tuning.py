"""What the plots of a search share, and the plot of the best objective over trials and over time.

Plain numbers in, a PNG out; nothing here knows how a search works.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from modelwright.plots.canvas import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    RED,
    clean,
    escape_dollars,
    figure,
    truncate,
)

TrialState = Literal["finished", "pruned", "failed"]
_TICK_UP = 2
"""Matplotlib's number of a marker that stands on its point."""
_SPREAD = 4
"""A worse objective is drawn at the edge if it is this many times as far off as most others."""


@dataclass(frozen=True)
class PlottedTrial:
    """One trial of a search.

    Attributes:
        number: the trial, from 0.
        state: how it ended.
        objective: None if it has none, such as a failed trial; it is drawn if it is finite.
        seconds: time spent on it.
        values: the value of each dimension in force; for a choice, the position of the value
            among the labels of its axis.
    """

    number: int
    state: TrialState
    objective: float | None
    seconds: float = 0.0
    values: Mapping[str, float] = field(default_factory=dict)

    @property
    def drawn(self) -> bool:
        """Whether there is a point to draw."""
        return self.objective is not None and math.isfinite(self.objective)


@dataclass(frozen=True)
class DimensionAxis:
    """The axis of one dimension: its ends and the step between values, or labels of choices."""

    key: str
    low: float = 0.0
    high: float = 1.0
    step: float | None = None
    log: bool = False
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ObjectiveAxis:
    """The axis of the objective. ``percent`` shows a share from 0 to 1 in percent."""

    name: str
    higher_is_better: bool = True
    percent: bool = False

    def best(self, trials: Sequence[PlottedTrial]) -> PlottedTrial | None:
        """Returns the finished trial with the best objective, the first of equals."""
        finished = [one for one in trials if one.state == "finished" and one.drawn]
        sign = -1 if self.higher_is_better else 1
        return min(finished, key=lambda one: (sign * (one.objective or 0.0), one.number),
                   default=None)  # fmt: skip

    def text(self, value: float) -> str:
        """Returns a value as it is written beside its point."""
        return f"{100 * value:.2f}" if self.percent else f"{value:.4g}"


def draw_search_history(
    path: Path, trials: Sequence[PlottedTrial], axis: ObjectiveAxis, *, title: str
) -> Path:
    """Draws the objective of each trial and the best so far, over trials and over time.

    Time is the sum of the seconds of the trials, in the order of their numbers.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    spent, ends = 0.0, []
    for one in trials:
        spent += one.seconds
        ends.append(spent)
    unit, name = (3600.0, "hours") if spent > 2 * 3600 else (60.0, "minutes")
    with figure(path, 9.6, 3.9) as drawn:
        left, right = drawn.subplots(1, 2, sharey=True)
        _history(left, [float(one.number) for one in trials], trials, axis)
        _history(right, [end / unit for end in ends], trials, axis)
        left.xaxis.get_major_locator().set_params(integer=True)
        left.set_xlabel("trial")
        right.set_xlabel(f"{name} of training, summed over the trials")
        label_objective(left, axis)
        title_above(left, title)
        legend_of_states(left, trials, axis, line=True)
    return path


def _history(
    axes: Any, across: Sequence[float], trials: Sequence[PlottedTrial], axis: ObjectiveAxis
) -> None:
    draw_points(axes, across, trials, axis)
    steps: list[tuple[float, float]] = []
    for position, one in zip(across, trials, strict=True):
        if one.state == "finished" and one.drawn and one.objective is not None:
            best = one.objective if not steps else steps[-1][1]
            best = max(best, one.objective) if axis.higher_is_better else min(best, one.objective)
            steps.append((position, best))
    if steps:
        steps.append((max(across), steps[-1][1]))
        axes.step(*zip(*steps, strict=True), where="post", color=ORANGE, lw=2, zorder=2)
    clean(axes)


def draw_points(
    axes: Any, across: Sequence[float], trials: Sequence[PlottedTrial], axis: ObjectiveAxis
) -> None:
    """Draws each trial by its state. A much worse objective becomes an arrow at the edge.

    Args:
        axes: of matplotlib; its y axis gets its ends here.
        across: the position of each trial; NaN leaves it out.
        trials: the trials.
        axis: the axis of the objective.
    """
    low, high = objective_limits(trials, axis)
    axes.set_ylim(low, high)
    best = axis.best(trials)
    for x, one in zip(across, trials, strict=True):
        if not math.isfinite(x):
            continue
        if one.objective is None or not one.drawn:
            axes.plot(x, low, marker=_TICK_UP, color=RED, ms=9, mew=2, zorder=3)
        elif not low <= one.objective <= high:
            inside = 0.02 * (high - low)
            edge, mark = (low + inside, "v") if one.objective < low else (high - inside, "^")
            axes.plot(x, edge, mark, color=FAINT, ms=6, mew=0, zorder=3)
        elif one.state == "pruned":
            axes.plot(x, one.objective, "x", color=FAINT, ms=5, mew=1.2, zorder=3)
        elif one.state == "failed":
            axes.plot(x, one.objective, "|", color=RED, ms=10, mew=2, zorder=3)
        elif best is not None and one.number == best.number:
            axes.plot(x, one.objective, "D", color=ORANGE, mec="white", ms=9, zorder=5)
        else:
            axes.plot(x, one.objective, "o", color=BLUE, mec="white", mew=0.6, ms=6, zorder=4)


def objective_limits(trials: Sequence[PlottedTrial], axis: ObjectiveAxis) -> tuple[float, float]:
    """Returns the ends of the axis of the objective.

    They leave out what is far worse than most: one diverged trial would hide all others.
    """
    values = sorted(one.objective for one in trials if one.objective is not None and one.drawn)
    if not values:
        return 0.0, 1.0
    sign = 1 if axis.higher_is_better else -1
    ordered = [sign * value for value in values][::sign]
    best, worst = ordered[-1], ordered[0]
    middle = ordered[len(ordered) // 4]
    if best > middle and best - worst > _SPREAD * (best - middle):
        near = [value for value in ordered if best - value <= _SPREAD * (best - middle)]
        worst = near[0]
    spare = 0.06 * (best - worst) or 0.05 * abs(best) or 0.05
    low, high = worst - spare, best + spare
    return (low, high) if axis.higher_is_better else (-high, -low)


def label_objective(axes: Any, axis: ObjectiveAxis) -> None:
    """Names the y axis and formats its marks."""
    axes.set_ylabel(escape_dollars(truncate(axis.name, 40)))
    if axis.percent:
        axes.yaxis.set_major_formatter(lambda value, position: f"{100 * value:.4g} %")


def legend_of_states(
    axes: Any, trials: Sequence[PlottedTrial], axis: ObjectiveAxis, *, line: bool = False
) -> None:
    """Adds a legend above the plot, with the marks that are drawn."""
    from matplotlib.lines import Line2D

    def mark(symbol: str, color: str, label: str, **more: Any) -> Any:
        return Line2D([], [], color=color, marker=symbol, label=label, **more)

    states = {one.state for one in trials if one.drawn}
    marks = []
    if line and "finished" in states:
        marks.append(Line2D([], [], color=ORANGE, lw=2, label="best so far"))
    if "finished" in states:
        marks.append(mark("D", ORANGE, "best", mec="white", ms=8, linestyle=""))
        marks.append(mark("o", BLUE, "finished", mec="white", ms=7, linestyle=""))
    if "pruned" in states:
        marks.append(mark("x", FAINT, "pruned", ms=5, linestyle=""))
    if "failed" in states or any(not one.drawn for one in trials):
        marks.append(mark("|", RED, "failed", ms=10, mew=2, linestyle=""))
    low, high = objective_limits(trials, axis)
    if any(one.drawn and not low <= (one.objective or 0.0) <= high for one in trials):
        symbol = "v" if axis.higher_is_better else "^"
        marks.append(mark(symbol, FAINT, "far worse", ms=6, mew=0, linestyle=""))
    legend_above(axes, marks)


def legend_above(axes: Any, marks: Sequence[Any]) -> None:
    """Adds a legend in the space between a plot and its title."""
    if marks:
        legend = axes.legend(
            handles=marks, frameon=False, ncols=len(marks), loc="lower left",
            bbox_to_anchor=(0.0, 1.01), borderpad=0.0, borderaxespad=0.4, handletextpad=0.4,
            columnspacing=1.2, labelcolor=INK,
        )  # fmt: skip
        # A legend that is wider than its panel takes no width from the other panels.
        legend.set_in_layout(False)


def title_above(axes: Any, title: str, more: str = "") -> None:
    """Writes a title with space for the legend below it. ``more`` is never cut."""
    axes.set_title(escape_dollars(truncate(title, 60)) + more, pad=26)
