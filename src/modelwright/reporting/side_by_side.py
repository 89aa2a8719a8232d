"""Several models side by side: their figures in one table, and tests between pairs of runs."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.blocks import Note, Table
from modelwright.core.config import setting
from modelwright.core.errors import ModelwrightError
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element, Section, Warnings
from modelwright.reporting.figures_section import best_baseline
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, decimal, share, short
from modelwright.runs.difference import compare_runs
from modelwright.runs.settings import flat_settings

_TESTED = 10
"""Runs that are tested against the first one, at most."""


def compare_section(subjects: Sequence[Subject], names: Sequence[str], t: Words) -> Section:
    """Returns the models side by side.

    Args:
        subjects: at least two models.
        names: a name for each, all different.
        t: the words of the page.
    """
    content: list[Element] = []
    prints = {str(one.data["fingerprint"]) for one in subjects}
    if len(prints) > 1:
        content.append(Warnings([t("The models were trained and measured on different rows, so"
                                   " their figures cannot be compared directly.")]))  # fmt: skip
    content.append(_figures(subjects, names, t))
    content += _tests(subjects, names, t)
    settings = [flat_settings(one.config) for one in subjects]
    rows = [
        (key, *(EMPTY if key not in one else short(setting(one[key]), 40) for one in settings))
        for key in dict.fromkeys(key for one in settings for key in one)
        if len({str(one.get(key)) for one in settings}) > 1
    ]
    if rows:
        content.append(Table((t("setting"), *names), rows, t("Settings that differ")))
    else:
        content.append(Note(t("All settings are the same.")))
    return Section("compare", t("Side by side"), content)


def _figures(subjects: Sequence[Subject], names: Sequence[str], t: Words) -> Element:
    headers = (t("model"), t("measured on"), t("rows"), t("accuracy"), t("95 % interval"),
               t("macro-F1"), t("calibration error"), t("best baseline"), t("training accuracy"),
               t("parameters"), t("seconds"), t("recipe"), t("data"))  # fmt: skip
    rows, dots = [], []
    for name, one in zip(names, subjects, strict=True):
        found, metrics = one.evaluation, one.metrics
        record = found.record if found else None
        if record:
            dots.append(Dot(name, record.accuracy, *record.accuracy_interval))
        simple = best_baseline(record) if record else None
        seconds = metrics.get("seconds")
        rows.append((
            name,
            t.evaluated(found.name) if found else t("not measured"),
            count(record.rows if record else None),
            share(record.accuracy if record else None),
            t.interval(*record.accuracy_interval) if record else EMPTY,
            decimal(record.macro_f1 if record else None),
            decimal(record.calibration_error if record else None),
            share(simple.accuracy if simple else None),
            share(metrics.get("train_accuracy")),
            count(metrics.get("parameters")),
            EMPTY if seconds is None else f"{seconds:,.1f}",
            one.config.recipe,
            f"{short(str(one.data['source']), 40)} ({str(one.data['fingerprint'])[:8]})",
        ))  # fmt: skip
    table = Table(headers, rows, t("Models side by side"))
    if not dots:
        return table
    said = Said(t("Accuracy of each model"), t("The lines are 95 % intervals over the rows."),
                t("accuracy in %"))  # fmt: skip
    return Chart(charts.dot_plot(dots, said), said.title, said.description, table)


def _tests(subjects: Sequence[Subject], names: Sequence[str], t: Words) -> list[Element]:
    """Returns the paired tests of each run against the first, on rows that both answered."""
    runs = [(name, one.run.path) for name, one in zip(names, subjects, strict=True) if one.run]
    if len(runs) < 2:
        return []
    (first, path), *others = runs
    others = [one for one in others if one[1].resolve() != path.resolve()]
    rows = []
    for name, other in others[:_TESTED]:
        try:
            report = compare_runs(path, other)
        except ModelwrightError:
            continue
        rows += [
            (name, t.evaluated(on), f"{100 * test.difference:+.2f}",
             t("{low} to {high}", low=f"{100 * test.low:+.2f}", high=f"{100 * test.high:+.2f}"),
             "<0.001" if test.p < 0.001 else f"{test.p:.3f}")
            for on, test in report.tests.items()
        ]  # fmt: skip
    if not rows:
        return [Note(t("There is no paired test: the runs were not measured on the same rows."))]
    headers = (t("model"), t("measured on"), t("points"), t("95 % interval"), "p")
    title = t("Accuracy minus that of {name}, on the same rows", name=first)
    note = t("Exact randomization tests over the rows. Another seed may change the result.")
    return [Table(headers, rows, title), Note(note)]
