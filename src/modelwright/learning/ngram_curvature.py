"""The curvature of the old rows' loss in an n-gram network: how much each weight matters to them.

For a linear model this is the diagonal Fisher information, without samples or gradients. It adds up
over lessons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.learning.bucket_table import BucketTable
from modelwright.learning.lesson import Lesson, State
from modelwright.learning.ngram_space import NgramSpace, read_space
from modelwright.learning.warm_fit import Doubles, Linear, curvature


@dataclass(frozen=True)
class NgramCurvature:
    """The curvature by bucket and column, for the products of ratio and weight, and by bias."""

    table: BucketTable
    bias: Doubles

    def __add__(self, other: NgramCurvature) -> NgramCurvature:
        """Returns the curvature for the rows of both."""
        return NgramCurvature(self.table + other.table, self.bias + other.bias)

    def hold(self, space: NgramSpace, strength: float) -> Linear:
        """Returns how firmly the old rows hold each weight; a strength of 1 is their curvature."""
        squares = space.ratio.astype(np.float64)[:, None] ** 2
        found = self.table.at(space.rows.buckets) * squares
        return Linear(strength * found, strength * self.bias)

    def to_state(self) -> dict[str, npt.NDArray[Any]]:
        """Returns arrays for a file."""
        return {**self.table.to_state(), "bias": self.bias}


def curvature_of(lesson: Lesson) -> NgramCurvature:
    """Returns the curvature of the loss on the new rows of a lesson that was learned."""
    space = read_space(
        lesson.network, lesson.model, [lesson.new], learn=False, progress=lesson.progress
    )
    features = space.features
    found = curvature(space.start.probabilities(features), features.power(2))
    known = space.ratio != 0
    values = found.kernel[known] / space.ratio[known, None].astype(np.float64) ** 2
    vocabulary = lesson.network.get_layer("buckets").vocabulary
    return NgramCurvature(BucketTable(space.rows.buckets[known], values, vocabulary), found.bias)


def curvature_before(lesson: Lesson) -> NgramCurvature:
    """Returns the remembered curvature, for the classes and tokens that the network has now."""
    return _from_state(
        lesson.state,
        vocabulary=lesson.network.get_layer("buckets").vocabulary,
        columns=int(lesson.network.output_shape[-1]),
    )


def _from_state(state: State, *, vocabulary: int, columns: int) -> NgramCurvature:
    if state["values"].shape[1] == 1 < columns:  # a sigmoid became a softmax
        state = {**state, **{key: np.repeat(state[key], 2, axis=-1) for key in ("values", "bias")}}
    table = BucketTable.from_state(state, vocabulary=vocabulary, columns=columns)
    bias = np.asarray(state["bias"], np.float64)
    return NgramCurvature(table, np.pad(bias, (0, columns - len(bias))))
