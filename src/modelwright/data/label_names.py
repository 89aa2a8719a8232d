"""Makes labels comparable: invisible marks, Unicode form, and what ``data.labels`` says.

Labels that differ in what nobody sees are always one class. Labels that differ in case, width or
spaces, or as ``1`` and ``1.0``, are one class only if the user says so, and are told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.types import IntArray

_JOINERS = "\u200c\u200d"
"""They change how letters of some scripts and emoji are drawn, and nothing between others."""
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
    f"|(?<![^\x00-\x7f])[{_JOINERS}]|[{_JOINERS}](?![^\x00-\x7f])"
)
_SIGNS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]|^\\+(?=\\d)")
"""Variation selectors, which choose how a character is drawn, and the plus of a number."""
_SPACES = re.compile(r"(?<!\d)\s+|\s+(?!\d)")
_DECIMAL = re.compile(r"[+-]?\d+\.\d+")
_SHOWN = 5


@dataclass(frozen=True)
class LabelNames:
    """The label of each row, a pyarrow array of strings, and what was changed or is alike."""

    labels: Any
    notes: tuple[str, ...]


def name_labels(labels: Any, config: DataConfig, known: Sequence[str] | None = None) -> LabelNames:
    """Returns the labels under the names that they get.

    Args:
        labels: A pyarrow array of strings.
        config: ``labels`` says which names are one.
        known: Labels of a trained model, under which labels are folded. None in a training, where
            the most frequent name of a class is taken.
    """
    encoded = labels.dictionary_encode()
    given: list[str] = encoded.dictionary.to_pylist()
    counts = np.bincount(
        encoded.indices.drop_null().to_numpy().astype(np.int64), minlength=len(given)
    )
    names = [visible_label(name) for name in given]
    notes = [_marks_note(given, names, counts)]
    if isinstance(config.labels, dict):
        names, note = _mapped(names, config.labels)
        notes.append(note)
    totals = _totals(names, counts)
    groups = _groups(totals)
    if config.labels == "fold":
        names, note = _folded(names, groups, totals, known)
        notes.append(note)
    elif known is None:
        notes.append(_alike_note(groups, totals))
    if names != given:
        labels = pa.array(names, pa.large_string()).take(encoded.indices)
    return LabelNames(labels, tuple(filter(None, notes)))


def visible_label(name: str) -> str:
    """Returns a label in Unicode's form NFC, without invisible marks and spaces at its ends."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", name)).strip()


def fold_label(name: str) -> str:
    """Returns what labels have in common that differ in case, width or spaces, or as 1 and 1.0."""
    text = unicodedata.normalize("NFKC", visible_label(name)).casefold().strip()
    text = _SIGNS.sub("", text).replace("\N{MINUS SIGN}", "-")
    if _DECIMAL.fullmatch(text):
        text = text.rstrip("0").rstrip(".")
    return _SPACES.sub("", text)


def _totals(names: Sequence[str], counts: IntArray) -> dict[str, int]:
    totals: dict[str, int] = {}
    for name, count in zip(names, counts.tolist(), strict=True):
        totals[name] = totals.get(name, 0) + count
    totals.pop("", None)
    return totals


def _groups(totals: dict[str, int]) -> list[list[str]]:
    """Returns the names that differ only in what folding removes.

    The name to keep is the first of each group: the most frequent, and rather 1 than 1.0.
    """
    groups: dict[str, list[str]] = {}
    for name in sorted(
        totals, key=lambda name: (bool(_DECIMAL.fullmatch(name)), -totals[name], name)
    ):
        groups.setdefault(fold_label(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _marks_note(given: Sequence[str], names: Sequence[str], counts: IntArray) -> str:
    changed = [at for at, name in enumerate(given) if name.strip() != names[at]]
    if not changed:
        return ""
    rows = int(counts[changed].sum())
    shown = ", ".join(f"{given[at]!a} is '{names[at]}'" for at in changed[:_SHOWN])
    return (
        f"{rows:,} labels have invisible marks or another Unicode form, which make no difference: "
        f"{shown}"
    )


def _mapped(names: Sequence[str], table: dict[str, str]) -> tuple[list[str], str]:
    new = {visible_label(old): visible_label(name) for old, name in table.items()}
    mapped = [new.get(name, name) for name in names]
    unused = [old for old in new if old not in names]
    if not unused:
        return mapped, ""
    shown = ", ".join(f"'{old}'" for old in unused[:_SHOWN])
    return mapped, f"data.labels names labels that no row has: {shown}"


def _folded(
    names: Sequence[str],
    groups: Sequence[Sequence[str]],
    totals: dict[str, int],
    known: Sequence[str] | None,
) -> tuple[list[str], str]:
    first = {fold_label(group[0]): group[0] for group in groups}
    # A trained model keeps its names, and of two with one key the one that is written alike.
    first |= {fold_label(name): name for name in known or ()}
    exact = set(known or ())
    folded = [
        name if name in exact or not name else first.get(fold_label(name), name) for name in names
    ]
    changed = {old: new for old, new in zip(names, folded, strict=True) if old != new}
    if not changed:
        return folded, ""
    rows = sum(totals.get(old, 0) for old in changed)
    shown = ", ".join(f"'{old}' is '{new}'" for old, new in list(changed.items())[:_SHOWN])
    more = ", ..." if len(changed) > _SHOWN else ""
    return folded, f'data.labels = "fold" renames {rows:,} labels: {shown}{more}'


def _alike_note(groups: Sequence[Sequence[str]], totals: dict[str, int]) -> str:
    if not groups:
        return ""
    shown = "; ".join(
        ", ".join(f"'{name}' ({totals[name]:,} rows)" for name in group)
        for group in groups[:_SHOWN]
    )
    more = f"; and {len(groups) - _SHOWN} more groups" if len(groups) > _SHOWN else ""
    rarer, frequent = groups[0][-1], groups[0][0]
    return (
        "warning: labels that differ only in case, width or spaces, or as 1 and 1.0, are separate "
        f'classes: {shown}{more}. data.labels = "fold" makes each group one class; '
        f'data.labels = {{"{rarer}" = "{frequent}"}} renames single ones'
    )
