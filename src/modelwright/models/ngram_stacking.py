"""Starts a solved n-gram network from another one: its scores and those of a new fit, summed.

How much each of the two counts is fitted to rows that the new fit did not learn. So a source that
says little of these rows loses its say, and so does a fit to very few of them. Both scores are sums
over n-grams, so their sum is one network again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from modelwright.core.types import BoolArray, FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import (
    LogisticFit,
    cross_validate,
    fit_logistic,
    log_loss,
    scores_to_probabilities,
)
from modelwright.models.ngram_features import (
    RATIO_SHARES,
    NgramRows,
    WeightedNgrams,
    Weighting,
    compared_rows,
    find_decay,
    read_ngrams,
)
from modelwright.models.options import NgramsOptions
from modelwright.models.score_stacking import Stack, fit_stack, stack_out_of_fold
from modelwright.models.solution import Solution

_STRENGTHS = (10.0, 30.0, 100.0)


def solve_from_source(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, seed: int
) -> Solution:
    """Joins the weights that an n-gram network has with those of a fit to rows, in place.

    Args:
        network: a network of ``ngrams.build`` with the weights of the source.
        options: its options.
        data: the rows.
        seed: decides which rows are in which fold.
    """
    problem = _read(network, options, data)
    some = compared_rows(len(data.labels))
    found = cross_validate(
        data.labels[some],
        [[(share, strength) for share in RATIO_SHARES for strength in _STRENGTHS]],
        lambda train, held: problem.predict(some[train], some[held]),
        loss=lambda scores, held: problem.stacked_loss(scores, some[held]),
        seed=seed,
        copies=None if data.copies is None else data.copies[some],
        progress=data.progress,
    )
    scores, rows = problem.pair(found.probabilities), some[found.rows]
    labels, weights = data.labels[rows], problem.weights[rows]
    stack = fit_stack(*scores, labels, weights)
    probabilities = stack_out_of_fold(*scores, labels, weights)
    held_out = replace(found, rows=rows, probabilities=probabilities)
    share, strength = found.key
    weighted, fits = problem.fit(np.arange(len(data.labels)), share, [strength])
    _set_weights(network, problem, stack, weighted, fits[0])
    choice = {
        "strength": strength,
        "ratio_share": share,
        "source_weight": round(stack.first, 3),
        "own_weight": round(stack.second, 3),
    }
    return Solution.of(choice, held_out, data.labels)


@dataclass(frozen=True)
class _Problem:
    """The rows, and the network that they start from.

    Attributes:
        data: the rows.
        rows: their n-grams.
        decay: the decay of a ``Weighting``.
        known: whether the source knows each n-gram, ``[m]``.
        kernel: what each n-gram adds to the source's scores, ``[m, columns]``.
        bias: the source's bias, ``[columns]``.
        weights: the weight of each row, ``[n]``.
    """

    data: AdaptationData
    rows: NgramRows
    decay: float
    known: BoolArray
    kernel: FloatArray
    bias: FloatArray
    weights: FloatArray

    def fit(
        self, chosen: IntArray, ratio_share: float, strengths: Sequence[float]
    ) -> tuple[WeightedNgrams, list[LogisticFit]]:
        """Returns the weights of the n-grams of some rows, and a fit for each strength."""
        labels, classes = self.data.labels[chosen], max(2, len(self.bias))
        weighting = Weighting(ratio_share, self.decay)
        weighted = WeightedNgrams(self.rows, chosen, labels, weighting, counted=self.known)
        features, weights = weighted.features(self.rows.present[chosen]), self.weights[chosen]
        return weighted, fit_logistic(features, labels, classes, strengths, row_weights=weights)

    def predict(self, train: IntArray, held: IntArray) -> dict[tuple[float, float], FloatArray]:
        """Returns the scores of held-out rows by the source and by each fit, for ``pair``."""
        present, found = self.rows.present[held], {}
        for share in RATIO_SHARES:
            weighted, fits = self.fit(train, share, _STRENGTHS)
            # N-grams that only the fit knows count in the source's scores, as they will.
            source = weighted.shares(present) @ self.kernel + self.bias
            features = weighted.features(present)
            for strength, fitted in zip(_STRENGTHS, fits, strict=True):
                own = features @ fitted.kernel + fitted.bias
                found[share, strength] = np.concatenate([source, own], axis=1)
        return found

    def pair(self, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Returns the scores of the source and those of the fit, each ``[n, columns]``."""
        columns = len(self.bias)
        return scores[:, :columns], scores[:, columns:]

    def stacked_loss(self, scores: FloatArray, rows: IntArray) -> FloatArray:
        """Returns the weighed loss of some rows where both scores count as suits them best."""
        pair, labels, weights = self.pair(scores), self.data.labels[rows], self.weights[rows]
        stack = fit_stack(*pair, labels, weights)
        return weights * log_loss(scores_to_probabilities(stack.scores(*pair)), labels)


def _read(network: keras.Model, options: NgramsOptions, data: AdaptationData) -> _Problem:
    layer = network.get_layer("scores")
    ratio, weight, bias = _weights(layer)
    known = (ratio != 0).any(axis=1)
    buckets = network.get_layer("buckets")
    rows = read_ngrams(buckets, options, [data.rows], layer.columns, data.progress, known)
    here, weights = rows.buckets, data.row_weights
    return _Problem(
        data,
        rows,
        data.decay or find_decay(rows, data.characters),
        known[here],
        layer.scale * ratio[here] * weight[here],
        bias,
        np.ones(len(rows), np.float32) if weights is None else weights,
    )


def _set_weights(
    network: keras.Model,
    problem: _Problem,
    stack: Stack,
    weighted: WeightedNgrams,
    fitted: LogisticFit,
) -> None:
    """Makes the network the sum of both. An n-gram of the rows has the fit's ratio."""
    layer = network.get_layer("scores")
    ratio, weight, bias = _weights(layer)
    weight = stack.first * weight
    own = weighted.weights > 0
    here, factors = problem.rows.buckets[own], weighted.weights[own, None]
    kernel = stack.first * problem.kernel[own] + stack.second * factors * fitted.kernel[own]
    ratio[here], weight[here] = factors, kernel / (factors * layer.scale)
    layer.ratio.assign(ratio)
    layer.weight.assign(weight)
    layer.bias.assign(stack.first * bias + stack.second * fitted.bias + stack.bias)


def _weights(layer: Any) -> list[FloatArray]:
    """Returns copies of the ratios, weights and biases of a ``WeighedSum``."""
    variables = (layer.ratio, layer.weight, layer.bias)
    return [np.array(keras.ops.convert_to_numpy(one)) for one in variables]
