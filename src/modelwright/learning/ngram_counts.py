"""Naive-Bayes counts: in how many rows of each class an n-gram occurs, and what follows from them.

Counts add up: those of two lessons are those of one lesson with all their rows, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import BoolArray, IntArray, Progress
from modelwright.learning.bucket_table import BucketTable
from modelwright.learning.lesson import LessonRows, State
from modelwright.learning.ngram_space import NgramSpace, shared_ratio
from modelwright.learning.warm_fit import Doubles, Linear
from modelwright.models.ngram_features import ROWS_PER_COUNT, present_ngrams, scale_rows

_CHUNK = 2048
_MOST_CELLS = 2**22
"""Counts that are added up only at the end; more of them are added up before, to save memory."""


@dataclass(frozen=True)
class NgramCounts:
    """The counts of all rows that were learned.

    Attributes:
        table: rows of each class with an n-gram, by bucket.
        rows: rows of each class ``[classes]``.
        unsure: how unsure the network was of these rows, summed: ``p * (1 - p)`` in the first row,
            divided by the row's number of known n-grams in the second ``[2, columns]``.
    """

    table: BucketTable
    rows: Doubles
    unsure: Doubles

    def __add__(self, other: NgramCounts) -> NgramCounts:
        """Returns the counts of the rows of both."""
        return NgramCounts(
            self.table + other.table, self.rows + other.rows, self.unsure + other.unsure
        )

    @property
    def total(self) -> Doubles:
        """In how many rows each bucket of the table occurs ``[m]``."""
        total: Doubles = self.table.values.sum(axis=1)
        return total

    def frequent(self, buckets: int, min_count: int) -> BoolArray:
        """Returns whether each bucket occurs in enough of all rows to be learned ``[buckets]``.

        Args:
            buckets: number of buckets.
            min_count: the option of the network; with few rows, fewer are enough.
        """
        fewest = max(1, min(min_count, 1 + int(self.rows.sum()) // ROWS_PER_COUNT))
        found = np.zeros(buckets, bool)
        found[self.table.buckets[self.total >= fewest]] = True
        return found

    def hold(self, space: NgramSpace) -> Linear:
        """Returns how firmly the rows that were counted hold each weight.

        It is the curvature of their loss, with the mean uncertainty of all rows in place of that
        of the rows with the n-gram. What was counted often stays; what was never seen is free.
        """
        count = self.table.at(space.rows.buckets).sum(axis=1)
        total = max(float(self.rows.sum()), 1.0)
        sums, by_size = self.unsure[:, : space.start.kernel.shape[1]]
        squares = count * space.ratio.astype(np.float64) ** 2
        return Linear(squares[:, None] * (by_size / total), sums)

    def to_state(self) -> dict[str, npt.NDArray[Any]]:
        """Returns arrays for a file."""
        return {**self.table.to_state(), "rows": self.rows, "unsure": self.unsure}

    @classmethod
    def from_state(cls, state: State, *, vocabulary: int, classes: int) -> NgramCounts:
        """Returns what ``to_state`` gave, for a vocabulary and classes that may have grown."""
        table = BucketTable.from_state(state, vocabulary=vocabulary, columns=classes)
        rows = np.asarray(state["rows"], np.float64)
        unsure = np.asarray(state["unsure"], np.float64)
        columns = 1 if classes == 2 else classes
        if unsure.shape[1] == 1 < columns:  # a sigmoid became a softmax
            unsure = np.repeat(unsure, 2, axis=1)
        return cls(
            table,
            np.pad(rows, (0, classes - len(rows))),
            np.pad(unsure, ((0, 0), (0, columns - unsure.shape[1]))),
        )


def count_rows(network: Any, rows: LessonRows, progress: Progress | None = None) -> NgramCounts:
    """Returns the counts of rows.

    Args:
        network: the network, which has learned them.
        rows: the rows.
        progress: called after each chunk.
    """
    layer, scores = network.get_layer("buckets"), network.get_layer("scores")
    columns = int(network.output_shape[-1])
    classes, buckets = max(2, columns), int(scores.ratio.shape[0])
    ratio, weight, bias = shared_ratio(scores)
    known = (ratio != 0).astype(np.float32)
    linear = Linear(
        (scores.scale * ratio[:, None] * weight).astype(np.float64), bias.astype(np.float64)
    )
    cells = _Cells(classes)
    unsure = np.zeros((2, columns))
    lengths = np.zeros(buckets, np.int64)
    for start in range(0, len(rows), _CHUNK):
        chosen = np.arange(start, min(start + _CHUNK, len(rows)))
        present = present_ngrams(layer, rows.inputs.take(chosen), buckets, lengths)
        cells.add(present, rows.labels[chosen])
        sizes = np.maximum(present @ known, 1)
        answers = linear.probabilities(scale_rows(present, 1 / np.sqrt(sizes)))
        spread = answers * (1 - answers)
        unsure += np.stack([spread.sum(axis=0), (spread / sizes[:, None]).sum(axis=0)])
        if progress:
            progress("counting n-grams", int(chosen[-1]) + 1, len(rows))
    table = cells.table(layer.vocabulary)
    return NgramCounts(table, np.bincount(rows.labels, minlength=classes).astype(float), unsure)


class _Cells:
    """The counts of pairs of a bucket and a class, as they come."""

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._found: list[tuple[IntArray, IntArray]] = []

    def add(self, present: Any, labels: IntArray) -> None:
        """Counts the n-grams of rows ``[n, buckets]``."""
        row_labels = np.repeat(labels, np.diff(present.indptr))
        cells = present.indices.astype(np.int64) * self._classes + row_labels
        self._found.append(np.unique(cells, return_counts=True))
        if sum(len(cells) for cells, _ in self._found) > _MOST_CELLS:
            self._found = [self._sum()]

    def table(self, vocabulary: int) -> BucketTable:
        """Returns the table of all rows so far."""
        cells, counts = self._sum()
        buckets, places = np.unique(cells // self._classes, return_inverse=True)
        values = np.zeros((len(buckets), self._classes))
        values[places, cells % self._classes] = counts
        return BucketTable(buckets, values, vocabulary)

    def _sum(self) -> tuple[IntArray, IntArray]:
        empty = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        several, counts = map(np.concatenate, zip(empty, *self._found, strict=True))
        cells, places = np.unique(several, return_inverse=True)
        return cells, np.bincount(places, weights=counts, minlength=len(cells)).astype(np.int64)
