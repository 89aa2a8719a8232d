"""Adapts a solved n-gram network to other rows: the weights that it has are the prior.

The penalty draws each weight to what it was, not to zero (Chelba and Acero, "Adaptation of Maximum
Entropy Capitalizer: Little Data Can Help a Lot", EMNLP 2004). One factor on all weights before says
how much they count; it is fitted too, so that a model of other rows can lose its say. N-grams that
the network does not know get a weight of their own, as in a fit from scratch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import cross_validate, rotate
from modelwright.models.ngram_features import (
    WeightedNgrams,
    Weighting,
    find_decay,
    read_all_ngrams,
    read_ngrams,
)
from modelwright.models.options import NgramsOptions
from modelwright.models.solution import Solution

_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
_RATIO_SHARE = 0.1
_ITERATIONS = 100
_TOLERANCE = 1e-7
_TINY = 1e-12


@dataclass(frozen=True)
class _Rows:
    """Rows of an adaptation.

    Attributes:
        features: sparse ``[n, m]``.
        before: scores of the network with the weights before, without bias, ``[n, columns]``.
        labels: their classes, ``[n]``.
        weights: weight of each row, ``[n]``.
    """

    features: Any
    before: FloatArray
    labels: IntArray
    weights: FloatArray

    def take(self, rows: IntArray) -> _Rows:
        """Returns some of the rows."""
        return _Rows(self.features[rows], self.before[rows], self.labels[rows], self.weights[rows])


@dataclass(frozen=True)
class _Fit:
    """The change of the weights ``[m, columns]``, the factor on those before, and the bias."""

    change: FloatArray
    factor: float
    bias: FloatArray

    def scores(self, rows: _Rows) -> FloatArray:
        """Returns the scores of rows, ``[n, columns]``."""
        scores: FloatArray = self.factor * rows.before + rows.features @ self.change + self.bias
        return scores

    def probabilities(self, rows: _Rows) -> FloatArray:
        """Returns the probabilities of rows, ``[n, classes]``."""
        return _softmax(self.scores(rows))


def adapt_solution(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, seed: int
) -> Solution:
    """Changes the weights of an n-gram network to the best ones for rows, near those before.

    Args:
        network: a network of ``ngrams.build`` with weights.
        options: its options.
        data: the rows.
        seed: decides which rows are in which fold.
    """
    layer = network.get_layer("scores")
    ratio, weight, bias = (
        np.asarray(keras.ops.convert_to_numpy(one))
        for one in (layer.ratio, layer.weight, layer.bias)
    )
    ratio = _with_new_ngrams(network, options, data, ratio)
    present = read_all_ngrams(network.get_layer("buckets"), options, data.rows, data.progress)
    known = np.flatnonzero((np.diff(present.tocsc().indptr) > 0) & (ratio[:, 0] != 0))
    rows = _rows(present.tocsr()[:, known], ratio[known, 0], layer.scale * weight[known], data)

    def predict(train: IntArray, held: IntArray) -> dict[float, FloatArray]:
        few, other = rows.take(train), rows.take(held)
        fits = zip(_STRENGTHS, _fit(few, _STRENGTHS, bias), strict=True)
        return {strength: fit.probabilities(other) for strength, fit in fits}

    chosen = cross_validate(
        data.labels,
        [_STRENGTHS],
        predict,
        seed=seed,
        copies=data.copies,
        progress=data.progress,
    )
    fit = _fit(rows, [chosen.key], bias)[0]
    weight = fit.factor * weight
    weight[known] += fit.change / layer.scale
    layer.ratio.assign(ratio)
    layer.weight.assign(weight)
    layer.bias.assign(fit.bias)
    choice = {"strength": chosen.key, "prior": round(fit.factor, 3)}
    return Solution.of(choice, chosen, data.labels)


def _with_new_ngrams(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, ratio: FloatArray
) -> FloatArray:
    """Returns the factors of all n-grams, with those that the network did not know."""
    layer = network.get_layer("scores")
    rows = read_ngrams(network.get_layer("buckets"), options, [data.rows], layer.columns)
    weighting = Weighting(_RATIO_SHARE, find_decay(rows, data.characters))
    everything = np.arange(len(data.labels))
    found = WeightedNgrams(rows, everything, data.labels, weighting).weights
    ratio = ratio.copy()
    fresh = ratio[rows.buckets, 0] == 0
    ratio[rows.buckets[fresh]] = found[fresh, None]
    return ratio


def _rows(present: Any, ratio: FloatArray, weight: FloatArray, data: AdaptationData) -> _Rows:
    from scipy import sparse

    count = np.asarray(present.sum(axis=1)).ravel()
    shrink = sparse.diags_array(1 / np.sqrt(np.maximum(count, 1)))
    features = (shrink @ present @ sparse.diags_array(ratio)).tocsr()
    weights = data.row_weights
    if weights is None:
        weights = np.ones(len(data.labels), np.float32)
    return _Rows(features, features @ weight, data.labels, weights)


def _fit(rows: _Rows, strengths: Sequence[float], bias: FloatArray) -> list[_Fit]:
    """Returns the change with the least loss and penalty for each strength."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    columns = rows.before.shape[1]
    limit = {"maxiter": _ITERATIONS, "ftol": _TOLERANCE}
    found = []
    with threadpool_limits(1):  # many threads make small matrix products slower
        features, back = rotate(rows.features, max(columns, 2))
        turned = replace(rows, features=features)
        shape = (features.shape[1], columns)
        values = np.concatenate([np.zeros(shape[0] * columns), [1.0], bias])
        for strength in strengths:
            loss = partial(_loss, turned, shape, strength)
            values = minimize(loss, values, jac=True, method="L-BFGS-B", options=limit).x
            fit = _unpack(values, shape)
            found.append(replace(fit, change=np.asarray(back(fit.change))))
    return found


def _loss(
    rows: _Rows, shape: tuple[int, int], strength: float, values: FloatArray
) -> tuple[float, FloatArray]:
    """Returns the loss with its penalty, and the gradient."""
    fit = _unpack(values, shape)
    probabilities = _softmax(fit.scores(rows))
    picked = probabilities[np.arange(len(rows.labels)), rows.labels]
    rest = probabilities - np.eye(probabilities.shape[1])[rows.labels]
    slope = rows.weights[:, None] * (rest[:, 1:] if shape[1] == 1 else rest)
    penalty = (fit.change**2).sum() / strength + (fit.factor - 1) ** 2
    total = penalty / 2 - (rows.weights * np.log(np.maximum(picked, _TINY))).sum()
    by_change = (rows.features.T @ slope + fit.change / strength).ravel()
    by_factor = [(rows.before * slope).sum() + fit.factor - 1]
    return float(total), np.concatenate([by_change, by_factor, slope.sum(axis=0)])


def _unpack(values: FloatArray, shape: Sequence[int]) -> _Fit:
    size = shape[0] * shape[1]
    return _Fit(values[:size].reshape(shape), float(values[size]), values[size + 1 :])


def _softmax(scores: FloatArray) -> FloatArray:
    if scores.shape[1] == 1:
        scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return probabilities
