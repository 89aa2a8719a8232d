"""The measured figures: accuracies with intervals beside simple models, classes, confusion."""

from __future__ import annotations

from collections.abc import Iterator

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.statistics import wilson_interval
from modelwright.reporting import charts
from modelwright.reporting.charts import Dot, Said
from modelwright.reporting.elements import Chart, Element, Matrix, Section, Warnings
from modelwright.reporting.evaluation_record import (
    BaselineRecord,
    Evaluation,
    EvaluationRecord,
    confidence_table,
)
from modelwright.reporting.limits import Limits
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, decimal, share, short

_MATRIX = 30
"""Classes of the largest matrix that is drawn."""
_CONFUSIONS = 30


def figures_section(subject: Subject, t: Words) -> Section:
    """Returns all accuracies of a model, with their intervals and the baselines."""
    title = t("Measured figures")
    evaluations = subject.files.evaluations
    if not evaluations:
        return Section("figures", title, _unmeasured(subject, t))
    content: list[Element] = []
    stale = [t.evaluated(one.name) for one in evaluations if one.stale]
    if stale:
        content.append(Warnings([t("Measured with earlier weights, so not figures of this model:"
                                   " {names}.", names=t.join(stale))]))  # fmt: skip
    headers = (t("measured on"), t("rows"), t("accuracy"), t("95 % interval"), t("macro-F1"),
               t("95 % interval"), t("calibration error"), t("source"))  # fmt: skip
    rows = [_figures(one, t) for one in evaluations]
    content.append(Table(headers, rows, t("Evaluations")))
    content += [_compared(one, t) for one in evaluations if not one.stale]
    seen = [line for one in evaluations for line in _seen(one, t)]
    content += [Warnings(seen)] if seen else []
    return Section("figures", title, content)


def classes_section(subject: Subject, limits: Limits, t: Words) -> Section | None:
    """Returns precision, recall and confusion of the classes; None without an evaluation."""
    evaluation = subject.evaluation
    if evaluation is None or not evaluation.record.classes:
        return None
    record = evaluation.record
    name = t.evaluated(evaluation.name)
    headers = (t("class"), t("precision"), t("recall"), "F1", t("rows"))
    rows = [
        (short(one.label), share(one.precision), share(one.recall),
         decimal(_f1(one.precision, one.recall)), one.rows)
        for one in record.classes[: limits.rows]
    ]  # fmt: skip
    content: list[Element] = [Table(headers, rows, t("Precision and recall, {rows}", rows=name))]
    if len(rows) < len(record.classes):
        content.append(Note(t("The first {shown} of {all}.", shown=len(rows),
                              all=count(len(record.classes)))))  # fmt: skip
    return Section("classes", t("Classes and confusion"), [*content, *_confusion(record, name, t)])


def calibration_section(subject: Subject, t: Words) -> Section | None:
    """Returns how far a probability can be believed; None without an evaluation."""
    evaluation = subject.evaluation
    if evaluation is None:
        return None
    title = t("Calibration")
    if isinstance(evaluation.answers, str):
        reason = t("The answers to the rows cannot be read, so there is no drawing: {reason}",
                   reason=evaluation.answers)  # fmt: skip
        return Section("calibration", title, [Warnings([reason])])
    bins = confidence_table(evaluation.answers)
    error = evaluation.record.calibration_error
    words = t("Where the dots are on the line, a probability means what it says. Dots below it: the"
              " model is too sure. Calibration error: {error}.", error=decimal(error))  # fmt: skip
    said = Said(
        t("Share of right answers by probability, {rows}", rows=t.evaluated(evaluation.name)),
        words,
        t("across: mean probability of the answer in %; up: share of right answers in %"),
    )
    rows = [(share(sure), share(right), number) for sure, right, number in bins]
    headers = (t("mean probability"), t("right answers"), t("rows"))
    chart = Chart(
        charts.reliability(bins, said), said.title, words, Table(headers, rows, said.title)
    )
    return Section("calibration", title, [chart])


def best_baseline(record: EvaluationRecord) -> BaselineRecord | None:
    """Returns the strongest simple model that was measured."""
    measured = [one for one in record.baselines if one.accuracy is not None]
    return max(measured, key=lambda one: one.accuracy or 0.0, default=None)


def _unmeasured(subject: Subject, t: Words) -> list[Element]:
    test = subject.manifest.metrics.get("test") if subject.manifest else None
    content: list[Element] = []
    if isinstance(test, dict):
        low, high = test["accuracy_interval"]
        headers = (t("measured on"), t("rows"), t("accuracy"), t("95 % interval"), t("macro-F1"),
                   t("majority class"))  # fmt: skip
        row = (t("test rows"), test["rows"], share(test["accuracy"]), t.interval(low, high),
               decimal(test["macro_f1"]), share(test["majority_accuracy"]))  # fmt: skip
        content.append(Table(headers, [row], t("Figures in the manifest of the servable")))
        missing = t("The run is not here, so confusion, calibration, slices and mistakes are"
                    " missing: they are not in the servable.")  # fmt: skip
        return [*content, Note(missing)]
    if subject.run is None:
        return [Warnings([t("The servable was exported before an evaluation, so it has no test"
                            " figures.")])]  # fmt: skip
    lines = [t("This run was never evaluated, so there are no figures on test rows.")]
    summary = subject.run
    if summary.val:
        interval = t.interval(summary.val.low, summary.val.high)
        title = t("Figures of the training, {rows}", rows=t("validation rows"))
        content.append(Facts(title, [
            (t("rows"), summary.val.rows),
            (t("accuracy"), share(summary.val.accuracy)),
            (t("95 % interval"), interval),
        ]))  # fmt: skip
    return [Warnings(lines), *content]


def _figures(one: Evaluation, t: Words) -> tuple[object, ...]:
    record = one.record
    f1 = record.macro_f1_interval
    f1_shown = t("{low} to {high}", low=f"{f1[0]:.4f}", high=f"{f1[1]:.4f}") if f1 else EMPTY
    return (
        t.evaluated(one.name),
        record.rows,
        share(record.accuracy),
        t.interval(*record.accuracy_interval),
        decimal(record.macro_f1),
        f1_shown,
        decimal(record.calibration_error),
        short(record.source),
    )


def _compared(one: Evaluation, t: Words) -> Chart:
    record, name = one.record, t.evaluated(one.name)
    dots = [Dot(t("this model"), record.accuracy, *record.accuracy_interval)]
    rows: list[tuple[object, ...]] = [
        (t("this model"), share(record.accuracy), t.interval(*record.accuracy_interval),
         decimal(record.macro_f1), record.rows, "")
    ]  # fmt: skip
    for other in _simple(record):
        label = t(other.name) if other.name in _BASELINES else other.name
        interval = t.interval(*other.interval) if other.interval else EMPTY
        if other.accuracy is not None:
            low, high = other.interval or (None, None)
            dots.append(Dot(label, other.accuracy, low, high, main=False))
        rows.append((label, share(other.accuracy), interval, decimal(other.macro_f1),
                     count(other.rows), other.note or ""))  # fmt: skip
    words = t("{accuracy} of {rows} rows are right; the lines are 95 % intervals over the rows.",
              accuracy=share(record.accuracy), rows=count(record.rows))  # fmt: skip
    said = Said(t("Accuracy beside simple models, {rows}", rows=name), words, t("accuracy in %"))
    headers = (t("model"), t("accuracy"), t("95 % interval"), t("macro-F1"), t("rows"), t("note"))
    return Chart(charts.dot_plot(dots, said), said.title, words, Table(headers, rows, said.title))


_BASELINES = ("majority class", "TF-IDF + logistic regression", "logistic regression on pixels")


def _simple(record: EvaluationRecord) -> Iterator[BaselineRecord]:
    yield from record.baselines
    share_of_most = record.majority_accuracy
    if share_of_most is not None and not any(one.accuracy for one in record.baselines):
        interval = wilson_interval(round(share_of_most * record.rows), record.rows)
        yield BaselineRecord(name="majority class", accuracy=share_of_most, interval=interval,
                             rows=record.rows)  # fmt: skip


def _seen(one: Evaluation, t: Words) -> Iterator[str]:
    seen = one.record.trained_on
    if seen and seen.rows:
        yield t("{rows} of the {all} measured rows ({name}) have the content of a training row.",
                rows=count(seen.rows), all=count(one.record.rows),
                name=t.evaluated(one.name))  # fmt: skip
    elif seen and seen.unchecked:
        yield t("Whether measured rows ({name}) are training rows was not checked: {reason}",
                name=t.evaluated(one.name), reason=seen.unchecked)  # fmt: skip


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _confusion(record: EvaluationRecord, name: str, t: Words) -> list[Element]:
    labels = [one.label for one in record.classes]
    square = len(record.confusion) == len(labels)
    if not square or any(len(row) != len(labels) for row in record.confusion):
        return [Note(t("The confusion of the classes is not recorded."))]
    content: list[Element] = []
    if len(labels) <= _MATRIX:
        caption = t("Rows by true label (down) and predicted label (across), {rows}", rows=name)
        shown = [short(label, 24) for label in labels]
        content.append(Matrix(shown, record.confusion, caption, t("true \\ predicted")))
    pairs = [
        (wrong, down, across)
        for down, row in enumerate(record.confusion)
        for across, wrong in enumerate(row)
        if wrong and down != across
    ]
    pairs.sort(key=lambda one: (-one[0], one[1:]))
    rows = [
        (short(labels[down]), short(labels[across]), wrong,
         share(wrong / max(1, sum(record.confusion[down]))))
        for wrong, down, across in pairs[:_CONFUSIONS]
    ]  # fmt: skip
    if rows:
        headers = (t("true label"), t("predicted"), t("rows"), t("share of the true label"))
        content.append(Table(headers, rows, t("Most frequent confusions")))
    if len(pairs) > len(rows):
        content.append(Note(t("The first {shown} of {all}.", shown=len(rows),
                              all=count(len(pairs)))))  # fmt: skip
    return content
