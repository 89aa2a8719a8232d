"""The strategy closed-form: sums that add up, and the layer that follows from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tiny_tasks
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.answers import answers
from modelwright.learning.class_moments import ClassMoments
from modelwright.learning.closed_form import STRATEGY
from modelwright.learning.discriminant import discriminant_layer, scale_of_scores
from modelwright.learning.growth import grow_network
from modelwright.learning.joined_rows import join
from modelwright.learning.last_layer import find_last_layer
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.models.builders import build_network
from modelwright.models.logistic_regression import LogisticFit
from modelwright.training.batches import TokenIds

CNN = ModelConfig(
    builder="textcnn",
    options={"vocabulary": 12, "length": 4, "embedding": 8, "widths": [1], "filters": 24},
)


def clusters(rows: int, classes: int, size: int = 5, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    centers = np.random.default_rng(9).normal(0, 2, (classes, size))
    return (centers[labels] + random.normal(size=(rows, size))).astype(np.float32), labels


def test_the_layer_is_that_of_scikit_learn() -> None:
    features, labels = clusters(200, 3)
    layer = discriminant_layer(ClassMoments.of(features, labels, 3), shrinkage=0.0)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=None).fit(
        features, labels
    )
    # scikit-learn divides the pooled covariance by the rows, not by the degrees of freedom.
    ours = layer.probabilities(features)
    np.testing.assert_allclose(ours, theirs.predict_proba(features), atol=0.01)
    assert (ours.argmax(axis=1) == theirs.predict(features)).all()


@pytest.mark.parametrize("seed", range(5))
def test_sums_of_lessons_in_any_order_are_those_of_one_lesson(seed: int) -> None:
    features, labels = clusters(120, 4, seed=seed)
    whole = ClassMoments.of(features, labels, 4)
    random = np.random.default_rng(seed)
    order, cuts = random.permutation(120), np.sort(random.integers(0, 120, 3))
    parts = np.split(order, cuts)
    total = ClassMoments.of(features[:0], labels[:0], 2)
    for part in parts:
        known = int(labels[part].max(initial=1)) + 1
        total = ClassMoments.of(features[part], labels[part], known) + total
    again = ClassMoments.from_state(total.to_state())
    for one in (total, again):
        np.testing.assert_allclose(one.counts, whole.counts)
        np.testing.assert_allclose(one.sums, whole.sums, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(one.products, whole.products, rtol=1e-9, atol=1e-9)


def test_a_weight_stands_for_as_many_rows() -> None:
    features, labels = clusters(30, 2)
    twice = ClassMoments.of(np.tile(features, (2, 1)), np.tile(labels, 2), 2)
    weighted = ClassMoments.of(features, labels, 2, np.full(30, 2.0))
    np.testing.assert_allclose(weighted.sums, twice.sums)
    np.testing.assert_allclose(weighted.products, twice.products)


def test_a_class_without_rows_is_never_chosen_and_one_row_is_enough() -> None:
    features, labels = clusters(60, 3)
    labels = np.where(labels == 1, 3, labels)
    layer = discriminant_layer(ClassMoments.of(features, labels, 4), 0.01)
    found = layer.probabilities(100 * np.random.default_rng(0).normal(size=(500, 5)))
    assert found[:, 1].max() <= 0.01
    assert set(found.argmax(axis=1)) == {0, 2, 3}
    once = np.concatenate([features[labels != 3], features[labels == 3][:1]])
    names = np.append(labels[labels != 3], 3)
    layer = discriminant_layer(ClassMoments.of(once, names, 4), 0.01)
    assert layer.probabilities(once[-1:]).argmax() == 3


def test_more_features_than_rows_and_features_that_do_not_vary() -> None:
    features, labels = clusters(8, 2, size=40)
    layer = discriminant_layer(ClassMoments.of(features, labels, 2), 0.01)
    assert (layer.probabilities(features).argmax(axis=1) == labels).all()
    same = np.ones((6, 3), np.float32)
    layer = discriminant_layer(ClassMoments.of(same, np.arange(6) % 2, 2), 0.01)
    np.testing.assert_allclose(layer.probabilities(same), 0.5)
    with pytest.raises(ConfigError, match="only 1 of 2 classes has rows"):
        discriminant_layer(ClassMoments.of(same, np.zeros(6, np.int64), 2), 0.01)


def test_scores_that_are_too_sure_are_scaled_down() -> None:
    features, labels = clusters(400, 2)
    layer = discriminant_layer(ClassMoments.of(features, labels, 2), 0.01)
    sure = LogisticFit(10 * layer.kernel, 10 * layer.bias)
    right = scale_of_scores(layer, features, labels)
    assert scale_of_scores(sure, features, labels) == pytest.approx(right / 10, rel=0.1)


def right(network: Any, rows: LessonRows) -> float:
    return float((answers(network, rows).argmax(axis=1) == rows.labels).mean())


def random_network(classes: int) -> Any:
    keras.utils.set_random_seed(3)
    network = build_network(CNN, (4,), classes)
    for layer in network.layers[:-1]:  # features of fresh weights hardly differ
        layer.set_weights([3 * weight for weight in layer.get_weights()])
    return network


def texts(classes: int, rows: int, seed: int = 0) -> LessonRows:
    """Texts of which the first token says the class."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, rows)
    ids = random.integers(6, 12, (rows, 4)).astype(np.int32)
    ids[:, 0] = 2 + labels
    return LessonRows(TokenIds(ids), labels.astype(np.int64))


def lesson(network: Any, model: ModelConfig, new: LessonRows, **given: Any) -> Lesson:
    return Lesson(network, lambda: network, model, tiny_tasks.TRAIN, new, tokens_before=12, **given)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_in_any_number_of_lessons_what_it_learns_in_one(classes: int) -> None:
    first, second = texts(classes, 90), texts(classes, 60, seed=1)
    network = random_network(classes)
    one = lesson(network, CNN, second, state=STRATEGY.remember(lesson(network, CNN, first)))
    STRATEGY.learn(one)
    assert right(network, first) > 0.9
    assert "follows from 150 rows" in one.notes[-1]
    weights, features = network.layers[-1].get_weights(), network.get_weights()[:-2]
    both = STRATEGY.remember(lesson(network, CNN, join([second, first])))
    in_two = STRATEGY.remember(one)
    for key, value in both.items():
        np.testing.assert_allclose(in_two[key], value, rtol=1e-5, atol=1e-5)
    STRATEGY.learn(lesson(network, CNN, first, state=STRATEGY.remember(
        lesson(network, CNN, second))))  # fmt: skip
    assert (answers(network, first).argmax(axis=1) == first.labels).mean() > 0.9
    for before, after in zip(features, network.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(before, after)
    assert weights[0].shape == network.layers[-1].get_weights()[0].shape


def test_a_new_class_is_learned_after_growth_and_the_features_are_known_again() -> None:
    names, first = ["a", "b", "c"], texts(2, 90)
    network = random_network(2)
    state = STRATEGY.remember(lesson(network, CNN, first))
    grown = grow_network(
        network, CNN, labels_before=names[:2], labels=names, tokens_before=12, tokens=14
    )
    new = texts(3, 90, seed=2)
    STRATEGY.learn(lesson(grown.network, grown.model, new, state=state))
    assert right(grown.network, texts(3, 90, seed=3)) > 0.9


def test_changed_features_are_noticed_and_summed_again_from_kept_rows() -> None:
    first, second = texts(2, 90), texts(2, 40, seed=1)
    network = random_network(2)
    state = STRATEGY.remember(lesson(network, CNN, first))
    for layer in network.layers[:-1]:
        layer.set_weights([weight * 1.3 for weight in layer.get_weights()])
    with pytest.raises(ConfigError, match="features that the network no longer has"):
        STRATEGY.learn(lesson(network, CNN, second, state=state))
    assert STRATEGY.remember(lesson(network, CNN, second, state=state)) == {}
    few = LessonRows(TokenIds(first.inputs.take(np.arange(30))), first.labels[:30])
    again = STRATEGY.remember(lesson(network, CNN, second, state=state, kept=few))
    expected = np.bincount(first.labels) + np.bincount(second.labels)
    np.testing.assert_allclose(again["counts"], expected)
    STRATEGY.learn(lesson(network, CNN, second, state=again))
    with pytest.raises(ConfigError, match="needs its sums over the old rows"):
        STRATEGY.learn(lesson(network, CNN, second))


def test_a_layer_without_a_bias_gets_one_from_the_features() -> None:
    model = ModelConfig(builder="whitened", options={"widths": [6, 8]})
    network = build_network(model, (12, 12, 3), 3)
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = random.integers(0, 60, (60, 12, 12, 3))
    images[np.arange(60), :, :, labels] += 150
    rows = LessonRows(_Images(images.astype(np.uint8)), labels)  # type: ignore[arg-type]
    one = replace(lesson(network, model, rows), tokens_before=0)
    STRATEGY.learn(replace(one, state=STRATEGY.remember(one)))
    assert "has no bias" in one.notes[0]
    assert right(network, rows) > 0.9


class _Images:
    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: Any) -> Any:
        return self.array[indices]


def test_networks_without_one_last_layer_are_refused() -> None:
    assert "take counts" in STRATEGY.unfit(ModelConfig(builder="ngrams"))
    assert "mean of two networks" in STRATEGY.unfit(ModelConfig(builder="committee"))
    assert STRATEGY.unfit(CNN) == ""
    options = {"vocabulary": 12, "buckets": 512, "length": 4, "filters": 3}
    model = ModelConfig(builder="committee", options=options)
    network = build_network(model, (4,), 2)
    assert STRATEGY.remember(lesson(network, model, texts(2, 9))) == {}
    with pytest.raises(ConfigError, match="expected one Dense layer at its end"):
        find_last_layer(network)
