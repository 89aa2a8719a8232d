"""Whether new data differs from the data of a model, in what, and how much."""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.core.blocks import Facts, Note, Table
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.drift_record import DriftRecord, FoundDrift, LabeledRecord, ShiftRecord
from modelwright.reporting.elements import Chart, Element, Section, Warnings
from modelwright.reporting.limits import Limits
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, decimal, share, short

_COMPARED = {
    "classes": "how often each class is the answer",
    "confidence": "the highest probability of each answer",
    "unknown": "share of a text's tokens that the vocabulary lacks",
    "length": "characters of a text",
    "words": "in how many texts each frequent word is",
    "brightness": "mean of the pixels that the network gets",
    "contrast": "standard deviation of these pixels",
    "size": "side of a square with as many pixels as the image file",
    "features": "what the last layer reads",
}
_OF_CLASSES = ("classes", "confidence")
"""Tests that a new mix of the classes alone explains."""
_DRAWN = 20


def drift_section(subject: Subject, limits: Limits, t: Words) -> Section | None:
    """Returns the comparisons with new data; None without any."""
    if not subject.drift:
        return None
    content = [part for one in subject.drift for part in _comparison(one, limits, t)]
    content.append(Note(t("A test finds a difference if its statistic is above the threshold, which"
                          " chance exceeds rarely: all tests of a comparison together give a false"
                          " alarm in at most 3 % of the cases.")))  # fmt: skip
    return Section("drift", t("Drift"), content)


def drift_warnings(subject: Subject, t: Words) -> Iterator[str]:
    """Yields what a reader of the figures must know of the new data."""
    for one in subject.drift:
        source = short(one.record.source)
        names = t.join([short(name) for name in one.record.found])
        if one.record.drifted:
            yield t("New data differs from the rows behind the figures here: {source}, in {names}.",
                    source=source, names=names)  # fmt: skip
        if one.record.labeled and one.record.labeled.is_worse:
            yield t("The accuracy is lower on new data: {accuracy} on {source}.", source=source,
                    accuracy=share(one.record.labeled.accuracy))  # fmt: skip


def _comparison(found: FoundDrift, limits: Limits, t: Words) -> Iterator[Element]:
    record = found.record
    if not record.drifted and record.labeled and record.labeled.is_worse:
        yield Warnings([t("No test found a difference, but the accuracy fell: labels may have"
                          " another meaning now.")])  # fmt: skip
    yield _facts(found, t)
    yield _tests(record, limits, t)
    if record.untested:
        rows = [(short(name), t.english(short(why, 200))) for name, why in record.untested.items()]
        yield Table((t("not tested"), t("reason")), rows, t("Tests that were left out"))
    yield from _shares(record, limits, t)
    if record.labeled:
        yield _labeled(record.labeled, t)


def _facts(found: FoundDrift, t: Words) -> Facts:
    record = found.record
    verdict = t("no test found a difference")
    if record.drifted:
        verdict = t("yes, in {names}", names=t.join([short(name) for name in record.found]))
    rows = count(record.rows)
    if record.rows != record.total:
        rows = t("{rows} of {all}", rows=rows, all=count(record.total))
    reference = f"{t.evaluated(record.reference.split)} {count(record.reference.rows)}"
    notes = [(t("note"), t.english(short(note, 300))) for note in record.notes]
    return Facts(t("New data: {source}", source=short(record.source)), [
        (t("drifted"), verdict),
        (t("model"), record.model),
        (t("new rows"), rows),
        (t("reference"), reference),
        *notes,
        (t("file"), str(found.file)),
    ])  # fmt: skip


def _tests(record: DriftRecord, limits: Limits, t: Words) -> Table:
    rows = [
        (_compared(one, t), t("yes") if one.drifted else t("no"), f"{one.statistic:.3f}",
         f"{one.threshold:.3f}", t.english(short(one.words, limits.text)))
        for one in record.tests
    ]  # fmt: skip
    headers = (t("statistical test"), t("drifted"), t("statistic"), t("alarm above"),
               t("finding"))  # fmt: skip
    return Table(headers, rows, t("Tests, {source}", source=short(record.source)))


def _compared(test: ShiftRecord, t: Words) -> str:
    if test.name not in _COMPARED:
        return short(test.name)
    return t("{name}: {compared}", name=test.name, compared=t(_COMPARED[test.name]))


def _shares(record: DriftRecord, limits: Limits, t: Words) -> Iterator[Element]:
    if not record.class_shares:
        return
    ranked = sorted(record.class_shares, key=lambda one: -abs(one.share - one.before))
    shown = ranked[: limits.rows]
    title = t("Estimated mix of the classes in the new data")
    rows = [
        (short(one.label), share(one.share), t.interval(one.low, one.high), share(one.before))
        for one in shown
    ]
    headers = (t("class"), t("share"), t("95 % interval"), t("reference"))
    table = Table(headers, rows, title)
    dots = [
        Dot(short(one.label), one.share, one.low, one.high, [one.before]) for one in shown[:_DRAWN]
    ]
    words = t("Large dots are the estimates with 95 % intervals, small ones the shares of the"
              " reference.")  # fmt: skip
    if len(dots) < len(ranked):
        words = t.sentences(words, t("Only the first {shown} of {all} are drawn.", shown=len(dots),
                                     all=len(ranked)))  # fmt: skip
    said = Said(title, words, t("share in %"))
    yield Chart(charts.dot_plot(dots, said), title, words, table)
    told = t("The estimate holds if rows of a class look as before, and only their mix changed"
             " (Lipton et al. 2018).")  # fmt: skip
    others = t.join([short(name) for name in record.found if name not in _OF_CLASSES])
    if others:
        told = t.sentences(told, t("That is in doubt, because these tests found a difference, too:"
                                   " {names}.", names=others))  # fmt: skip
    yield Note(told)


def _labeled(labeled: LabeledRecord, t: Words) -> Table:
    low, high = labeled.accuracy_difference_interval
    changed = "worse" if labeled.is_worse else "better" if low > 0 else "no clear difference"
    points = t("{low} to {high}", low=f"{100 * low:+.2f}", high=f"{100 * high:+.2f}")
    f1_low, f1_high = labeled.macro_f1_interval
    old_low, old_high = labeled.reference_macro_f1_interval
    rows = [
        (t("accuracy"), share(labeled.accuracy), t.interval(*labeled.accuracy_interval),
         share(labeled.reference_accuracy), EMPTY, t("{change}: {points} points",
                                                     change=t(changed), points=points)),
        (t("macro-F1"), decimal(labeled.macro_f1),
         t("{low} to {high}", low=decimal(f1_low), high=decimal(f1_high)),
         decimal(labeled.reference_macro_f1),
         t("{low} to {high}", low=decimal(old_low), high=decimal(old_high)), EMPTY),
    ]  # fmt: skip
    headers = (t("figure"), t("new rows"), t("95 % interval"), t("reference"), t("95 % interval"),
               t("change"))  # fmt: skip
    return Table(headers, rows, t("The {rows} new rows with labels", rows=count(labeled.rows)))
