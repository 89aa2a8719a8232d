"""Folds for out-of-fold prediction, and orders of rows of which every beginning is stratified."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.types import IntArray, Split


def assign_folds(rows: Split, folds: int, seed: int) -> IntArray:
    """Returns the fold of each row, int64 ``[n]``, stratified by label.

    Copies of a row are in one fold. A class with fewer rows than folds is missing in some.

    Args:
        rows: the rows.
        folds: their number.
        seed: random seed.
    """
    if rows.digests is None:
        first, copies = np.arange(len(rows)), np.arange(len(rows))
    else:
        found: Any = np.unique(rows.digests, axis=0, return_index=True, return_inverse=True)
        first, copies = found[1], found[2].reshape(-1)
    shuffled = np.random.default_rng(seed).permutation(len(first))
    by_label = shuffled[np.argsort(rows.labels[first][shuffled], kind="stable")]
    fold = np.empty(len(first), np.int64)
    fold[by_label] = np.arange(len(first)) % folds
    return np.asarray(fold[copies])


def stratified_order(labels: IntArray, seed: int) -> IntArray:
    """Returns a random order of rows, of which every beginning has the classes in proportion."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.asarray(shuffled[np.argsort(place[shuffled], kind="stable")])
