"""The new data of an update: its labels, its split, and what the model has seen of it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import BoolArray, IntArray, Progress
from modelwright.data.digests import Digests
from modelwright.data.label_names import fold_label
from modelwright.data.splits import NO_SPLIT, TEST, TRAIN, VAL, Sides
from modelwright.updating.base_model import BaseModel
from modelwright.updating.old_rows import OldRows
from modelwright.updating.read_source import SourceRows, read_source, reading_config
from modelwright.updating.row_store import StoredRows, join_rows, seen_among, store_split
from modelwright.updating.settings import UpdateSettings

TEST_SHARE, VAL_SHARE = 0.3, 0.1
"""Shares of the new rows that are held out, if the data has no split of its own."""
FEWEST_ROWS = 30
"""Fewest different new rows; a gain on the held-out part of fewer can hardly be shown."""
FEWEST_OF_A_CLASS = 10
"""Fewest different rows of a class that the model does not know."""
_SHOWN = 8
_ALIKE = 0.6
"""Similarity of names, from 0 to 1, above which a label is probably a known one, misspelt."""
_OFFERED = 0.5
"""The same where no label is known, so that all of them are probably under other names."""


@dataclass(frozen=True)
class NewRows:
    """The rows of the new data, with their sides.

    Attributes:
        stored: the rows.
        names: the classes: the model's, then new ones.
        source: the name of the data, for messages.
        refusal: why they cannot teach the model anything that could be shown; empty if they can.
        rejected: number of rejected rows.
        notes: decisions, for the report.
    """

    stored: StoredRows
    names: tuple[str, ...]
    source: str
    refusal: str
    rejected: int
    notes: tuple[str, ...]


def read_new_rows(
    base: BaseModel,
    source: str,
    old: OldRows,
    settings: UpdateSettings,
    version: int,
    progress: Progress | None = None,
) -> NewRows:
    """Returns the new rows, split, without those that would make a measurement too good.

    Args:
        base: the model.
        source: the new data.
        old: the rows that the model learned before.
        settings: the settings of the update.
        version: the version that the update would write.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the data cannot be read, is of another kind or shape, or its labels are under
            other names than the model's.
    """
    rows = read_source(base, source, settings.data, progress)
    digests = rows.prepared.digests
    counts = _different(rows, np.ones(len(rows.labels), np.bool_))
    if not settings.new_classes:
        _check_labels(base, rows, counts)
    held_out, seen = seen_among(digests, old.held_out), old.seen.has(digests)
    known = seen & old.seen.has_labeled(digests, rows.labels, rows.names)
    sides = rows.sides(*_shares(base, source, settings))
    sides[seen] = TRAIN  # those with another label now; the others are left out
    used = ~held_out & ~known
    copies = used & _copies(digests, np.where(used, sides, NO_SPLIT))
    used &= ~copies
    notes = [
        *_split_notes(rows, sides[used]),
        *_seen_notes(known, seen & ~known & ~held_out, held_out),
        *_copy_notes(copies),
        *_class_notes(base, rows),
    ]
    kept = np.where(used, sides, NO_SPLIT).astype(np.int8)
    parts = [
        store_split(base.task, split, np.arange(len(split), dtype=np.int64), side, version)
        for side, split in enumerate(rows.splits(kept).values())
    ]
    return NewRows(
        stored=join_rows(parts),
        names=rows.names,
        source=rows.source,
        refusal=_refusal(base, rows, used & ~seen, used, sides),
        rejected=len(rows.prepared.rejected),
        notes=(*rows.notes, *notes),
    )


def _shares(base: BaseModel, source: str, settings: UpdateSettings) -> tuple[float, float]:
    """Returns the shares of the new rows that validate and that test."""
    given = reading_config(base, source, settings.data)
    return (
        given.val if "val" in settings.data else VAL_SHARE,
        given.test if "test" in settings.data else TEST_SHARE,
    )


def _copies(digests: Digests, sides: Sides) -> BoolArray:
    """Returns the rows whose content a split that measures more has, too: test before validation.

    Only a column of splits can put one content on two sides.
    """
    test, val = (seen_among(digests, digests[sides == side, 0]) for side in (TEST, VAL))
    copies: BoolArray = (test & (sides != TEST)) | (val & (sides == TRAIN))
    return copies


def _different(rows: SourceRows, among: BoolArray) -> IntArray:
    """Returns the number of different contents of each class, among some rows."""
    pairs = np.stack([rows.prepared.digests[among, 0], rows.labels[among].astype(np.uint64)], 1)
    unique = np.unique(pairs, axis=0)[:, 1].astype(np.int64)
    return np.bincount(unique, minlength=len(rows.names)).astype(np.int64)


def _check_labels(base: BaseModel, rows: SourceRows, counts: IntArray) -> None:
    """Refuses labels that may be the model's own under other names. Nothing is guessed.

    Raises:
        DataError: a label looks like one of the model's, or the model knows none of them.
    """
    unknown = rows.names[len(base.labels) :]
    if not unknown:
        return
    none_known = not counts[: len(base.labels)].any()
    cutoff = _OFFERED if none_known else _ALIKE
    alike = {name: _alike(name, base.labels, cutoff) for name in unknown}
    likely = {name: one for name, one in alike.items() if one}
    if not likely and not none_known:
        return
    shown = ", ".join(f"'{name}'" for name in unknown[:_SHOWN])
    table = ", ".join(f'"{name}" = "{likely.get(name, "...")}"' for name in unknown[:_SHOWN])
    known = ", ".join(f"'{name}'" for name in base.labels[:_SHOWN])
    more = f" and {len(base.labels) - _SHOWN} more" if len(base.labels) > _SHOWN else ""
    fold = all(fold_label(name) == fold_label(one) for name, one in likely.items()) and likely
    hint = ", or all at once with --set data.labels=fold" if fold else ""
    raise DataError(
        f"{rows.source} has labels that the model does not know: {shown}; it knows {known}{more}."
        f" If they are the same classes under other names, name them: --set 'data.labels={{{table}"
        f"}}'{hint}. If they are new classes, say so with --new-classes."
    )


def _alike(name: str, labels: Sequence[str], cutoff: float) -> str:
    """Returns the label that a name is written like; empty if none is as similar as that."""
    folded = {fold_label(one): one for one in labels}
    if found := folded.get(fold_label(name)):
        return found
    close = get_close_matches(fold_label(name), list(folded), n=1, cutoff=cutoff)
    return folded[close[0]] if close else ""


def _seen_notes(known: BoolArray, relabeled: BoolArray, held_out: BoolArray) -> list[str]:
    notes = []
    if known.any():
        notes.append(
            f"rows that trained the model before, with the same label: {int(known.sum()):,}; they"
            " are left out, since nothing in them is new"
        )
    if relabeled.any():
        notes.append(
            f"rows that trained the model before under another label: {int(relabeled.sum()):,};"
            " they train with the new one, and none of them is held out"
        )
    if held_out.any():
        notes.append(
            f"rows that were held out of the training before: {int(held_out.sum()):,}; they are"
            " left out, so that they still measure"
        )
    return notes


def _copy_notes(copies: BoolArray) -> list[str]:
    if not copies.any():
        return []
    return [
        f"rows with the content of a held-out row in the data's own split: {int(copies.sum()):,};"
        " they are left out, so that no held-out row trains"
    ]


def _class_notes(base: BaseModel, rows: SourceRows) -> list[str]:
    counts = np.bincount(rows.labels, minlength=len(rows.names)).tolist()
    new = range(len(base.labels), len(rows.names))
    if not new:
        return []
    shown = ", ".join(f"'{rows.names[at]}' ({counts[at]:,} rows)" for at in new[:_SHOWN])
    more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
    return [f"labels that the model does not know are new classes: {shown}{more}"]


def _split_notes(rows: SourceRows, sides: Sides) -> list[str]:
    given = (rows.prepared.source_sides >= 0).any()
    counts = np.bincount(sides, minlength=3)
    how = "by the data's own split" if given else "by their content"
    return [
        f"new rows: {counts[TRAIN]:,} train, {counts[VAL]:,} validation, {counts[TEST]:,} test,"
        f" split {how}"
    ]


def _refusal(
    base: BaseModel, rows: SourceRows, unseen: BoolArray, used: BoolArray, sides: Sides
) -> str:
    """Returns why the new rows cannot teach the model anything that could be shown."""
    counts = _different(rows, unseen)
    total = int(counts.sum())
    if not total:
        return (
            f"{rows.source} has nothing new: the model has seen all of its"
            f" {len(rows.labels):,} rows before; give rows that it has not"
        )
    present = np.flatnonzero(counts)
    if len(present) == 1:
        return (
            f"{rows.source} has new rows of one class only, '{rows.names[present[0]]}'; a model"
            " that always answers it would look perfect. Give rows of other classes too, as they"
            " come in"
        )
    if total < FEWEST_ROWS:
        return (
            f"{rows.source} has {total:,} different new rows; expected at least {FEWEST_ROWS}, and"
            " a few hundred to show a small gain. Collect more rows and update then"
        )
    few = [
        f"'{rows.names[at]}' ({counts[at]:,})"
        for at in range(len(base.labels), len(rows.names))
        if counts[at] < FEWEST_OF_A_CLASS
    ]
    if few:
        return (
            f"new classes with fewer than {FEWEST_OF_A_CLASS} different rows: {', '.join(few)};"
            " collect more rows of them, or leave them out"
        )
    return _side_refusal(base, rows, used, sides)


def _side_refusal(base: BaseModel, rows: SourceRows, used: BoolArray, sides: Sides) -> str:
    """Returns why the split of the new rows leaves nothing to learn or to measure."""
    given = (rows.prepared.source_sides >= 0).any()
    advice = "no column of splits (--split-column none)" if given else "another share (data.test)"
    for side, name in ((TRAIN, "train"), (TEST, "test")):
        counts = np.bincount(rows.labels[used & (sides == side)], minlength=len(rows.names))
        if not counts.any():
            return f"{rows.source} leaves no new {name} rows; give more rows, or {advice}"
        if side == TEST and (counts > 0).sum() == 1:
            return (
                f"the new test rows of {rows.source} are all of one class,"
                f" '{rows.names[int(counts.argmax())]}'; a model that always answers it would look"
                f" perfect. Give test rows of other classes too, or {advice}"
            )
        missing = np.flatnonzero(counts[len(base.labels) :] == 0) + len(base.labels)
        if len(missing):
            return (
                f"the new class '{rows.names[missing[0]]}' has no {name} rows in {rows.source};"
                f" give some, or {advice}"
            )
    return ""
