"""The data: its balance, its lengths and scripts, copies, conflicts and rejected rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.blocks import Facts, Note, Table
from modelwright.data.inspection_report import InspectReport
from modelwright.reporting import charts
from modelwright.reporting.charts import Said
from modelwright.reporting.elements import Chart, Element, Points, Section, Warnings
from modelwright.reporting.limits import Limits
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import Words, count, share, short

_BARS = 30
_BINS = 30


def data_section(subject: Subject, seen: InspectReport | None, limits: Limits, t: Words) -> Section:
    """Returns what the data of a training is like.

    Args:
        subject: the model.
        seen: the inspection of the data; None if the data cannot be had.
        limits: how much the page may show.
        t: the words of the page.
    """
    data = subject.data
    content: list[Element] = []
    if seen is None:
        content.append(
            Warnings(
                [
                    t(
                        "The data cannot be read now, so its lengths, copies and conflicts are"
                        " missing here: {reason}",
                        reason=subject.rows,
                    )
                ]
            )
        )
    rows = [f"{t(_SPLITS.get(name, name))} {count(n)}" for name, n in data["rows"].items()]
    content.append(Facts(t("Source"), [
        (t("source"), data["source"]),
        (t("rows"), t.join(rows)),
        (t("rejected rows"), count(data.get("rejected", 0))),
        (t("fingerprint"), data["fingerprint"]),
    ]))  # fmt: skip
    content += _balance(subject, seen, limits, t)
    if seen:
        content += _inspected(seen, limits, t)
    if notes := data.get("notes", ()):
        content.append(Points(t("Decisions made while the data was read"), list(notes)))
    content += _rejected(subject, limits, t)
    return Section("data", t("Data"), content)


_SPLITS = {"train": "training", "val": "validation", "test": "test"}


def _balance(
    subject: Subject, seen: InspectReport | None, limits: Limits, t: Words
) -> list[Element]:
    columns: dict[str, Sequence[int]] = dict(seen.counts) if seen else {}
    if not columns:
        for one in subject.files.evaluations:
            if one.split in subject.data["rows"] and one.record.classes and not columns:
                columns = {one.split or "": [item.rows for item in one.record.classes]}
    if not columns:
        return [Note(t("The rows of each class are not recorded."))]
    if any(len(counts) != len(subject.labels) for counts in columns.values()):
        return []
    totals = np.sum([list(counts) for counts in columns.values()], axis=0)
    rows: list[tuple[object, ...]] = [
        (
            limits.label(label),
            *(counts[at] for counts in columns.values()),
            share(totals[at] / max(1, totals.sum())),
        )
        for at, label in enumerate(subject.labels)
    ]
    headers = (t("class"), *(t(_SPLITS.get(name, name)) for name in columns), t("share"))
    table = Table(headers, rows[: limits.rows], t("Rows of each class"))
    shown: list[Element] = []
    order = np.argsort(-totals, kind="stable")[:_BARS]
    drawn = [(subject.labels[at], int(totals[at])) for at in order.tolist()]
    least, most = int(totals.min()), int(totals.max())
    said = Said(
        t("Rows of each class"),
        t("{classes} classes; the smallest has {least} rows, the largest {most}.",
          classes=len(totals), least=count(least), most=count(most)),
    )  # fmt: skip
    shown.append(
        Chart(
            charts.bars(drawn, said), said.title, said.description, table, folded=len(rows) > _BARS
        )
    )
    if len(rows) > min(_BARS, limits.rows):
        shown.append(Note(t("The {shown} largest of {all} classes are drawn; the table has {rows}.",
                            shown=len(drawn), all=len(rows),
                            rows=min(len(rows), limits.rows))))  # fmt: skip
    return shown


def _inspected(seen: InspectReport, limits: Limits, t: Words) -> list[Element]:
    facts: list[tuple[str, object]] = [(t("smallest class over largest"), f"{seen.balance:.2f}")]
    if seen.shape:
        facts.append((t("height × width × channels"), " × ".join(map(str, seen.shape))))
    if seen.scripts:
        told = [f"{t(name)} {share(part)}" for name, part in seen.scripts.items()]
        facts.append((t("script of most letters"), t.join(told)))
    facts.append((t("rows with the content of an earlier row"), count(seen.duplicates)))
    facts.append((t("contents under two labels"), count(seen.conflicts)))
    for pair, number in seen.leakage.items():
        first, second = (t(_SPLITS.get(name, name)) for name in pair.split("/"))
        facts.append((t("{second} rows whose content is in {first}", first=first, second=second),
                      count(number)))  # fmt: skip
    content: list[Element] = [Facts(t("Found in the rows"), facts)]
    if seen.lengths and len(seen.sizes):
        content.append(_lengths(seen, t))
    if seen.conflict_examples:
        rows = [
            (short(one.text, 60), " / ".join(short(label, 20) for label in one.labels),
             t.join([short(origin, 30) for origin in one.origins[:4]]))
            for one in seen.conflict_examples
        ]  # fmt: skip
        content.append(Table((t("content"), t("labels"), t("rows")), rows[: limits.rows],
                             t("Contents under two labels, the first of them")))  # fmt: skip
    return content


def _lengths(seen: InspectReport, t: Words) -> Chart:
    lengths = seen.lengths or {}
    top = max(lengths["p95"] * 1.25, lengths["min"] + 1)
    counts, edges = np.histogram(np.minimum(seen.sizes, top), bins=_BINS,
                                 range=(0, float(top)))  # fmt: skip
    said = Said(
        t("Characters of the texts"),
        t("From {min} to {max} characters; half of the texts have at most {median}, 95 % at most"
          " {p95}. Longer texts than {top} are in the last bar.",
          top=count(int(top)), **{key: count(value) for key, value in lengths.items()}),
        t("characters"),
    )  # fmt: skip
    rows = [
        (f"{int(np.ceil(start)):,}–{int(end):,}", int(number))
        for start, end, number in zip(edges, edges[1:], counts, strict=False)
    ]
    table = Table((t("characters"), t("texts")), rows, said.title)
    drawn = charts.histogram(edges.tolist(), counts.tolist(), said)
    return Chart(drawn, said.title, said.description, table, folded=True)


def _rejected(subject: Subject, limits: Limits, t: Words) -> list[Element]:
    known = subject.files.rejected
    if not known:
        if subject.data.get("rejected") and not isinstance(subject.run, type(None)):
            return [Note(t("The list of rejected rows, rejected.csv, is not in the run."))]
        return []
    rows = [(short(origin), short(reason, 100)) for origin, reason in known[: limits.rejected]]
    table = Table((t("row"), t("reason")), rows, t("Rejected rows"))
    if len(known) <= limits.rejected:
        return [table]
    note = Note(t("The first {shown} of {all}; rejected.csv in the run has all.",
                  shown=limits.rejected, all=count(len(known))))  # fmt: skip
    return [table, note]
