"""The plot of the objective against each dimension of a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.plots.canvas import clean, escape_dollars, figure, truncate
from modelwright.plots.tuning import (
    DimensionAxis,
    ObjectiveAxis,
    PlottedTrial,
    draw_points,
    label_objective,
    legend_of_states,
    title_above,
)

_MOST = 12
_COLUMNS = 3
_TICKS = 6
_TURNED = 12
"""Columns of text above which the names of choices are turned."""


def draw_slices(
    path: Path,
    trials: Sequence[PlottedTrial],
    dimensions: Sequence[DimensionAxis],
    axis: ObjectiveAxis,
    *,
    title: str,
) -> Path:
    """Draws a panel for each dimension: the objective of every trial over its value.

    A trial without a value for a dimension is left out of its panel.

    Args:
        path: the PNG to write.
        trials: the trials.
        dimensions: the first twelve are drawn.
        axis: the axis of the objective.
        title: above the plot.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = list(dimensions)[:_MOST]
    columns = max(1, min(_COLUMNS, len(shown)))
    rows = max(1, math.ceil(len(shown) / columns))
    with figure(path, 3.5 * columns + 0.8, 2.9 * rows + 0.8) as drawn:
        panels = drawn.subplots(rows, columns, sharey=True, squeeze=False).ravel().tolist()
        for number, (panel, one) in enumerate(zip(panels, shown, strict=False)):
            positions = [_position(trial, one) for trial in trials]
            draw_points(panel, positions, trials, axis)
            scale_dimension(panel, one)
            panel.set_xlabel(escape_dollars(truncate(one.key, 34)))
            if number % columns == 0:
                label_objective(panel, axis)
            clean(panel)
        for panel in panels[len(shown) :]:
            panel.set_visible(False)
        hidden = len(dimensions) - len(shown)
        more = f", the first {_MOST} of {len(dimensions)}" if hidden else ""
        title_above(panels[0], title, more)
        legend_of_states(panels[0], trials, axis)
    return path


def scale_dimension(panel: Any, one: DimensionAxis) -> None:
    """Sets the ends of the x axis, its scale, and the names of choices."""
    if one.labels:
        panel.set_xlim(-0.6, len(one.labels) - 0.4)
        names = [escape_dollars(truncate(label, 16)) for label in one.labels]
        panel.set_xticks(range(len(names)), names)
        if max(map(len, names)) * len(names) > 2.5 * _TURNED:
            panel.tick_params(axis="x", labelrotation=35)
        return
    if one.log:
        spare = (one.high / one.low) ** 0.05
        panel.set_xscale("log")
        panel.set_xlim(one.low / spare, one.high * spare)
        return
    spare = 0.05 * (one.high - one.low) or 0.5
    panel.set_xlim(one.low - spare, one.high + spare)
    count = 1 + round((one.high - one.low) / one.step) if one.step else 0
    if 1 < count <= _TICKS and one.step:
        panel.set_xticks([one.low + number * one.step for number in range(count)])
    else:
        panel.xaxis.get_major_locator().set_params(nbins=_TICKS)


def _position(trial: PlottedTrial, one: DimensionAxis) -> float:
    """Returns where a trial is on an axis; trials of one choice are spread a little."""
    value = trial.values.get(one.key, math.nan)
    return value + spread(trial.number) if one.labels else value


def spread(number: int) -> float:
    """Returns -0.2 to 0.2, the same for each trial everywhere, by the golden ratio."""
    return 0.4 * (number * 0.6180339887 % 1) - 0.2
