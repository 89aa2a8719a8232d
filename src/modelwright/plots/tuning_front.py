"""The plot of objectives against what a model costs: the Pareto front and the limits."""

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
    RED,
    clean,
    escape_dollars,
    figure,
    truncate,
)
from modelwright.plots.tuning import ObjectiveAxis, label_objective, legend_above, title_above


@dataclass(frozen=True)
class FrontPoint:
    """A finished trial.

    ``costs`` are in the order of the axes, ``allowed`` says that it is within all limits, and
    ``front`` that no other is at least as good in everything and better in something.
    """

    number: int
    objective: float
    costs: tuple[float, ...]
    allowed: bool = True
    front: bool = False


@dataclass(frozen=True)
class CostAxis:
    """What a model costs, such as ``latency in ms``, and the most that is allowed."""

    name: str
    limit: float | None = None


def draw_front(
    path: Path,
    points: Sequence[FrontPoint],
    costs: Sequence[CostAxis],
    axis: ObjectiveAxis,
    *,
    title: str,
) -> Path:
    """Draws a panel for each cost: the trials, those on the front, and the limit.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    allowed = [one for one in points if one.allowed]
    sign = -1 if axis.higher_is_better else 1
    best = min(allowed, key=lambda one: (sign * one.objective, one.number), default=None)
    with figure(path, 4.6 * len(costs) + 1.4, 4.2) as drawn:
        panels = drawn.subplots(1, len(costs), sharey=True, squeeze=False)[0]
        for number, (panel, cost) in enumerate(zip(panels, costs, strict=True)):
            _panel(panel, points, number, best)
            if len(costs) == 1:
                _stairs(panel, points)
            if cost.limit is not None:
                panel.axvline(cost.limit, color=RED, lw=1.5, ls="--", zorder=1)
            panel.margins(0.08)
            panel.set_xlabel(escape_dollars(truncate(cost.name, 40)))
            clean(panel)
        label_objective(panels[0], axis)
        title_above(panels[0], title, "; numbers: the Pareto front")
        _legend(panels[0], points, any(cost.limit is not None for cost in costs))
    return path


def _panel(panel: Any, points: Sequence[FrontPoint], number: int, best: FrontPoint | None) -> None:
    for one in points:
        x = one.costs[number]
        if best is not None and one.number == best.number:
            panel.plot(x, one.objective, "D", color=ORANGE, mec="white", ms=10, zorder=5)
        else:
            panel.plot(x, one.objective, "o", color=BLUE if one.allowed else "white",
                       mec="white" if one.allowed else FAINT, ms=7, zorder=3)  # fmt: skip
        if one.front:
            panel.annotate(str(one.number), (x, one.objective), xytext=(0, 8), ha="center",
                           textcoords="offset points", fontsize=8.5, color=INK)  # fmt: skip


def _stairs(panel: Any, points: Sequence[FrontPoint]) -> None:
    front = sorted((one.costs[0], one.objective) for one in points if one.front)
    if front:
        panel.step(*zip(*front, strict=True), where="post", color=BLUE, lw=1.4, alpha=0.6, zorder=2)


def _legend(panel: Any, points: Sequence[FrontPoint], limited: bool) -> None:
    from matplotlib.lines import Line2D

    def mark(symbol: str, color: str, edge: str, label: str) -> Any:
        return Line2D([], [], color=color, mec=edge, marker=symbol, ls="", ms=8, label=label)

    marks = []
    if any(one.allowed for one in points):
        marks += [mark("D", ORANGE, "white", "best within the limits" if limited else "best"),
                  mark("o", BLUE, "white", "finished")]  # fmt: skip
    if any(not one.allowed for one in points):
        marks.append(mark("o", "white", FAINT, "beyond a limit"))
    if limited:
        marks.append(Line2D([], [], color=RED, lw=1.5, ls="--", label="limit"))
    legend_above(panel, marks)
