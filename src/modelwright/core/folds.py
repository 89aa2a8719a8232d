"""Folds for out-of-fold prediction, and orders of rows of which every beginning is stratified."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.types import IntArray

NEVER_HELD_OUT = -1


def number_copies(digests: Any) -> IntArray | None:
    """Returns the group of each row, int64 ``[n]``, where copies share one.

    Args:
        digests: content hashes ``[n, 2]``; without them, None is returned.
    """
    if digests is None:
        return None
    found: Any = np.unique(digests, axis=0, return_inverse=True)[1]
    return np.asarray(found.reshape(-1), np.int64)


def assign_folds(
    labels: IntArray, folds: int, seed: int, copies: IntArray | None = None
) -> IntArray:
    """Returns the fold of each row, int64 ``[n]``, stratified by label.

    Every fold has about the same share of each class, and copies of a row are in one fold. Of a
    class with fewer different rows than folds, some folds hold out none. The rows of a class with
    one different row are ``NEVER_HELD_OUT``: without them nothing is known of the class.

    Args:
        labels: class of each row, int64 ``[n]``.
        folds: number of folds.
        seed: random seed.
        copies: group of each row, ``[n]``, as from ``number_copies``; None if no row has copies.
    """
    group = np.arange(len(labels)) if copies is None else copies
    first, member = np.unique(group, return_index=True, return_inverse=True)[1:]
    order = np.argsort(first)  # without copies, this is the order of the rows
    place = np.empty(len(first), np.int64)
    place[order] = np.arange(len(first))
    first, member = first[order], place[member.reshape(-1)]
    random = np.random.default_rng(seed)
    fold = np.full(len(first), NEVER_HELD_OUT, np.int64)
    start = 0
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels[first] == label))
        if len(rows) > 1:
            fold[rows] = (start + np.arange(len(rows))) % folds
            start += len(rows)
    return np.asarray(fold[member])


def stratified_order(labels: IntArray, seed: int) -> IntArray:
    """Returns a random order of rows, of which every beginning has the classes in proportion."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.asarray(shuffled[np.argsort(place[shuffled], kind="stable")])
