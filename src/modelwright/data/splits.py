"""Splits rows by their content, and keeps splits that the source gives.

The hash of a row decides its side. So a row has the same side in any order and after other rows
are added, and copies of one content stay together under any label. Only hashes and labels are
known here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import SPLITS, IntArray, SplitName
from modelwright.data.digests import Digests

Sides = npt.NDArray[np.int8]
"""Positions in ``SPLITS``, ``[n]``; ``NO_SPLIT`` for a row without a split."""

TRAIN, VAL, TEST = (SPLITS.index(name) for name in ("train", "val", "test"))
NO_SPLIT = -1


def split_rows(
    digests: Digests, labels: IntArray, source_sides: Sides, val: float, test: float
) -> Sides:
    """Returns the side of every row.

    If no row has a split in the source, ``test`` of the rows and ``val`` of the others are held
    out. Otherwise the splits of the source stay, rows without one count as train, and a missing
    split is taken from train. A class with at least as many different contents as there are
    splits gets at least one row in each new split, by moving the contents nearest to the
    threshold. A class with fewer contents gets one row in train.

    Args:
        digests: Content hashes, ``[n, 2]``.
        labels: Class of each row, ``[n]``.
        source_sides: Side of each row in the source, ``[n]``.
        val: Share of the training rows; 0 makes no val split.
        test: Share of the rows; 0 makes no test split.
    """
    sides = np.where(source_sides == NO_SPLIT, TRAIN, source_sides).astype(np.int8)
    fractions = {
        TEST: 0.0 if (source_sides == TEST).any() else test,
        VAL: 0.0 if (source_sides == VAL).any() else val,
    }
    open_rows = np.flatnonzero(sides == TRAIN)
    keys = digests[open_rows, 0]
    new_sides, bounds = _by_threshold(keys, fractions)
    _fill_classes(new_sides, keys, labels[open_rows], bounds)
    sides[open_rows] = new_sides
    return sides


def limit_rows(digests: Digests, labels: IntArray, rows: IntArray, limit: int | None) -> IntArray:
    """Returns at most ``limit`` of ``rows``, in their order, with the same shares of the classes.

    The choice depends only on the content. Each class keeps a row if ``limit`` allows it.
    """
    if limit is None or len(rows) <= limit:
        return rows
    # By the second number of a hash: the first has already decided the side.
    order = np.lexsort((digests[rows, 1], labels[rows]))
    sorted_labels = labels[rows][order]
    counts = np.bincount(sorted_labels)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    share = np.empty(len(rows))
    share[order] = (np.arange(len(rows)) - starts[sorted_labels]) / counts[sorted_labels]
    chosen = np.lexsort((digests[rows, 1], share))[:limit]
    return rows[np.sort(chosen)]


def count_leaked(digests: Digests, sides: Sides, side: SplitName) -> int:
    """Returns the number of rows of a split that have the content of a training row."""
    train = digests[sides == TRAIN, 0]
    return int(np.isin(digests[sides == SPLITS.index(side), 0], train).sum())


Bounds = dict[int, tuple[float, float]]
"""Range of positions, within [0, 1), of each side."""


def _by_threshold(
    keys: npt.NDArray[np.uint64], fractions: dict[int, float]
) -> tuple[Sides, Bounds]:
    """Returns the side of each row, and the bounds of each side."""
    positions = keys / 2.0**64
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
        sides[(positions >= low) & (positions < high)] = side
    return sides, bounds


def _fill_classes(
    sides: Sides, keys: npt.NDArray[np.uint64], labels: IntArray, bounds: Bounds
) -> None:
    """Gives each class with enough contents a row in each side, in place."""
    if len(bounds) < 2 or not len(labels):
        return
    classes = int(labels.max()) + 1
    # Again, since a content that becomes a training row for one class may have been the only row
    # of another class in its split.
    for _ in range(2):
        counts = np.bincount(labels * 3 + sides, minlength=classes * 3).reshape(classes, 3)
        for label in range(classes):
            if counts[label].any() and any(counts[label, side] == 0 for side in bounds):
                _fill_class(sides, keys, labels == label, bounds)


def _fill_class(
    sides: Sides, keys: npt.NDArray[np.uint64], members: npt.NDArray[np.bool_], bounds: Bounds
) -> None:
    """Gives one class a training row and, with enough contents, a row in each side, in place."""
    own = np.unique(keys[members])
    if not (sides[members] == TRAIN).any():
        # Every class needs training rows, even the smallest.
        sides[keys == own[-1]] = TRAIN
    if len(own) < len(bounds):
        return
    # A content that also has another label stays, so that no other class loses it.
    movable = own[~np.isin(own, keys[~members])]
    for side in sorted(bounds):
        _move_nearest(sides, keys, members, movable, side, bounds)


def _move_nearest(
    sides: Sides,
    keys: npt.NDArray[np.uint64],
    members: npt.NDArray[np.bool_],
    movable: npt.NDArray[np.uint64],
    side: int,
    bounds: Bounds,
) -> None:
    """Moves the nearest content of a class to a side, if the class has no row there."""
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
        positions = np.array(spare) / 2.0**64
        distance = np.maximum(low - positions, positions - high)
        nearest = spare[int(np.lexsort((spare, distance))[0])]
        sides[keys == nearest] = side
