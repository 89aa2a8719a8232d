"""How an update made a model: what it learned, from which version, and what the gate measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from modelwright.core.blocks import Facts, Note, Table
from modelwright.reporting.elements import Element, Points, Section, Warnings
from modelwright.reporting.limits import Limits
from modelwright.reporting.subject import Subject
from modelwright.reporting.update_record import (
    ChangeRecord,
    FoundUpdate,
    LineageRecord,
    UpdateRecord,
)
from modelwright.reporting.words import EMPTY, Words, count, decimal, short

EARLIER_RUN = "RUN"
"""What stands for the run that learned, whose folder is not recorded."""
_FINGERPRINTS = {
    "parent": "fingerprint of the parent",
    "new": "fingerprint of the new rows",
    "old": "fingerprint of the old rows",
}


def update_section(subject: Subject, limits: Limits, t: Words) -> Section | None:
    """Returns how an update made the model; None if a training made it."""
    update = subject.update
    if update is None:
        return None
    title = t("Update")
    if update.lineage is None:
        damaged = t("The lineage is damaged: {reason}", reason=t.english(update.problem))
        return Section("update", title, [Warnings([damaged])])
    content: list[Element] = [_facts(subject, update.lineage, t), _gate(update.lineage, t)]
    content.append(Note(_rule(update.lineage, t)))
    if update.problem:
        content.append(Warnings([t.english(update.problem)]))
    if update.report:
        content += _report(update.report, limits, t)
    elif not update.problem:
        content.append(Note(t("The report of the update is not here, so the other strategies that"
                              " were tried are missing.")))  # fmt: skip
    return Section("update", title, content)


def update_command(subject: Subject, update: FoundUpdate) -> str | None:
    """Returns the command that made a version, or None if its lineage is damaged."""
    lineage = update.lineage
    if lineage is None:
        return None
    parent = EARLIER_RUN
    if subject.servable and lineage.version is None:
        parent = str(subject.servable.parent / str(lineage.parent))
    settings = lineage.settings
    return shlex.join([
        "modelwright", "update", parent, "--data", lineage.data.source,
        "--strategy", lineage.strategy, "--seed", str(lineage.seed),
        "--memory", str(settings.memory), "--max-drop", f"{settings.max_drop:g}",
        "--max-class-drop", f"{settings.max_class_drop:g}",
    ])  # fmt: skip


def _facts(subject: Subject, lineage: LineageRecord, t: Words) -> Facts:
    if lineage.version is None and subject.manifest:
        ancestors = [f"{subject.manifest.name}/{number}" for number in sorted(lineage.ancestors)]
        parent = f"{subject.manifest.name}/{lineage.parent}"
    else:
        ancestors = [str(number) for number in sorted(lineage.ancestors)]
        parent = t("an earlier run, number {number} of its line", number=lineage.parent)
    prints = [
        (t(label), short(lineage.fingerprints[key], 80))
        for key, label in _FINGERPRINTS.items()
        if key in lineage.fingerprints
    ]
    return Facts(t("What it learned"), [
        (t("made from"), parent),
        (t("ancestors"), t.join(ancestors) or EMPTY),
        (t("strategy"), short(lineage.strategy)),
        (t("new data"), short(lineage.data.source)),
        (t("new training rows"), count(lineage.data.rows)),
        (t("labels"), _change(lineage.labels.before, lineage.labels.after, t)),
        (t("tokens"), _change(lineage.tokens.before, lineage.tokens.after, t)),
        (t("random seed"), lineage.seed),
        (t("examples in the memory, at most"), count(lineage.settings.memory)),
        *prints,
    ])  # fmt: skip


def _change(before: int, after: int, t: Words) -> str:
    if before == after:
        return count(after)
    return t("{before} before, {after} after", before=count(before), after=count(after))


def _gate(lineage: LineageRecord, t: Words) -> Table:
    measured = [(t("old rows"), lineage.gate.old), (t("new rows"), lineage.gate.new)]
    rows = [
        (name, count(one.rows), decimal(one.before), decimal(one.after), _points(one),
         _ends(one, t), f"{100 * one.level:.4g} %")
        for name, one in measured if one
    ]  # fmt: skip
    headers = (t("measured on"), t("rows"), t("macro-F1 before"), t("macro-F1 after"),
               t("points gained"), t("interval"), t("level"))  # fmt: skip
    return Table(headers, rows, t("The gate: macro-F1 on held-out rows"))


def _rule(lineage: LineageRecord, t: Words) -> str:
    settings = lineage.settings
    rule = t("A version is written only if macro-F1 on new rows rises, falls on old rows by at most"
             " {drop} points, the ends of the intervals included, and no old class loses more than"
             " {class_drop} points of F1 beyond chance.", drop=f"{settings.max_drop:g}",
             class_drop=f"{settings.max_class_drop:g}")  # fmt: skip
    if lineage.gate.candidates > 1:
        rule = t.sentences(
            rule,
            t("{number} strategies were judged on the same rows, so the intervals are wider than at"
              " 95 % (Bonferroni).", number=lineage.gate.candidates),
        )  # fmt: skip
    return rule


def _report(report: UpdateRecord, limits: Limits, t: Words) -> Iterator[Element]:
    if report.candidates:
        yield _candidates(report, t)
    if report.classes:
        yield _classes(report, limits, t)
        if limits.rows < len(report.classes):
            yield Note(t("The first {shown} of {all}.", shown=limits.rows,
                         all=len(report.classes)))  # fmt: skip
    notes = [t.english(short(one, 300)) for one in (report.reason, *report.notes)]
    yield Points(t("Decisions and notes"), notes)


def _candidates(report: UpdateRecord, t: Words) -> Table:
    rows = [
        (short(one.name), *_figures(one.old, t), *_figures(one.new, t), f"{one.seconds:,.1f}",
         t.english(short(one.reason, 300)) if one.reason else t("taken"))
        for one in report.candidates
    ]  # fmt: skip
    points, interval = t("points gained"), t("interval")
    headers = (t("strategy"), t("old rows"), points, interval, t("new rows"), points, interval,
               t("seconds"), t("outcome"))  # fmt: skip
    return Table(headers, rows, t("All strategies that were tried: macro-F1 after"))


def _classes(report: UpdateRecord, limits: Limits, t: Words) -> Table:
    rows = [
        (short(one.label), decimal(one.before), decimal(one.after),
         f"{100 * (one.after - one.before):+.2f}")
        for one in report.classes[: limits.rows]
    ]  # fmt: skip
    headers = (t("class"), t("F1 before"), t("F1 after"), t("points gained"))
    return Table(headers, rows, t("Old rows by class"))


def _figures(change: ChangeRecord | None, t: Words) -> tuple[str, str, str]:
    if change is None:
        return EMPTY, EMPTY, EMPTY
    return decimal(change.after), _points(change), _ends(change, t)


def _points(change: ChangeRecord) -> str:
    return f"{100 * (change.after - change.before):+.2f}"


def _ends(change: ChangeRecord, t: Words) -> str:
    low, high = (f"{100 * end:+.2f}" for end in change.interval)
    return t("{low} to {high}", low=low, high=high)
