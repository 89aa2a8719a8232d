"""Contents that occur under several labels: at least one of their labels is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.core.types import IntArray


@dataclass(frozen=True)
class Conflict:
    """Rows with the same content and different labels.

    Attributes:
        rows: positions of all rows with the content.
        suspects: those whose label is not that of most of them; all of them if none leads.
        majority: the class of most of the rows; None if none leads.
    """

    rows: tuple[int, ...]
    suspects: tuple[int, ...]
    majority: int | None


def find_conflicts(copies: IntArray, labels: IntArray) -> list[Conflict]:
    """Returns the contents with several labels, in the order of their first rows.

    Args:
        copies: the group of each row, ``[n]``; rows with the same content share one.
        labels: class of each row, ``[n]``.
    """
    order = np.argsort(copies, kind="stable")
    starts = np.flatnonzero(np.diff(copies[order])) + 1
    found = []
    for group in np.split(order, starts):
        if len(group) > 1 and len(np.unique(labels[group])) > 1:
            found.append(_conflict(np.sort(group), labels))
    return sorted(found, key=lambda one: one.rows[0])


def _conflict(rows: IntArray, labels: IntArray) -> Conflict:
    counts = np.bincount(labels[rows])
    leading = np.flatnonzero(counts == counts.max())
    majority = int(leading[0]) if len(leading) == 1 else None
    suspects = [int(row) for row in rows if majority is None or labels[row] != majority]
    return Conflict(tuple(map(int, rows)), tuple(suspects), majority)
