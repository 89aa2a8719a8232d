"""The rows whose labels are probably wrong, from the audit of a model's data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from modelwright.core.blocks import Facts, Note, Table
from modelwright.core.errors import ModelwrightError
from modelwright.reporting.audit_record import SUSPECTS, FoundAudit, SuspectRecord
from modelwright.reporting.elements import Element, Gallery, ImageCard, Section
from modelwright.reporting.limits import Limits
from modelwright.reporting.slices_section import thumbnail
from modelwright.reporting.subject import Subject
from modelwright.reporting.words import EMPTY, Words, count, share, short

_SPLITS = {"train": "training", "val": "validation", "test": "test"}
_REASONS = {
    "model": "a model that did not see the row disagrees",
    "conflict": "the same content has another label too",
    "model and conflict": "a model disagrees, and the same content has another label too",
}
_CHOSEN = {
    "named": "The audit was named with --audit.",
    "dropped": "The training left out the suspects of this audit (data.drop). Test rows stay.",
    "found": "The audit was found near the model, and at least half of its suspects are rows of the"
    " model. --audit names another.",
}
_BY_NAME = "The audit was found near the model by the name of its data. --audit names another."


def audit_section(subject: Subject, limits: Limits, t: Words) -> Section | None:
    """Returns the most suspicious rows; None without an audit of the data."""
    audit = subject.audit
    if audit is None:
        return None
    by_name = audit.chosen == "found" and not audit.places
    content: list[Element] = [
        _facts(audit, t),
        Note(t(_BY_NAME if by_name else _CHOSEN[audit.chosen])),
    ]
    suspects = audit.record.suspects[: limits.mistakes]
    if not suspects:
        content.append(Note(t("No label is suspicious.")))
        return Section("suspects", t("Suspicious labels"), content)
    content.append(Note(t("A suspect is a guess: look at a row before you change or drop it.")))
    if subject.task == "image" and limits.images:
        if cards := list(_cards(audit, subject, suspects, t)):
            content.append(Gallery(cards))
        else:
            content.append(Note(t("The images are not shown, because the data cannot be read now"
                                  " or has other rows.")))  # fmt: skip
    content.append(_table(audit, subject, suspects, limits, t))
    return Section("suspects", t("Suspicious labels"), content)


def _facts(audit: FoundAudit, t: Words) -> Facts:
    record = audit.record
    exact = sum(one.kind == "exact" for one in record.duplicates)
    crossing = sum(one.across_splits for one in record.duplicates)
    if audit.counts is None:
        here = t("not known, because the data cannot be read now")
    else:
        here = t.join([f"{t(_SPLITS[name])} {count(n)}" for name, n in audit.counts.items()])
    return Facts(t("The audit of the labels"), [
        (t("audit"), audit.folder),
        (t("source"), record.source),
        (t("rows"), count(record.rows)),
        (t("recipe"), t("{recipe}, {folds} folds", recipe=record.recipe, folds=record.folds)),
        (t("accuracy on held-out folds"), share(record.accuracy)),
        (t("estimated wrong labels"), share(record.noise)),
        (t("suspicious rows"), count(len(record.suspects))),
        (t("of them in the rows of this model"), here),
        (t("contents under several labels"), count(len(record.conflicts))),
        (t("groups of duplicates"),
         t("{exact} exact, {near} near, {crossing} of them across splits", exact=count(exact),
           near=count(len(record.duplicates) - exact), crossing=count(crossing))),
        (t("all suspicious rows"), audit.folder / SUSPECTS),
    ])  # fmt: skip


def _table(
    audit: FoundAudit,
    subject: Subject,
    suspects: Sequence[SuspectRecord],
    limits: Limits,
    t: Words,
) -> Table:
    texts = subject.task == "text"
    rows = [
        (
            short(_text(audit, subject, one) if texts else one.origin, limits.text),
            short(one.label),
            short(one.suggested),
            EMPTY if one.score is None else f"{one.score:.3f}",
            t(_REASONS[one.reason]) if one.reason in _REASONS else short(one.reason) or EMPTY,
            *([short(one.origin)] if texts else []),
        )
        for one in suspects
    ]
    headers = (
        t("text") if texts else t("image"),
        t("label"),
        t("suggested"),
        t("probability of the label"),
        t("why"),
        *([t("row")] if texts else []),
    )
    caption = t("The {shown} most suspicious of {all} rows",
                shown=len(rows), all=count(len(audit.record.suspects)))  # fmt: skip
    return Table(headers, rows, caption)


def _text(audit: FoundAudit, subject: Subject, suspect: SuspectRecord) -> str:
    """Returns the text of a suspect, or its beginning where the data cannot be read now."""
    place = audit.places.get(suspect.digest)
    if place is None or isinstance(subject.rows, str):
        return suspect.excerpt
    split, position = place
    try:
        return str(subject.rows.splits[split].inputs.take(np.array([position], np.int64))[0])
    except (OSError, ModelwrightError):
        return suspect.excerpt


def _cards(
    audit: FoundAudit, subject: Subject, suspects: Sequence[SuspectRecord], t: Words
) -> Iterator[ImageCard]:
    if isinstance(subject.rows, str):
        return
    for one in suspects:
        place = audit.places.get(one.digest)
        small = thumbnail(subject.rows.splits[place[0]], place[1]) if place else None
        if small:
            words = t("{label}, perhaps {suggested}", label=short(one.label, 30),
                      suggested=short(one.suggested, 30))  # fmt: skip
            yield ImageCard(small, "image/png", words)
