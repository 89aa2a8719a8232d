"""Numbers for the buckets of an n-gram network, stored for those that have any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray
from modelwright.learning.lesson import State
from modelwright.learning.warm_fit import Doubles


@dataclass(frozen=True)
class BucketTable:
    """A sparse table with a row for each bucket.

    Attributes:
        buckets: the buckets, sorted ``[m]``.
        values: their numbers ``[m, columns]``.
        vocabulary: the first bucket of longer n-grams. It moves when the vocabulary grows.
    """

    buckets: IntArray
    values: Doubles
    vocabulary: int

    @classmethod
    def from_state(cls, state: State, *, vocabulary: int, columns: int) -> BucketTable:
        """Returns what ``to_state`` gave, for a vocabulary and columns that may have grown."""
        before = int(state["vocabulary"])
        buckets = np.asarray(state["buckets"], np.int64)
        buckets = np.where(buckets >= before, buckets + (vocabulary - before), buckets)
        values = np.asarray(state["values"], np.float64)
        values = np.pad(values, ((0, 0), (0, columns - values.shape[1])))
        return cls(buckets, values, vocabulary)

    def to_state(self) -> dict[str, npt.NDArray[Any]]:
        """Returns arrays for a file; counts as integers."""
        whole = bool((self.values == np.round(self.values)).all())
        return {
            "buckets": self.buckets.astype(np.int32),
            "values": self.values.astype(np.int32 if whole else np.float32),
            "vocabulary": np.array(self.vocabulary),
        }

    def __add__(self, other: BucketTable) -> BucketTable:
        """Returns the sums of both tables."""
        several = np.concatenate([self.buckets, other.buckets])
        order = np.argsort(several, kind="stable")  # merges what is sorted already
        starts = np.flatnonzero(np.diff(several[order], prepend=-1))
        values = np.concatenate([self.values, other.values])[order]
        sums = np.add.reduceat(values, starts) if len(starts) else values
        return BucketTable(several[order][starts], sums, self.vocabulary)

    def at(self, buckets: IntArray) -> Doubles:
        """Returns the numbers of some buckets ``[k, columns]``; 0 for those without any."""
        found = np.zeros((len(buckets), self.values.shape[1]))
        if len(self.buckets):
            places = np.minimum(np.searchsorted(self.buckets, buckets), len(self.buckets) - 1)
            there = self.buckets[places] == buckets
            found[there] = self.values[places[there]]
        return found
