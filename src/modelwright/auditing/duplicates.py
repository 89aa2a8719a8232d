"""Rows that occur several times, exactly or almost."""

from __future__ import annotations

import numpy as np

from modelwright.auditing.all_rows import AllRows
from modelwright.auditing.groups import DuplicateGroup, join_pairs
from modelwright.auditing.image_duplicates import similar_images
from modelwright.auditing.text_duplicates import similar_texts
from modelwright.core.types import IntArray, Progress

_BATCH = 4096


def find_duplicates(rows: AllRows, progress: Progress | None = None) -> list[DuplicateGroup]:
    """Returns the groups of duplicates, exact ones first.

    A group of near duplicates has all exact copies of its rows, too.

    Raises:
        MissingDependencyError: a package of the extra ``audit`` is missing.
    """
    order = np.argsort(rows.copies, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(rows.copies[order])) + 1)
    first = np.array([group.min() for group in groups], np.int64)
    by_row = np.argsort(first)
    groups, first = [groups[at] for at in by_row], first[by_row]
    if rows.task == "text":
        pairs = list(similar_texts(_texts(rows, first), progress))
    else:
        pairs = list(similar_images(rows.select(first).inputs, progress))
    near = join_pairs(len(first), pairs)
    exact = [
        DuplicateGroup("exact", tuple(map(int, np.sort(group))), 1.0)
        for group in groups
        if len(group) > 1
    ]
    return exact + [
        DuplicateGroup("near", tuple(sorted(int(r) for m in members for r in groups[m])), alike)
        for members, alike in near
    ]


def _texts(rows: AllRows, chosen: IntArray) -> list[str]:
    found: list[str] = []
    for start in range(0, len(chosen), _BATCH):
        found += rows.inputs.take(chosen[start : start + _BATCH])
    return found
