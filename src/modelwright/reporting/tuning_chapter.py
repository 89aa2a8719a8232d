"""The chapter about a search: what it tried, what it chose on which rows, and how to check it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ModelwrightError
from modelwright.models.builders import check_options
from modelwright.recipes.resolve import flatten_settings
from modelwright.reporting.elements import Chapter, Commands, Element, Points, Section, Warnings
from modelwright.reporting.tuning_figures import (
    dimension_charts,
    front_chart,
    history_chart,
    importance_chart,
    objective_text,
)
from modelwright.reporting.words import EMPTY, Words, count, short
from modelwright.tuning.search_folder import BEST, CHECK
from modelwright.tuning.search_plots import value_text
from modelwright.tuning.search_record import SearchRecord
from modelwright.tuning.trial_record import TrialRecord

_REASONS = 5
_ROWS = 500
_COSTS = {"latency_ms": "max_latency", "size_mib": "max_size"}
_UNITS = {"latency_ms": "ms a row", "size_mib": "MiB"}


def tuning_chapter(record: SearchRecord, t: Words) -> Chapter:
    """Returns everything that a search recorded, and what each setting decides."""
    sections = [
        _card(record, t),
        _best(record, t),
        _trials(record, t),
        *_front(record, t),
        _importance(record, t),
        _space(record, t),
        _lineage(record, t),
        _repeating(record, t),
    ]
    return Chapter(
        record.name, t("search for settings, {status}", status=_status(record, t)), sections
    )


def _status(record: SearchRecord, t: Words) -> str:
    return t({"running": "still running", "failed": "without a result"}.get(
        record.status, record.status))  # fmt: skip


def _card(record: SearchRecord, t: Words) -> Section:
    said = [*([record.reason] if record.reason else []), *record.notes]
    lines = [t.english(one) for one in said]
    failed = [one for one in record.records if one.state == "failed"]
    lines += [
        t("Trial {number} failed: {reason}", number=one.number, reason=short(one.reason, 200))
        for one in failed[:_REASONS]
    ]
    if len(failed) > _REASONS:
        lines.append(t("{number} more trials failed.", number=len(failed) - _REASONS))
    search = record.search
    rows = [f"{t.evaluated(name)} {count(number)}" for name, number in record.data.rows.items()]
    limits = [
        t("latency at most {value} ms a row", value=f"{search.max_latency:g}")
        if search.max_latency is not None else "",
        t("size at most {value} MiB", value=f"{search.max_size:g}")
        if search.max_size is not None else "",
    ]  # fmt: skip
    facts = Facts(t("The search"), [
        (t("objective"), objective_text(record, t)),
        (t("limits"), t.join([one for one in limits if one]) or t("none")),
        (t("trials"), t.join([f"{t(_STATES.get(state, state))} {number}"
                              for state, number in record.trials.items() if number]) or "0"),
        (t("sampler"), search.sampler),
        (t("pruner"), search.pruning),
        (t("random seed"), search.seed),
        (t("trained by"), t("{runner}, {number} at a time", runner=record.runner,
                            number=record.workers)),
        (t("data"), record.data.source),
        (t("rows"), t.join(rows)),
        (t("minutes"), f"{record.seconds / 60:.1f}"),
    ])  # fmt: skip
    content: list[Element] = [Warnings(lines)] if lines else []
    return Section("card", t("What was searched"), [*content, facts, *_purposes(record, t)])


_STATES = {"finished": "finished", "pruned": "pruned", "failed": "failed to train",
           "running": "running"}  # fmt: skip


def _purposes(record: SearchRecord, t: Words) -> list[Element]:
    ended = sum(one.state in ("finished", "pruned") for one in record.records)
    return [
        Points(t("What chose what, and on which rows"), [
            t("The validation rows chose the best of {number} trials, and in each trial its best"
              " epoch.", number=ended),
            t("The test rows chose nothing: no trial was measured on them."),
        ]),
        Points(t("What it does not say"), [
            t("How good the best settings are: the best of many figures from the same rows is too"
              " high. Measure it with the commands at the end."),
            t("That settings outside the space, or on other data, would not be better."),
        ]),
    ]  # fmt: skip


def _best(record: SearchRecord, t: Words) -> Section:
    title = t("Best settings")
    if record.best is None:
        return Section("best", title, [Note(t("No trial has finished within the limits yet."))])
    best, base = record.best, _base_values(record.base)
    error = ""
    if best.error is not None:
        error = t(", standard error {value} over the validation rows",
                  value=_objective(record, best.error))  # fmt: skip
    rows = [
        (key, short(value_text(value)), short(value_text(base[key])) if key in base else EMPTY)
        for key, value in best.settings.items()
    ]  # fmt: skip
    facts = Facts(t("The best trial"), [
        (t("trial"), best.number),
        (objective_text(record, t), _objective(record, best.objective) + error),
        (t("run"), str(best.run)),
    ])  # fmt: skip
    headers = (t("setting"), t("best value"), t("value of the base"))
    return Section("best", title, [facts, Table(headers, rows, t("Settings of the best trial"))])


def _trials(record: SearchRecord, t: Words) -> Section:
    title = t("Trials")
    chart = history_chart(record, _table(record, t), t)
    if chart is None:
        note = Note(t("No trial has an objective yet."))
        return Section("trials", title, [note, _table(record, t)])
    content: list[Element] = [chart]
    if len(record.records) > _ROWS:
        content.append(Note(t("The first {shown} of {all}.", shown=_ROWS, all=len(record.records))))
    return Section("trials", title, content)


def _table(record: SearchRecord, t: Words) -> Table:
    """Returns all trials, the best first; failed ones last."""
    sign = -1 if record.search.higher_is_better else 1
    order = {"finished": 0, "pruned": 1, "running": 2, "failed": 3}

    def key(one: TrialRecord) -> tuple[Any, ...]:
        return (order[one.state], sign * (one.objective or 0.0), one.number)

    keys = [one.key for one in record.dimensions]

    def value(one: TrialRecord, name: str) -> str:
        return short(value_text(one.values[name]), 40) if name in one.values else EMPTY

    limits = record.search.model_dump()
    costs = [figure for figure, limit in _COSTS.items() if limits[limit] is not None]

    rows = [
        (one.number, t(_STATES[one.state]), _objective(record, one.objective), len(one.epochs),
         f"{one.seconds / 60:.1f}",
         *(f"{one.figures[cost]:.3g}" if cost in one.figures else EMPTY for cost in costs),
         *(value(one, name) for name in keys))
        for one in sorted(record.records, key=key)[:_ROWS]
    ]  # fmt: skip
    headers = (t("trial"), t("state"), t("objective"), t("epochs"), t("minutes"),
               *(t(_UNITS[cost]) for cost in costs), *keys)  # fmt: skip
    return Table(headers, rows, t("All trials; a pruned one has the objective of its best epoch"))


def _front(record: SearchRecord, t: Words) -> list[Section]:
    chart = front_chart(record, t)
    return [] if not chart else [Section("front", t("Pareto front"), chart)]


def _importance(record: SearchRecord, t: Words) -> Section:
    importance = record.importance
    title = t("What the settings decide")
    if not importance.dimensions:
        said = t("Nothing was measured: {reason}", reason=t.english(importance.reason))
        return Section("importance", title, [Note(said), *dimension_charts(record, [], t)])
    keys = [one.key for one in importance.dimensions]
    content = [importance_chart(importance, t), *dimension_charts(record, keys, t)]
    return Section("importance", title, content)


def _space(record: SearchRecord, t: Words) -> Section:
    rows = [
        (one.key,
         t.join([short(value_text(choice), 30) for choice in one.choices]) if one.choices
         else t("{low} to {high}", low=f"{one.low:g}", high=f"{one.high:g}"),
         EMPTY if one.step is None else f"{one.step:g}",
         t("logarithmic") if one.log else EMPTY,
         "; ".join(f"{key}={' / '.join(map(value_text, values))}"
                   for key, values in one.conditions) or EMPTY)
        for one in record.dimensions
    ]  # fmt: skip
    headers = (t("setting"), t("values"), t("step"), t("scale"), t("only with"))
    return Section("space", t("The space"), [Table(headers, rows, t("What the search varied"))])


def _lineage(record: SearchRecord, t: Words) -> Section:
    facts = [
        (t("fingerprint of the data"), record.data.fingerprint or EMPTY),
        (t("folder"), str(record.folder)),
        (t("recipe"), record.base.get("recipe", EMPTY)),
    ]
    return Section("lineage", t("Lineage"), [Facts(t("Lineage"), facts)])


def _repeating(record: SearchRecord, t: Words) -> Section:
    commands = [Commands(t("This command runs the search, or goes on with it:"), [record.command])]
    folder = record.folder
    if record.best is not None:
        check, best = shlex.quote(str(folder / CHECK)), shlex.quote(str(folder / BEST))
        commands += [
            Commands(t("This one measures the gain on the test rows, which chose nothing: the best"
                       " few against the base, each with several seeds:"),
                     [f"modelwright compare {check}"]),
            Commands(t("This one trains with the best settings:"),
                     [f"modelwright train --recipe {best}"]),
        ]  # fmt: skip
    logs = f"tensorboard --logdir {shlex.quote(str(folder))}"
    commands.append(Commands(t("This one compares the trials in TensorBoard:"), [logs]))
    return Section("repeating", t("How to check it and repeat it"), commands)


def _objective(record: SearchRecord, value: float | None) -> str:
    if value is None:
        return EMPTY
    return f"{100 * value:.2f} %" if record.search.objective == "val_accuracy" else f"{value:.4f}"


def _base_values(base: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings of the base, those of the network with their defaults."""
    known = {key.replace("model.options.", "model."): value
             for key, value in flatten_settings(base)}  # fmt: skip
    try:
        model = ModelConfig.model_validate(base.get("model", {}))
        options = check_options(model).model_dump()
    except (ModelwrightError, ValueError):
        options = {}  # a function of the user that is not here
    return {**dict(flatten_settings(options, "model.")), **dict(flatten_settings(base)), **known}
