"""Solves the n-gram network: logistic regression on weighted n-grams, put into its graph.

With texts that have no labels, the network teaches itself: ``self_training.py``. Where a teacher
has labeled them, they are training rows like the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray, IntArray, Progress
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import (
    CrossValidation,
    cross_validate,
    fit_logistic,
    predict_folds,
)
from modelwright.models.ngram_features import (
    RATIO_SHARES,
    NgramRows,
    WeightedNgrams,
    Weighting,
    compared_rows,
    find_decay,
    inverse_frequencies,
    read_ngrams,
)
from modelwright.models.ngram_stacking import solve_from_source
from modelwright.models.options import NgramsOptions
from modelwright.models.self_training import (
    NgramFit,
    find_latent_features,
    first_probabilities,
    self_train,
)
from modelwright.models.solution import Solution

_STRENGTHS = (10.0, 3.0, 30.0, 100.0)


@dataclass(frozen=True)
class _Problem:
    """The rows to fit, labeled ones first.

    Attributes:
        rows: the n-grams of all rows, with and without labels.
        labels: the classes of the first rows, ``[labeled]``.
        weights: the weight of each row, ``[n]``; 1 for those without labels.
        classes: number of classes.
        frequency: ``inverse_frequencies`` of all rows; None if all have labels.
        copies: a number that copies of a labeled row share, ``[labeled]``; None if each row
            stands alone.
    """

    rows: NgramRows
    labels: IntArray
    weights: FloatArray
    classes: int
    frequency: FloatArray | None
    copies: IntArray | None

    @property
    def present(self) -> Any:
        """The n-grams of all rows, sparse ``[n, m]``."""
        return self.rows.present

    def fit(
        self,
        chosen: IntArray,
        labels: IntArray,
        weighting: Weighting,
        strengths: Sequence[float],
    ) -> list[NgramFit]:
        """Returns a fit of rows with these labels for each strength."""
        weighted = WeightedNgrams(self.rows, chosen, labels, weighting, self.frequency)
        features, weights = weighted.features(self.present[chosen]), self.weights[chosen]
        fits = fit_logistic(features, labels, self.classes, strengths, row_weights=weights)
        return [NgramFit(weighted, fitted) for fitted in fits]


def solve(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, seed: int
) -> Solution:
    """Sets the weights of an n-gram network to the optimum for the training rows.

    A network that was started from another model keeps what it knows: ``ngram_stacking.py``.
    """
    if data.started:
        return solve_from_source(network, options, data, seed)
    problem = _read(network, options, data)
    held_out = _choose(problem, _weightings(problem, data), seed, data.progress)
    labeled = np.arange(len(problem.labels))
    weighting, strength = held_out.key
    choice: dict[str, Any] = {"strength": strength, **vars(weighting)}
    fit = problem.fit(labeled, problem.labels, weighting, [strength])[0]
    if problem.frequency is not None:
        taught = _SelfTraining(problem, weighting, strength, seed)
        folded = cross_validate(
            problem.labels,
            [[None]],
            taught.predict,
            seed=seed,
            copies=problem.copies,
            progress=data.progress,
        )
        better = _count_right(folded, problem.labels) >= _count_right(held_out, problem.labels)
        choice["self_training"] = better
        if better:
            fit, held_out = taught.fit(labeled), folded
    _set_weights(network, problem.rows.buckets, fit)
    return Solution.of(choice, _first_rows(held_out, len(data.labels)), problem.labels)


def out_of_fold(
    network: keras.Model, options: NgramsOptions, data: AdaptationData, fold: IntArray, seed: int
) -> FloatArray:
    """Returns the probabilities of each row by a solution that was found without its fold.

    The network keeps its weights. Weighting and strength are chosen once, from all rows.

    Args:
        network: the n-gram network.
        options: its options.
        data: the rows, all of them labeled.
        fold: the fold of each row ``[n]``, as from ``assign_folds``.
        seed: random seed of the choice.

    Returns:
        Probabilities ``[n, classes]``, NaN for rows that are in no fold.
    """
    problem = _read(network, options, data)
    chosen = _choose(problem, _weightings(problem, data), seed, data.progress, compared=True)
    weighting, strength = chosen.key

    def predict(train: IntArray, held: IntArray) -> FloatArray:
        fit = problem.fit(train, problem.labels[train], weighting, [strength])[0]
        return fit.probabilities(problem.present[held])

    return predict_folds(fold, problem.classes, predict, data.progress)


def _weightings(problem: _Problem, data: AdaptationData) -> list[Weighting]:
    decay = data.decay or find_decay(problem.rows, data.characters)
    return [Weighting(share, decay) for share in RATIO_SHARES]


def _choose(
    problem: _Problem,
    weightings: Sequence[Weighting],
    seed: int,
    progress: Progress | None,
    *,
    compared: bool = False,
) -> CrossValidation:
    """Compares the weightings and strengths on the labeled rows, the choice as the key.

    Args:
        problem: the rows.
        weightings: the weightings to compare, each with every strength.
        seed: decides which rows are in which fold.
        progress: called after each fold.
        compared: whether the choice is enough, without predictions of all labeled rows.
    """

    def validate(
        rows: IntArray, weightings: Sequence[Weighting], strengths: Sequence[float]
    ) -> CrossValidation:
        def predict(train: IntArray, held: IntArray) -> dict[tuple[Weighting, float], FloatArray]:
            found = {}
            for weighting in weightings:
                fits = problem.fit(rows[train], problem.labels[rows[train]], weighting, strengths)
                for strength, fit in zip(strengths, fits, strict=True):
                    found[weighting, strength] = fit.probabilities(problem.present[rows[held]])
            return found

        return cross_validate(
            problem.labels[rows],
            [[(weighting, strength) for strength in strengths] for weighting in weightings],
            predict,
            seed=seed,
            copies=None if problem.copies is None else problem.copies[rows],
            progress=progress,
        )

    labeled = np.arange(len(problem.labels))
    some = compared_rows(len(labeled))
    found = validate(some, weightings, _STRENGTHS)
    if compared or len(some) == len(labeled):
        return found
    weighting, strength = found.key
    return validate(labeled, [weighting], [strength])


class _SelfTraining:
    """Fits labeled rows and the rows without labels together."""

    def __init__(self, problem: _Problem, weighting: Weighting, strength: float, seed: int) -> None:
        self.problem, self.weighting, self.strength = problem, weighting, strength
        everything = np.arange(len(problem.labels))
        plain = WeightedNgrams(
            problem.rows,
            everything,
            problem.labels,
            replace(weighting, ratio_share=0.0),
            problem.frequency,
        )
        self.latent = find_latent_features(plain.features(problem.present), seed)

    def fit(self, labeled: IntArray) -> NgramFit:
        """Returns the fit for the labels of some rows."""
        problem, first = self.problem, len(self.problem.labels)
        labels = problem.labels[labeled]

        def fit(rows: IntArray, known: IntArray) -> NgramFit:
            return problem.fit(rows, known, self.weighting, [self.strength])[0]

        def fit_more(chosen: IntArray, taken: IntArray) -> NgramFit:
            rows = np.concatenate([labeled, first + chosen])
            return fit(rows, np.concatenate([labels, taken]))

        probabilities = first_probabilities(
            fit(labeled, labels), problem.present, self.latent, labeled, labels, self.strength
        )
        shares = np.bincount(labels, problem.weights[labeled], minlength=problem.classes)
        return self_train(
            probabilities[first:], shares / shares.sum(), fit_more, problem.present[first:]
        )

    def predict(self, train: IntArray, held: IntArray) -> dict[None, FloatArray]:
        """Returns the probabilities of held-out rows, for ``cross_validate``."""
        return {None: self.fit(train).probabilities(self.problem.present[held])}


def _read(network: keras.Model, options: NgramsOptions, data: AdaptationData) -> _Problem:
    columns = network.get_layer("scores").columns
    parts = [data.rows, *([] if data.unlabeled is None else [data.unlabeled])]
    rows = read_ngrams(network.get_layer("buckets"), options, parts, columns, data.progress)
    labels, copies = data.labels, data.copies
    weights = np.ones(len(rows), np.float32)
    if data.row_weights is not None:
        weights[: len(labels)] = data.row_weights
    if data.soft_labels is not None:
        # With the most probable class alone a solved network got more right than with all
        # probabilities, by 0.2 to 1 points.
        labels = np.concatenate([labels, data.soft_labels.argmax(axis=1)])
        if copies is not None:  # a teacher's texts are none of the labeled ones
            more = np.arange(len(data.soft_labels)) + copies.max() + 1
            copies = np.concatenate([copies, more])
    frequency = inverse_frequencies(rows.present) if len(rows) > len(labels) else None
    return _Problem(rows, labels, weights, max(2, columns), frequency, copies)


def _count_right(held_out: CrossValidation, labels: IntArray) -> int:
    return int(np.sum(held_out.predicted == labels[held_out.rows]))


def _first_rows(held_out: CrossValidation, count: int) -> CrossValidation:
    """Returns what was predicted for the first rows, whose labels are the user's own."""
    own = held_out.rows < count
    return replace(held_out, rows=held_out.rows[own], probabilities=held_out.probabilities[own])


def _set_weights(network: keras.Model, buckets: IntArray, fit: NgramFit) -> None:
    layer = network.get_layer("scores")
    ratio = np.zeros(layer.ratio.shape, np.float32)
    ratio[buckets] = fit.weighted.weights[:, None]
    kernel = np.zeros(layer.weight.shape, np.float32)
    kernel[buckets] = fit.fitted.kernel / layer.scale
    layer.ratio.assign(ratio)
    layer.weight.assign(kernel)
    layer.bias.assign(fit.fitted.bias)
