"""Solves the n-gram network: logistic regression on weighted n-grams, put into its graph.

Each n-gram that occurs in a text counts once. The square of its weight is the sum of two: that of
its inverse document frequency, as in TF-IDF, and a share of that of its log-count ratio, as in Wang
and Manning, "Baselines and Bigrams" (2012). Few rows give no reliable ratios, so their share is
chosen by cross-validation. In texts with spaces, longer n-grams count less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from modelwright.core.types import BoolArray, FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import (
    LogisticFit,
    cross_validate,
    fit_logistic,
)
from modelwright.models.options import NgramsOptions
from modelwright.models.solution import Solution

_CHUNK = 2048
_STRENGTHS = (10.0, 3.0, 30.0)
_RATIO_SHARES = (0.1, 1.0)
_CHARACTER_DECAY = 1.0
_WORD_DECAY = 0.6
"""Runs of words are rare, and what they say their words say too. Characters say little alone."""
_ROWS_PER_COUNT = 2000
"""For so many rows more, an n-gram has to occur in one more of them, up to ``min_count``."""
_MOST_WEIGHTS = 2**23
"""The solver keeps about twenty copies of the weights."""


@dataclass(frozen=True)
class Weighting:
    """How an n-gram's weight is computed.

    Attributes:
        ratio_share: how much its log-count ratio counts, compared with its frequency.
        decay: factor for each token beyond the first.
    """

    ratio_share: float
    decay: float


@dataclass(frozen=True)
class NgramRows:
    """The n-grams that occur in each row.

    Attributes:
        present: sparse float32 ``[n, m]``, 1 where a row has an n-gram.
        buckets: bucket of each n-gram, ``[m]``.
        lengths: its number of tokens, ``[m]``.
    """

    present: Any
    buckets: IntArray
    lengths: IntArray

    def __len__(self) -> int:
        return int(self.present.shape[0])


class Weighted:
    """The weight of each n-gram, found from labeled rows, and the features that it gives."""

    def __init__(
        self, rows: NgramRows, chosen: IntArray, labels: IntArray, weighting: Weighting
    ) -> None:
        present = rows.present[chosen]
        known = present.sum(axis=0) > 0
        frequency, ratio = _inverse_frequencies(present), _squared_ratios(present, labels)
        frequency, ratio = (
            square / max(square[known].mean(), 1e-12) if known.any() else square
            for square in (frequency, ratio)
        )
        weights = np.sqrt(frequency + weighting.ratio_share * ratio)
        weights *= weighting.decay ** (rows.lengths - 1)
        self.weights: FloatArray = np.where(known, weights, 0)
        squares = self._divided(present).power(2).sum(axis=1)
        self.weights /= max(float(np.sqrt(squares.mean())), 1e-12)

    def features(self, present: Any) -> Any:
        """Returns the features of rows, sparse ``[n, m]``, of mean square 1 where fitted."""
        return self._divided(present).tocsr()

    def _divided(self, present: Any) -> Any:
        from scipy import sparse

        known = present.astype(np.float64) @ (self.weights > 0)
        lengths = sparse.diags_array(1 / np.sqrt(np.maximum(known, 1)))
        return lengths @ present @ sparse.diags_array(self.weights)


def solve(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, seed: int
) -> Solution:
    """Sets the weights of an n-gram network to the optimum for the training rows."""
    classes = max(2, int(network.output_shape[-1]))
    rows = read_ngrams(network.get_layer("buckets"), options, data, classes)
    labels = data.labels
    decay = find_decay(rows, data.characters)
    weightings = [Weighting(share, decay) for share in _RATIO_SHARES]

    def fit(chosen: IntArray, weighted: Weighted, strengths: Sequence[float]) -> list[LogisticFit]:
        weights = None if data.row_weights is None else data.row_weights[chosen]
        features = weighted.features(rows.present[chosen])
        return fit_logistic(features, labels[chosen], classes, strengths, row_weights=weights)

    def predict(train: IntArray, held: IntArray) -> dict[tuple[Weighting, float], FloatArray]:
        found = {}
        for weighting in weightings:
            weighted = Weighted(rows, train, labels[train], weighting)
            features = weighted.features(rows.present[held])
            for strength, fitted in zip(_STRENGTHS, fit(train, weighted, _STRENGTHS), strict=True):
                found[weighting, strength] = fitted.probabilities(features)
        return found

    candidates = [[(weighting, strength) for strength in _STRENGTHS] for weighting in weightings]
    held_out = cross_validate(
        labels, candidates, predict, seed=seed, copies=data.copies, progress=data.progress
    )
    weighting, strength = held_out.key
    everything = np.arange(len(rows))
    weighted = Weighted(rows, everything, labels, weighting)
    fitted = fit(everything, weighted, [strength])[0]
    _set_weights(network, rows.buckets, weighted.weights, fitted)
    return Solution.of({"strength": strength, **vars(weighting)}, held_out, labels)


def read_ngrams(
    layer: Any, options: NgramsOptions, data: AdaptationData, classes: int
) -> NgramRows:
    """Returns the n-grams of the rows, without those that occur in too few of them."""
    from scipy import sparse

    parts, lengths = [], np.full(options.buckets, options.longest)
    for start in range(0, len(data.rows), _CHUNK):
        chosen = np.arange(start, min(start + _CHUNK, len(data.rows)))
        by_length = layer.by_length(ops.convert_to_tensor(data.rows.take(chosen)))
        cells = []
        # From the longest to the shortest, so that a shared bucket has the length of the latter.
        for length, found in reversed(list(enumerate(map(ops.convert_to_numpy, by_length), 1))):
            row, column = np.nonzero(found)
            cells.append((row, found[row, column]))
            lengths[cells[-1][1]] = length
        row, bucket = map(np.concatenate, zip(*cells, strict=True))
        part = sparse.csr_array(
            (np.ones(len(row), np.float32), (row, bucket)), shape=(len(chosen), options.buckets)
        )
        part.sum_duplicates()
        part.data[:] = 1
        parts.append(part)
        if data.progress:
            data.progress("counting n-grams", int(chosen[-1]) + 1, len(data.rows))
    present = sparse.vstack(parts, format="csc")
    counts = np.diff(present.indptr)
    fewest = max(1, min(options.min_count, 1 + len(data.rows) // _ROWS_PER_COUNT))
    most = _MOST_WEIGHTS // (1 if classes == 2 else classes)
    while np.sum(counts >= fewest) > most:
        fewest += 1
    kept = np.flatnonzero(counts >= fewest)
    return NgramRows(present[:, kept].tocsr(), kept, lengths[kept])


def find_decay(rows: NgramRows, characters: BoolArray | None) -> float:
    """Returns the decay for the texts' share of characters among characters and words."""
    if characters is None:
        return _WORD_DECAY
    single = np.flatnonzero(rows.lengths == 1)
    counts = rows.present[:, single].sum(axis=0)
    share = float(counts @ characters[rows.buckets[single]]) / max(float(counts.sum()), 1)
    return round(_WORD_DECAY + (_CHARACTER_DECAY - _WORD_DECAY) * share, 3)


def _inverse_frequencies(present: Any) -> FloatArray:
    """Returns the square of the inverse document frequency of each n-gram, ``[m]``."""
    rows = present.shape[0]
    squares: FloatArray = (np.log((1 + rows) / (1 + present.sum(axis=0))) + 1) ** 2
    return squares


def _squared_ratios(present: Any, labels: IntArray) -> FloatArray:
    """Returns the mean square of the log-count ratios of each n-gram over the classes, ``[m]``.

    A ratio is the log of two shares: that of the rows of a class that have the n-gram, over that
    of all other rows.
    """
    total = present.sum(axis=0).astype(np.float64)
    squares = np.zeros(len(total), np.float32)
    names = np.unique(labels)
    for label in names:
        own = labels == label
        inside = present[own].sum(axis=0) + 1.0
        outside = total - inside + 2.0
        ratio = np.log(inside / (own.sum() + 2)) - np.log(outside / ((~own).sum() + 2))
        squares += np.float32(1 / len(names)) * ratio.astype(np.float32) ** 2
    return squares


def _set_weights(
    network: keras.Model, buckets: IntArray, weights: FloatArray, fitted: LogisticFit
) -> None:
    layer = network.get_layer("scores")
    ratio = np.zeros(layer.ratio.shape, np.float32)
    ratio[buckets] = weights[:, None]
    kernel = np.zeros(layer.weight.shape, np.float32)
    kernel[buckets] = fitted.kernel / layer.scale
    layer.ratio.assign(ratio)
    layer.weight.assign(kernel)
    layer.bias.assign(fitted.bias)
