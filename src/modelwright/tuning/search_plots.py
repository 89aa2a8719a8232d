"""Draws a search: what its record holds, as the plots take it.

plots/history.png     the objective of each trial and the best so far
plots/importance.png  what each dimension decides
plots/slices.png      the objective over each dimension
plots/parallel.png    all trials as lines over the dimensions
plots/front.png       the Pareto front, with limits only
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import setting
from modelwright.plots.tuning import (
    DimensionAxis,
    ObjectiveAxis,
    PlottedTrial,
    draw_search_history,
)
from modelwright.plots.tuning_front import CostAxis, FrontPoint, draw_front
from modelwright.plots.tuning_importance import ImportanceBar, draw_importance
from modelwright.plots.tuning_parallel import draw_parallel
from modelwright.plots.tuning_slices import draw_slices
from modelwright.tuning.dimension import Dimension
from modelwright.tuning.objective import within_limits
from modelwright.tuning.search_record import SearchRecord
from modelwright.tuning.search_settings import ObjectiveName

FOLDER = "plots"
OBJECTIVES: dict[ObjectiveName, str] = {
    "val_accuracy": "validation accuracy",
    "macro_f1": "validation macro-F1",
    "val_loss": "validation loss",
}
_COSTS = (("latency_ms", "max_latency", "latency of one row in ms"),
          ("size_mib", "max_size", "size of the weights in MiB"))  # fmt: skip


def draw_search(record: SearchRecord, folder: Path) -> list[Path]:
    """Draws the plots of a search and returns their files; none without an ended trial.

    Args:
        record: the search.
        folder: the folder to write into.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    trials = plotted_trials(record)
    if not any(one.drawn for one in trials):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    importance = record.importance.dimensions
    axis, axes = objective_axis(record), dimension_axes(record, [one.key for one in importance])
    title = f"{record.name}, {len(trials)} trial{'s' if len(trials) > 1 else ''}"
    drawn = [
        draw_search_history(folder / "history.png", trials, axis, title=title),
        draw_slices(folder / "slices.png", trials, axes, axis, title=title),
        draw_parallel(folder / "parallel.png", trials, axes, axis, title=title),
    ]
    if importance:
        bars = [ImportanceBar(one.key, one.value, one.low, one.high) for one in importance]
        measure = "share of the order of trials that the setting decides, alone or with others"
        path = folder / "importance.png"
        drawn.append(draw_importance(path, bars, title=title, measure=measure))
    points, costs = front_points(record)
    if points and costs:
        drawn.append(draw_front(folder / "front.png", points, costs, axis, title=title))
    return drawn


def plotted_trials(record: SearchRecord) -> list[PlottedTrial]:
    """Returns the ended trials as the plots take them."""
    found = []
    for one in record.records:
        if one.state == "running":
            continue
        values = {
            dimension.key: _position(dimension, one.values[dimension.key])
            for dimension in record.dimensions
            if dimension.key in one.values
        }
        objective = None if one.state == "failed" else one.objective
        found.append(PlottedTrial(one.number, one.state, objective, one.seconds, values))
    return found


def objective_axis(record: SearchRecord) -> ObjectiveAxis:
    """Returns the axis of the objective. A pruned trial has no F1 score, but an accuracy."""
    name = record.search.objective
    pruned = name == "macro_f1" and any(one.state == "pruned" for one in record.records)
    label = OBJECTIVES[name] + (" (pruned: accuracy)" if pruned else "")
    return ObjectiveAxis(label, record.search.higher_is_better, percent=name == "val_accuracy")


def front_points(record: SearchRecord) -> tuple[list[FrontPoint], list[CostAxis]]:
    """Returns the finished trials with what is limited of them; nothing without limits."""
    limits = record.search.model_dump()
    used = [(figure, limits[key], name) for figure, key, name in _COSTS if limits[key] is not None]
    if not used:
        return [], []
    points = [
        FrontPoint(
            one.number,
            one.objective,
            tuple(one.figures[figure] for figure, _, _ in used),
            within_limits(one, record.search),
            one.number in record.pareto,
        )
        for one in record.finished
        if one.objective is not None and all(figure in one.figures for figure, _, _ in used)
    ]
    return points, [CostAxis(name, limit) for _, limit, name in used]


def dimension_axes(record: SearchRecord, order: Sequence[str]) -> list[DimensionAxis]:
    """Returns the axes of the dimensions: first those in ``order``, then the others."""
    ordered = sorted(
        record.dimensions,
        key=lambda one: order.index(one.key) if one.key in order else len(order),
    )
    return [
        DimensionAxis(
            one.key, one.low, one.high, one.step, one.log, tuple(map(value_text, one.choices))
        )
        for one in ordered
    ]


def value_text(value: Any) -> str:
    """Returns a value for a person: numbers with four digits, others as in a config."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else setting(value)


def _position(dimension: Dimension, value: Any) -> float:
    """Returns a value, or the position of a choice: 1, 1.0 and true are different choices."""
    if dimension.kind != "choice":
        return float(value)
    same = (type(one) is type(value) and one == value for one in dimension.choices)
    return next((float(number) for number, found in enumerate(same) if found), math.nan)
