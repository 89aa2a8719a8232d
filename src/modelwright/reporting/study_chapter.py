"""The chapter about a study: its variants with their intervals, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.config import setting
from modelwright.core.statistics import Estimate, PairedTest
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import (
    Chapter,
    Chart,
    Commands,
    Element,
    Points,
    Section,
    Warnings,
)
from modelwright.reporting.words import EMPTY, Words, count, share, short
from modelwright.studies.study_record import StudyRecord
from modelwright.trials.trial_result import MachineRecord

_METHODS = {
    "t over seeds": "Student's t over the seeds",
    "Wilson over rows": "Wilson's score over the rows, where seeds show no spread",
    "Newcombe over rows": "Newcombe's over the rows, where seeds show no spread",
}


def study_chapter(study: StudyRecord, t: Words) -> Chapter:
    """Returns everything that a study measured."""
    sections = [
        _card(study, t),
        _figures(study, t),
        _differences(study, t),
        _settings(study, t),
        _lineage(study, t),
        _repeating(study, t),
    ]
    name = study.title.get(t.language) or study.name
    return Chapter(name, t("study, {status}", status=t.status(study.status)), sections)


def _card(study: StudyRecord, t: Words) -> Section:
    content: list[Element] = []
    lines = [f"{one.variant}, {one.seed}: {short(one.error, 200)}" for one in study.failures]
    if study.missing:
        lines.append(t("Trainings still to come: {number}.", number=len(study.missing)))
    if lines:
        content.append(Warnings(lines))
    rows = [f"{t.evaluated(name)} {count(number)}" for name, number in study.data.rows.items()]
    content.append(Facts(t("The study"), [
        (t("variants"), len(study.variants)),
        (t("random seeds"), ", ".join(map(str, study.seeds))),
        (t("data"), study.data.source),
        (t("rows"), t.join(rows) or t("no run yet")),
        (t("measured on"), t.evaluated(study.split)),
        (t("last training"), study.date or EMPTY),
    ]))  # fmt: skip
    content.append(Points(t("What it is for"), [
        t("It compares the settings of these variants on these rows, each with the same seeds."),
    ]))  # fmt: skip
    content.append(Points(t("What it is not for"), [
        t("Other data: a difference between variants may be another one there."),
        t("Differences within the intervals: they may be chance."),
    ]))  # fmt: skip
    return Section("card", t("What was compared"), content)


def _figures(study: StudyRecord, t: Words) -> Section:
    title = t("Measured figures")
    trained = [one for one in study.variants if one.accuracy]
    if not trained:
        return Section("figures", title, [Note(t("No training has finished yet."))])
    references = {one.reference for one in study.variants}
    dots = [
        Dot(one.name, one.accuracy.value, one.accuracy.low, one.accuracy.high,
            [run.accuracy for run in one.runs], main=one.name not in references)
        for one in trained if one.accuracy
    ]  # fmt: skip
    best = max(dots, key=lambda dot: dot.value)
    said = Said(
        t("Accuracy of each variant"),
        t("The highest mean is {accuracy}: {name}. Small dots are single seeds, lines are 95 %"
          " intervals.", accuracy=share(best.value), name=short(best.label)),
        t("accuracy in %"),
    )  # fmt: skip
    headers = (t("variant"), t("seeds"), t("accuracy"), t("95 % interval"), t("training accuracy"),
               t("macro-F1"), t("calibration error"), t("minutes"), t("parameters"))  # fmt: skip
    rows = []
    for one in study.variants:
        runs = one.runs
        f1 = sum(run.macro_f1 for run in runs) / len(runs) if runs else None
        error = sum(run.calibration_error for run in runs) / len(runs) if runs else None
        rows.append((short(one.name), f"{len(runs)} / {len(study.seeds)}",
                     share(one.accuracy.value if one.accuracy else None),
                     _interval(one.accuracy, t), share(one.train_accuracy),
                     EMPTY if f1 is None else f"{f1:.4f}",
                     EMPTY if error is None else f"{error:.4f}",
                     EMPTY if one.minutes is None else f"{one.minutes:.1f}",
                     count(one.parameters)))  # fmt: skip
    table = Table(headers, rows, said.title)
    methods = dict.fromkeys(one.accuracy.method for one in trained if one.accuracy)
    note = t("95 % intervals: {methods}.", methods=t.join([t(_METHODS[m]) for m in methods]))
    seeds = [(short(one.name), run.seed, share(run.accuracy), f"{run.macro_f1:.4f}",
              run.epochs, f"{run.minutes:.1f}") for one in trained for run in one.runs]  # fmt: skip
    every = Table((t("variant"), t("seed"), t("accuracy"), t("macro-F1"), t("epochs"),
                   t("minutes")), seeds, t("Every training"))  # fmt: skip
    chart = Chart(charts.dot_plot(dots, said), said.title, said.description, table)
    return Section("figures", title, [chart, Note(note), every])


def _differences(study: StudyRecord, t: Words) -> Section:
    title = t("Differences")
    if not study.comparisons:
        return Section("differences", title, [Note(t("No variant names another as its reference,"
                                                     " so nothing was tested."))])  # fmt: skip
    headers = (t("variant"), t("against"), t("points"), t("95 % over seeds"), t("p over seeds"),
               t("95 % over rows"), t("p over rows"))  # fmt: skip
    rows = [
        (short(one.variant), short(one.reference), f"{100 * one.difference:+.2f}",
         *_test(one.over_seeds, t), *_test(one.over_rows, t))
        for one in study.comparisons
    ]  # fmt: skip
    lines = [
        t("Over seeds: a paired t-test says what another training would change."),
        t("Over rows: an exact randomization test says what other rows would change."),
        t("p is two-sided, corrected by Holm's method for all comparisons; the intervals are not."),
    ]
    table = Table(headers, rows, t("Differences of accuracy, in percentage points"))
    return Section("differences", title, [table, Points(t("How to read them"), lines)])


def _settings(study: StudyRecord, t: Words) -> Section:
    rows = [
        (short(one.name), short(one.recipe),
         "; ".join(f"{key}={short(setting(value), 60)}" for key, value in one.settings.items())
         or EMPTY)
        for one in study.variants
    ]  # fmt: skip
    headers = (t("variant"), t("recipe"), t("own settings"))
    return Section("settings", t("Settings"), [Table(headers, rows, t("Settings of the variants"))])


def _lineage(study: StudyRecord, t: Words) -> Section:
    facts = [(t("fingerprint of the data"), study.data.fingerprint or EMPTY),
             (t("folder"), str(study.folder))]  # fmt: skip
    machines = machines_table(study.machines, t("Machines that trained it"), t)
    return Section("lineage", t("Versions and lineage"), [Facts(t("Lineage"), facts), machines])


def machines_table(machines: Sequence[MachineRecord], title: str, t: Words) -> Table:
    """Returns machines with the versions of the packages on them."""
    rows = [
        (one.name, f"{one.memory_mib:,}", t.join(one.instruction_sets),
         ", ".join(f"{name} {number}" for name, number in one.versions.items()))
        for one in machines
    ]  # fmt: skip
    headers = (t("machine"), t("memory in MiB"), t("instruction sets"), t("versions"))
    return Table(headers, rows, title)


def _repeating(study: StudyRecord, t: Words) -> Section:
    return Section("repeating", t("How to repeat it"), [
        Commands(t("This command runs the study, or goes on with it:"), [study.command]),
        Commands(t("These commands train the first seed of each variant alone:"),
                 [one.command for one in study.variants]),
    ])  # fmt: skip


def _interval(estimate: Estimate | None, t: Words) -> str:
    return t.interval(estimate.low, estimate.high) if estimate else EMPTY


def _test(test: PairedTest | None, t: Words) -> Iterator[str]:
    if test is None:
        yield from (EMPTY, EMPTY)
        return
    yield t("{low} to {high}", low=f"{100 * test.low:+.2f}", high=f"{100 * test.high:+.2f}")
    yield "<0.0001" if test.corrected < 1e-4 else f"{test.corrected:.4f}"
