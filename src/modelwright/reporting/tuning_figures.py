"""The figures of a search on a page: what its charts draw, and their words."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.blocks import Note, Table
from modelwright.plots.tuning import DimensionAxis, PlottedTrial, objective_limits
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element
from modelwright.reporting.tuning_charts import Across, Mark, MarkKind, scatter
from modelwright.reporting.words import Words, short
from modelwright.tuning.importance import SearchImportance
from modelwright.tuning.search_plots import (
    dimension_axes,
    front_points,
    objective_axis,
    plotted_trials,
)
from modelwright.tuning.search_record import SearchRecord

_SLICES = 8
_DRAWN = 500
"""Most trials of a chart, so that the page stays small."""
_OBJECTIVES = {
    "val_accuracy": "accuracy on the validation rows",
    "macro_f1": "macro-F1 on the validation rows",
    "val_loss": "loss on the validation rows",
}


def objective_text(record: SearchRecord, t: Words) -> str:
    """Returns what the search improves."""
    return t(_OBJECTIVES[record.search.objective])


def history_chart(record: SearchRecord, table: Table, t: Words) -> Chart | None:
    """Returns the objective of each trial and the best so far; None if no trial has one."""
    trials = _drawn_trials(record)
    if not trials:
        return None
    higher = record.search.higher_is_better
    stairs: list[tuple[float, float]] = []
    for one in trials:
        value = one.objective or 0.0
        better = not stairs or (value > stairs[-1][1] if higher else value < stairs[-1][1])
        if one.state == "finished" and better:
            stairs.append((float(one.number), value))
    said = Said(
        t("Objective of each trial"),
        t.sentences(
            t("Dots are finished trials, the large one is the best, crosses are pruned ones. The"
              " line is the best so far."),
            _scale_note(record, t),
        ),
        t("trial"),
    )  # fmt: skip
    across = Across(0, max(1, trials[-1].number), whole=True)
    marks = _marks(record, trials, [float(one.number) for one in trials])
    drawn = scatter(marks, across, _limits(record), said, percent=_percent(record), stairs=stairs)
    return Chart(drawn, said.title, said.description, table)


def dimension_charts(record: SearchRecord, order: Sequence[str], t: Words) -> list[Element]:
    """Returns a chart of the objective over each dimension, the most important first."""
    found: list[Element] = []
    axes = dimension_axes(record, order)
    for axis in axes[:_SLICES]:
        trials = [one for one in _drawn_trials(record) if axis.key in one.values]
        if not trials:
            continue
        title = t("Objective over {setting}", setting=short(axis.key))
        said = Said(title, _slice_text(record, axis, trials, t), axis.key)
        across = Across(axis.low, axis.high, log=axis.log, step=axis.step)
        if axis.labels:
            across = Across(0, len(axis.labels) - 1, names=axis.labels)
        marks = _marks(record, trials, [one.values[axis.key] for one in trials])
        drawn = scatter(marks, across, _limits(record), said, percent=_percent(record))
        found.append(Chart(drawn, title, said.description))
    if len(axes) > _SLICES:
        found.append(Note(t("The first {shown} of {all}.", shown=_SLICES, all=len(axes))))
    return found


def importance_chart(importance: SearchImportance, t: Words) -> Chart:
    """Returns the importance of each setting with its interval."""
    title = t("Importance of the settings")
    dots = [
        Dot(short(one.key), max(0.0, one.value), max(0.0, one.low), max(0.0, one.high),
            main=one.sure)
        for one in importance.dimensions
    ]  # fmt: skip
    sure = [one.key for one in importance.dimensions if one.sure]
    explained = max(0.0, importance.explained or 0.0)
    said = Said(
        title,
        t.sentences(
            t(
                "The share of the order of trials that each setting decides, alone or with others,"
                " with 95 % intervals over {number} trials ({finished} finished, {pruned} pruned).",
                number=importance.finished + importance.pruned,
              finished=importance.finished, pruned=importance.pruned),
            t("All settings together predict {share} %.", share=f"{100 * explained:.0f}"),
            t("These settings have an effect: {names}.", names=t.join(sure)) if sure
            else t("No interval is above 0: with so few trials each effect may be chance."),
        ),
        t("share of the order in %"),
    )  # fmt: skip
    rows = [
        (one.key, f"{one.value:.3f}", t("{low} to {high}", low=f"{one.low:.3f}",
         high=f"{one.high:.3f}"), one.trials, t("yes") if one.sure else t("may be chance"))
        for one in importance.dimensions
    ]  # fmt: skip
    headers = (t("setting"), t("importance"), t("95 % interval"), t("trials"), t("effect"))
    return Chart(charts.dot_plot(dots, said), title, said.description, Table(headers, rows, title))


def front_chart(record: SearchRecord, t: Words) -> list[Element]:
    """Returns the objective over what a model costs, for each limit; nothing without limits."""
    points, costs = front_points(record)
    if not points:
        return []
    found: list[Element] = []
    best = None if record.best is None else record.best.number
    for number, cost in enumerate(costs):
        marks = [
            Mark(one.costs[number], one.objective,
                 "beyond" if not one.allowed else "best" if one.number == best else "finished")
            for one in points
        ]  # fmt: skip
        values = [one.costs[number] for one in points]
        ends = [*values, *([] if cost.limit is None else [cost.limit])]
        title = t("Objective over {setting}", setting=t(cost.name))
        said = Said(
            title,
            t("Dots are within all limits, the large one is the best of them; rings are beyond a"
              " limit. The dashed line is the limit."),
            t(cost.name),
        )  # fmt: skip
        across = Across(min(ends), max(ends), limit=cost.limit)
        chart = scatter(marks, across, _limits(record), said, percent=_percent(record))
        found.append(Chart(chart, title, said.description))
    rows = [
        (one.number, _value(record, one.objective), *(f"{cost:.3g}" for cost in one.costs),
         t("yes") if one.allowed else t("no"))
        for one in sorted(points, key=lambda one: record.pareto.index(one.number)
                          if one.number in record.pareto else len(points)) if one.front
    ]  # fmt: skip
    headers = (t("trial"), t("objective"), *(t(one.name) for one in costs), t("within the limits"))
    caption = t("The Pareto front: no trial beats these in everything")
    return [*found, Table(headers, rows, caption)]


def _slice_text(
    record: SearchRecord, axis: DimensionAxis, trials: Sequence[PlottedTrial], t: Words
) -> str:
    """Returns where the best trials lie, for a reader who does not see the chart."""
    sign = -1 if record.search.higher_is_better else 1
    ranked = sorted(trials, key=lambda one: (sign * (one.objective or 0.0), one.number))
    third = [one.values[axis.key] for one in ranked[: max(1, len(ranked) // 3)]]
    if axis.labels:
        names = dict.fromkeys(axis.labels[int(value)] for value in third if value == value)
        where = t.join([short(name, 40) for name in names])
    else:
        where = t("{low} to {high}", low=f"{min(third):.4g}", high=f"{max(third):.4g}")
    return t("The best third of {number} trials has {values}.", number=len(trials), values=where)


def _marks(
    record: SearchRecord, trials: Sequence[PlottedTrial], across: Sequence[float]
) -> list[Mark]:
    best = None if record.best is None else record.best.number

    def kind(one: PlottedTrial) -> MarkKind:
        return "pruned" if one.state == "pruned" else "best" if one.number == best else "finished"

    return [
        Mark(x, one.objective or 0.0, kind(one))
        for one, x in zip(trials, across, strict=True)
        if x == x
    ]


def _drawn_trials(record: SearchRecord) -> list[PlottedTrial]:
    """Returns the trials with an objective in their order; of very many, the best ones."""
    trials = [one for one in plotted_trials(record) if one.drawn]
    sign = -1 if record.search.higher_is_better else 1
    best = sorted(trials, key=lambda one: (sign * (one.objective or 0.0), one.number))[:_DRAWN]
    return sorted(best, key=lambda one: one.number)


def _limits(record: SearchRecord) -> tuple[float, float]:
    return objective_limits(plotted_trials(record), objective_axis(record))


def _scale_note(record: SearchRecord, t: Words) -> str:
    """Returns what a reader must know of the marks, if there is anything."""
    low, high = _limits(record)
    outside = [
        one
        for one in plotted_trials(record)
        if one.drawn and not low <= (one.objective or 0.0) <= high
    ]
    ended = sum(one.drawn for one in plotted_trials(record))
    lines = []
    pruned = any(one.state == "pruned" for one in record.records)
    if record.search.objective == "macro_f1" and pruned:
        lines.append(t("A pruned trial has its accuracy, because an epoch measures no F1."))
    if ended > _DRAWN:
        lines.append(t("Only the best {shown} of {all} trials are drawn.", shown=_DRAWN, all=ended))
    elif outside:
        lines.append(t("Far worse trials, drawn at the edge: {number}.", number=len(outside)))
    return t.sentences(*lines)


def _percent(record: SearchRecord) -> bool:
    return objective_axis(record).percent


def _value(record: SearchRecord, value: float) -> str:
    return f"{100 * value:.2f} %" if _percent(record) else f"{value:.4f}"
