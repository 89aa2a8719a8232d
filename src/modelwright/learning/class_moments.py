"""Sums over rows from which class means and a covariance follow, and which add up over lessons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray, IntArray
from modelwright.learning.lesson import State

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ClassMoments:
    """Sums over the features ``[n, d]`` of rows.

    Attributes:
        counts: rows of each class, ``[classes]``.
        sums: sum of the features of each class, ``[classes, d]``.
        products: sum of the products of all pairs of features, ``[d, d]``.
    """

    counts: Doubles
    sums: Doubles
    products: Doubles

    @classmethod
    def of(
        cls,
        features: FloatArray,
        labels: IntArray,
        classes: int,
        weights: Doubles | None = None,
    ) -> ClassMoments:
        """Returns the sums over rows.

        Args:
            features: ``[n, d]``.
            labels: class of each row ``[n]``.
            classes: number of classes; some may have no row.
            weights: for how many rows each row stands ``[n]``; 1 by default.
        """
        values = features.astype(np.float64)
        weights = np.ones(len(labels)) if weights is None else weights
        members = np.zeros((len(labels), classes))
        members[np.arange(len(labels)), labels] = weights
        return cls(members.sum(axis=0), members.T @ values, values.T @ (values * weights[:, None]))

    def __add__(self, other: ClassMoments) -> ClassMoments:
        """Returns the sums over the rows of both, which may know different numbers of classes."""
        classes = max(len(self.counts), len(other.counts))
        one, two = self._padded(classes), other._padded(classes)
        return ClassMoments(
            one.counts + two.counts, one.sums + two.sums, one.products + two.products
        )

    @property
    def present(self) -> npt.NDArray[np.int64]:
        """The classes that have rows."""
        return np.flatnonzero(self.counts)

    @property
    def means(self) -> Doubles:
        """The mean of each class that has rows, ``[present, d]``."""
        means: Doubles = self.sums[self.present] / self.counts[self.present, None]
        return means

    def within_covariance(self) -> Doubles:
        """Returns the covariance around the class means ``[d, d]``, pooled over the classes."""
        means, counts = self.means, self.counts[self.present]
        scatter = self.products - (means * counts[:, None]).T @ means
        covariance: Doubles = scatter / max(float(counts.sum()) - len(counts), 1.0)
        return covariance

    def to_state(self) -> dict[str, npt.NDArray[Any]]:
        """Returns arrays for a file; of the products only those on and above the diagonal."""
        above = self.products[np.triu_indices(len(self.products))]
        return {"counts": self.counts, "sums": self.sums, "products": above}

    @classmethod
    def from_state(cls, state: State) -> ClassMoments:
        """Returns what ``to_state`` gave."""
        sums = np.asarray(state["sums"], np.float64)
        size = sums.shape[1]
        products = np.zeros((size, size))
        rows, columns = np.triu_indices(size)
        products[rows, columns] = products[columns, rows] = state["products"]
        return cls(np.asarray(state["counts"], np.float64), sums, products)

    def _padded(self, classes: int) -> ClassMoments:
        more = classes - len(self.counts)
        return ClassMoments(
            np.pad(self.counts, (0, more)), np.pad(self.sums, ((0, more), (0, 0))), self.products
        )
