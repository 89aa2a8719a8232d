"""An n-gram network as a linear model: the features of rows, and its weights on them.

A feature is the ratio of an n-gram over the square root of the number of known n-grams in the row,
as in the network. N-grams that were known keep their ratios: with ratios from the counts of all
rows, networks answered no better. Only n-grams that become known get one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.types import BoolArray, FloatArray, IntArray, Progress
from modelwright.learning.joined_rows import join
from modelwright.learning.lesson import LessonRows
from modelwright.learning.warm_fit import Linear
from modelwright.models.builders import check_options
from modelwright.models.ngram_features import (
    NgramRows,
    WeightedNgrams,
    Weighting,
    read_ngrams,
    scale_rows,
)

_RATIO_SHARE = 0.1
_HOLD = 0.01
"""The inverse of the solver's largest strength. On validation rows, ``ewc`` and ``counts`` did no
better with values from 0.001 to 0.1; docs/stream.md has the figures."""
_LONGEST = 5


@dataclass(frozen=True)
class NgramSpace:
    """The n-grams of the rows of a lesson.

    Attributes:
        scores: the layer ``WeighedSum`` of the network.
        rows: the n-grams of each row.
        ratio: the ratio of each n-gram ``[m]``, as it is to be.
        start: the weights of the features as the network has them.
        hold: how strongly each weight is held where nothing is known of its importance.
        added: how many n-grams get a ratio.
    """

    scores: Any
    rows: NgramRows
    ratio: FloatArray
    start: Linear
    hold: Linear
    added: int

    @property
    def features(self) -> Any:
        """The features of the rows, sparse ``[n, m]``."""
        shares = (1 / np.sqrt(self.known_counts())).astype(np.float32)
        found = scale_rows(self.rows.present, shares)
        found.data *= self.ratio[found.indices]
        found = found.copy()  # removing zeros would change the indices of the rows
        found.eliminate_zeros()
        return found

    def known_counts(self) -> FloatArray:
        """Returns the number of known n-grams of each row, at least 1, ``[n]``."""
        known: FloatArray = self.rows.present @ (self.ratio != 0).astype(np.float32)
        return np.maximum(known, 1)

    def set_weights(self, fitted: Linear) -> None:
        """Puts weights of the features into the network."""
        ratio, weight, bias = shared_ratio(self.scores)
        ratio[self.rows.buckets] = self.ratio
        weight[self.rows.buckets] = fitted.kernel / self.scores.scale
        weight[ratio == 0] = 0
        self.scores.ratio.assign(np.repeat(ratio[:, None], weight.shape[1], axis=1))
        self.scores.weight.assign(weight)
        self.scores.bias.assign(fitted.bias.astype(bias.dtype))


def read_space(
    network: Any,
    model: ModelConfig,
    parts: Sequence[LessonRows],
    *,
    frequent: BoolArray | None = None,
    learn: bool = True,
    progress: Progress | None = None,
) -> NgramSpace:
    """Returns the n-grams of rows, those that the network knows and those frequent enough to learn.

    Args:
        network: the network of the builder ``ngrams``.
        model: its builder and options.
        parts: the rows; all of them in their order.
        frequent: whether each bucket occurs in enough rows to be learned ``[buckets]``; by default
            that follows from the rows at hand.
        learn: whether n-grams that the network does not know get a ratio.
        progress: called after each chunk.
    """
    scores = network.get_layer("scores")
    ratio, weight, bias = shared_ratio(scores)
    rows, options = join(parts), check_options(model)
    known = ratio != 0
    if frequent is not None:
        known |= frequent
    found = read_ngrams(
        network.get_layer("buckets"), options, [rows.inputs], scores.columns, progress, known
    )
    here, labels = found.buckets, rows.labels
    fresh = ratio[here] == 0
    if frequent is not None:
        fresh &= frequent[here]
    fresh &= learn
    chosen = ratio[here]
    if fresh.any():
        chosen = np.where(fresh, _ratios_like(found, labels, chosen), chosen)
    kernel = np.where(fresh[:, None], 0.0, weight[here].astype(np.float64) * scores.scale)
    start = Linear(kernel, bias.astype(np.float64))
    hold = Linear(np.full(kernel.shape, _HOLD), np.zeros(len(bias)))
    return NgramSpace(scores, found, chosen, start, hold, int(np.sum(fresh & (chosen != 0))))


def length_scales(rows: NgramRows, ratio: FloatArray, fresh_ratio: FloatArray) -> FloatArray:
    """Returns, for each length of n-grams, how large the network's ratios are next to others.

    Args:
        rows: the n-grams of some rows.
        ratio: the network's ratio of each, 0 for those that it does not know, ``[m]``.
        fresh_ratio: ratios found from these rows without a decay for length, ``[m]``.

    Returns:
        The median of their quotients ``[longest + 1]``; for a length without a known n-gram, that
        of all.
    """
    both = (ratio != 0) & (fresh_ratio > 0)
    if not both.any():
        return np.ones(_LONGEST + 1, np.float32)
    quotients = np.abs(ratio[both]) / fresh_ratio[both]
    scales = np.full(_LONGEST + 1, np.median(quotients), np.float32)
    for length in np.unique(rows.lengths[both]):
        scales[length] = np.median(quotients[rows.lengths[both] == length])
    return scales


def plain_ratios(rows: NgramRows, labels: IntArray) -> FloatArray:
    """Returns the solver's weights of the n-grams of rows ``[m]``, without a decay for length."""
    weighting = Weighting(_RATIO_SHARE, decay=1.0)
    return WeightedNgrams(rows, np.arange(len(rows)), labels, weighting).weights


def _ratios_like(rows: NgramRows, labels: IntArray, ratio: FloatArray) -> FloatArray:
    """Returns ratios of all n-grams of rows, as large as those that the network has."""
    plain = plain_ratios(rows, labels)
    result: FloatArray = plain * length_scales(rows, ratio, plain)[rows.lengths]
    return result


def shared_ratio(scores: Any) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns ratio ``[buckets]``, weight ``[buckets, columns]`` and bias of the layer.

    The solver gives all columns one ratio. Ratios from counts differ by column; then one takes
    their place, and the weights change so that the scores stay.
    """
    ratio, weight, bias = (
        np.array(variable.numpy()) for variable in (scores.ratio, scores.weight, scores.bias)
    )
    if ratio.shape[1] == 1 or (ratio == ratio[:, :1]).all():
        return ratio[:, 0], weight, bias
    shared = np.sqrt((ratio**2).mean(axis=1))
    known = shared > 0
    weight[known] *= ratio[known] / shared[known, None]
    return shared, weight, bias
