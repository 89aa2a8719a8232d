"""The strategy ``closed-form``: the last layer from means and one covariance of its features.

Streaming linear discriminant analysis after Hayes and Kanan, "Lifelong Machine Learning with Deep
Streaming Linear Discriminant Analysis" (arXiv:1909.01520): the features stay as they are, and
three sums over all rows are enough: rows of each class, their features, and the products of all
pairs of features. The sums of two lessons are the sums of one lesson with all their rows, in any
order, so nothing is forgotten. The random projection that RanPAC (McDonnell et al.,
arXiv:2307.02251) puts between the features and the layer is left out: it would add a layer.
"""

from __future__ import annotations

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.learning.class_moments import ClassMoments
from modelwright.learning.discriminant import discriminant_layer, scale_of_scores
from modelwright.learning.last_layer import LastLayer, find_last_layer
from modelwright.learning.lesson import Lesson, LessonRows, State
from modelwright.learning.strategy import Needs, Strategy

_SAME = 1e-3


class ClosedForm:
    """The last layer is computed anew from sums over all rows.

    A probability is that of a class for features with a normal distribution around the mean of
    each class, all with the same covariance, and with the classes' shares of all rows so far. The
    scores are then scaled so that they fit the rows of the lesson; that changes no answer.
    """

    name = "closed-form"
    summary = "computes the last layer from class means and a covariance that forget nothing"
    needs: Needs = "state"
    cost = 0.5

    def unfit(self, model: ModelConfig) -> str:
        """Returns a reason for networks that do not end in one dense layer."""
        if model.builder == "ngrams":
            return "an n-gram network has no features below its only layer; take counts"
        if model.builder == "committee":
            return "the answer of a committee is the mean of two networks, not one last layer"
        return ""

    def learn(self, lesson: Lesson) -> None:
        """Sets the last layer.

        Raises:
            ConfigError: nothing is remembered, or only of a network with other features.
        """
        last = find_last_layer(lesson.network)
        if not lesson.state:
            raise ConfigError(
                f"the strategy '{self.name}' needs its sums over the old rows, but there are none;"
                " take another strategy, such as replay."
            )
        if not _same_features(last, lesson.state):
            raise ConfigError(
                f"the strategy '{self.name}' has sums over features that the network no longer"
                " has; take another strategy, such as replay."
            )
        new = last.features(lesson.new.inputs, lesson.progress)
        moments = ClassMoments.from_state(lesson.state) + _moments(new, lesson.new, last)
        layer = discriminant_layer(moments, lesson.strength.shrinkage)
        kernel, bias = layer.kernel, layer.bias
        features, labels = new, lesson.new.labels
        if lesson.kept is not None and len(lesson.kept):
            features = np.concatenate([features, last.features(lesson.kept.inputs)])
            labels = np.concatenate([labels, lesson.kept.labels])
        scale = scale_of_scores(layer, features, labels)
        if not last.layer.use_bias:
            kernel = kernel + bias * _constant(moments, lesson.strength.shrinkage)[:, None]
            lesson.notes.append(
                f"closed-form: the layer '{last.layer.name}' has no bias; a direction in which all"
                " features agree stands for it"
            )
        last.set_scores(kernel * np.float32(scale), bias * np.float32(scale))
        lesson.notes.append(
            f"closed-form: the last layer follows from {int(moments.counts.sum()):,} rows in all;"
            f" its scores are multiplied by {scale:.2g}, which fits the rows of this lesson best"
        )

    def remember(self, lesson: Lesson) -> State:
        """Returns the sums over all rows so far.

        Where another strategy changed the features, the old rows are summed again; kept rows stand
        for all of them. Without any, nothing is remembered.
        """
        try:
            last = find_last_layer(lesson.network)
        except ConfigError:
            return {}
        tokens = int(lesson.state["tokens"]) if lesson.state else lesson.tokens_before
        moments = _moments(last.features(lesson.new.inputs, lesson.progress), lesson.new, last)
        if lesson.state:
            before = ClassMoments.from_state(lesson.state)
            if not _same_features(last, lesson.state):
                old = lesson.old or lesson.kept
                if old is None or not len(old):
                    return {}
                before = _sum_again(before, last, old, lesson)
                tokens = lesson.tokens_before
            moments = before + moments
        probe = {"probe": last.probe(tokens), "tokens": np.array(tokens)}
        return {**moments.to_state(), **probe}


def _moments(features: FloatArray, rows: LessonRows, last: LastLayer) -> ClassMoments:
    classes = max(2, int(last.layer.kernel.shape[1]))
    return ClassMoments.of(features, rows.labels, classes)


def _same_features(last: LastLayer, state: State) -> bool:
    then, now = state["probe"], last.probe(int(state["tokens"]))
    size = max(float(np.abs(then).max()), 1e-6)
    return then.shape == now.shape and bool(np.abs(then - now).max() <= _SAME * size)


def _sum_again(
    before: ClassMoments, last: LastLayer, old: LessonRows, lesson: Lesson
) -> ClassMoments:
    """Returns the sums over new features; each class counts as many rows as before."""
    found = np.bincount(old.labels, minlength=len(before.counts))
    counts = np.zeros(len(found))
    counts[: len(before.counts)] = before.counts
    counts = np.where(counts > 0, counts, found)
    weights = (counts / np.maximum(found, 1))[old.labels]
    features = last.features(old.inputs, lesson.progress)
    classes = max(len(found), int(last.layer.kernel.shape[1]))
    return ClassMoments.of(features, old.labels, classes, weights)


def _constant(moments: ClassMoments, shrinkage: float) -> FloatArray:
    """Returns the weights ``[d]`` whose sum over the features is closest to 1 in all rows."""
    rows = moments.counts.sum()
    products = moments.products / rows
    size = len(products)
    products[np.diag_indices(size)] += max(shrinkage, 1e-6) * np.trace(products) / size
    weights = np.linalg.solve(products, moments.sums.sum(axis=0) / rows)
    result: FloatArray = weights.astype(np.float32)
    return result


STRATEGY: Strategy = ClosedForm()
