"""Who goes where: splits made from the content of each row, given splits kept.

A row's hash decides its side, so the same row falls on the same side whatever the order and
whatever is added, and copies of one content, under whatever label, stay together. It knows
hashes and labels only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import SPLITS, IntArray, SplitName
from modelwright.data.digests import Digests

Sides = npt.NDArray[np.int8]
"""Positions in ``SPLITS``, ``[n]``; -1 for a row without a split."""

TRAIN, VAL, TEST = (SPLITS.index(name) for name in ("train", "val", "test"))
NONE = -1


def split_rows(digests: Digests, labels: IntArray, given: Sides, val: float, test: float) -> Sides:
    """The side of every row.

    Where no row has a split, ``test`` of the rows and ``val`` of the others are held out. Where
    some have, those stay, rows without one count as train, and a split that is not given is
    taken out of train. Each class whose rows are of as many contents as there are splits
    gets at least one row in each that is made, by moving the contents nearest to the threshold;
    a class with fewer gets one in train.

    Args:
        digests: Content hashes, ``[n, 2]``.
        labels: Class of each row, ``[n]``.
        given: Given side of each row, ``[n]``.
        val: Share of the training rows; 0 makes no val split.
        test: Share of the rows; 0 makes no test split.
    """
    sides = np.where(given == NONE, TRAIN, given).astype(np.int8)
    fractions = {
        TEST: 0.0 if (given == TEST).any() else test,
        VAL: 0.0 if (given == VAL).any() else val,
    }
    open_rows = np.flatnonzero(sides == TRAIN)
    keys = digests[open_rows, 0]
    made, start = _by_threshold(keys, fractions)
    _repair(made, keys, labels[open_rows], start)
    sides[open_rows] = made
    return sides


def limit_rows(digests: Digests, labels: IntArray, rows: IntArray, limit: int | None) -> IntArray:
    """At most ``limit`` of ``rows``, in their order, shares of the classes kept.

    The choice follows from the content alone, and each class keeps a row while there is room.
    """
    if limit is None or len(rows) <= limit:
        return rows
    # The second word: the first has already decided the side.
    order = np.lexsort((digests[rows, 1], labels[rows]))
    sorted_labels = labels[rows][order]
    counts = np.bincount(sorted_labels)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    share = np.empty(len(rows))
    share[order] = (np.arange(len(rows)) - starts[sorted_labels]) / counts[sorted_labels]
    chosen = np.lexsort((digests[rows, 1], share))[:limit]
    return rows[np.sort(chosen)]


def leaked(digests: Digests, sides: Sides, side: SplitName) -> int:
    """How many rows of a split have the content of a training row."""
    train = digests[sides == TRAIN, 0]
    return int(np.isin(digests[sides == SPLITS.index(side), 0], train).sum())


Bounds = dict[int, tuple[float, float]]


def _by_threshold(
    keys: npt.NDArray[np.uint64], fractions: dict[int, float]
) -> tuple[Sides, Bounds]:
    """Sides of rows, and the range of positions, within [0, 1), that each side has."""
    places = keys / 2.0**64
    bounds: Bounds = {}
    start = 0.0
    for side in (TEST, VAL):
        if fractions[side] > 0:
            end = start + (1 - start) * fractions[side]
            bounds[side] = (start, end)
            start = end
    bounds[TRAIN] = (start, 1.0)
    sides = np.full(len(keys), TRAIN, np.int8)
    for side, (low, high) in bounds.items():
        sides[(places >= low) & (places < high)] = side
    return sides, bounds


def _repair(sides: Sides, keys: npt.NDArray[np.uint64], labels: IntArray, bounds: Bounds) -> None:
    """Give each class that has enough contents a row in each side, in place."""
    if len(bounds) < 2 or not len(labels):
        return
    classes = int(labels.max()) + 1
    counts = np.bincount(labels * 3 + sides, minlength=classes * 3).reshape(classes, 3)
    lacking = [
        label
        for label in range(classes)
        if counts[label].any() and any(counts[label, side] == 0 for side in bounds)
    ]
    for label in lacking:
        own = np.unique(keys[labels == label])
        if not (sides[labels == label] == TRAIN).any():
            # Before all else a class must be learned, however few rows it has.
            sides[keys == own[-1]] = TRAIN
        if len(own) < len(bounds):
            continue
        # A content that stands under another label too stays, so that no other class loses it.
        mine = own[~np.isin(own, keys[labels != label])]
        for side in sorted(bounds):
            _move_nearest(sides, keys, labels == label, mine, side, bounds)


def _move_nearest(
    sides: Sides,
    keys: npt.NDArray[np.uint64],
    members: npt.NDArray[np.bool_],
    movable: npt.NDArray[np.uint64],
    side: int,
    bounds: Bounds,
) -> None:
    if (sides[members] == side).any():
        return
    low, high = bounds[side]
    contents = {
        other: np.unique(keys[members & (sides == other)]) for other in bounds if other != side
    }
    spare = [
        key
        for found in contents.values()
        if len(found) > 1
        for key in found[np.isin(found, movable)]
    ]
    if spare:
        places = np.array(spare) / 2.0**64
        distance = np.maximum(low - places, places - high)
        nearest = spare[int(np.lexsort((spare, distance))[0])]
        sides[keys == nearest] = side
