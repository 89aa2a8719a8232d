from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, build_network
from modelwright.models.regions import Regions
from modelwright.training.batches import TokenIds

OPTIONS = {"vocabulary": 20, "length": 12, "filters": 6, "dropout": 0.0}
IDS = np.random.default_rng(0).integers(2, 20, (24, 12)).astype(np.int32)


def regions(classes: int = 2, length: int | None = 12, **options: Any) -> Any:
    config = ModelConfig(builder="regions", options={**OPTIONS, **options})
    keras.utils.set_random_seed(0)
    return build_network(config, (length,), classes)


def adapted(unlabelled: Any = None, **options: Any) -> Any:
    config = ModelConfig(builder="regions", options={**OPTIONS, **options})
    network = regions(**options)
    given = AdaptationData(TokenIds(IDS), np.zeros(len(IDS), np.int64), unlabelled)  # type: ignore[arg-type]
    adapt_network(config, network, given)
    return network


@pytest.mark.parametrize("training", [False, True])
def test_the_largest_region_by_hand(training: bool) -> None:
    layer = Regions(4, 2, 3)
    # By place and token: padding, unknown, two words; two filters.
    before = [[0, 1], [0, 0], [1, 0], [0, 0]]
    here = [[0, 0], [0, 0], [2, -1], [3, 0]]
    after = [[0, 0], [0, 0], [0, 0], [4, -5]]
    layer.tables.assign(np.array([*before, *here, *after], np.float32))
    layer.bias.assign([0.5, 0.25])
    found = layer(
        [np.array([[2, 3, 0, 0], [3, 2, 0, 0], [0, 0, 0, 0]], np.int32)], training=training
    )
    # 2 3: about 2 stand padding, 2, 3: 0.5 + 2 + 4 and 0.25 + 1 - 1 - 5; about 3 stand 2, 3 and
    # padding: 0.5 + 1 + 3 and 0.25. 3 2: about 3 0.5 + 3 and 0.25 + 1, about 2 0.5 + 2 and
    # 0.25 - 1. Of no tokens nothing is found.
    np.testing.assert_allclose(np.asarray(found), [[6.5, 0.25], [3.5, 1.25], [0, 0]])


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("training", [False, True])
def test_it_is_a_convolution_over_one_hot_vectors(width: int, training: bool) -> None:
    layer = Regions(20, 5, width, 3)
    random = np.random.default_rng(width)
    around = random.normal(size=(4, 9, 3)).astype(np.float32)
    ids = random.integers(2, 20, (4, 9)).astype(np.int32)
    found = np.asarray(layer([ids, around], training=training))
    before = (width - 1) // 2
    hot = np.eye(20, dtype=np.float32)[np.pad(ids, ((0, 0), (before, width - 1 - before)))]
    kernel = np.asarray(layer.tables).reshape(width, 20, 5)
    values = np.asarray(keras.ops.conv(hot, kernel)) + around @ np.asarray(layer.mix)
    np.testing.assert_allclose(found, np.maximum(values.max(axis=1), 0), rtol=1e-4, atol=1e-6)


def test_its_gradients_are_those_of_the_maximum() -> None:
    tf = pytest.importorskip("tensorflow")
    layer = Regions(20, 5, 3, 3)
    around = np.random.default_rng(0).normal(size=(24, 12, 3)).astype(np.float32)
    found = []
    for training in (True, False):
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer([IDS, around], training=training) ** 2)
        weights = [weight.value for weight in layer.trainable_weights]
        found.append([tf.convert_to_tensor(g) for g in tape.gradient(total, weights)])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("context", [0, 3])
def test_padding_does_not_change_the_output(context: int) -> None:
    network = regions(context=context, width=4)
    longer = regions(length=None, context=context, width=4)
    longer.set_weights(network.get_weights())
    short = np.pad(IDS[:, :7], ((0, 0), (0, 5)))
    expected = network.predict(short, verbose=0)
    for rows in (IDS[:, :7], np.pad(IDS[:, :7], ((0, 0), (0, 40)))):
        np.testing.assert_allclose(longer.predict(rows, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_two_tokens_in_a_row(classes: int) -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, 300)
    ids = random.integers(8, 20, (300, 12)).astype(np.int32)
    place = random.integers(0, 11, 300)
    ids[np.arange(300), place] = 2 + labels
    ids[np.arange(300), place + 1] = 2 + (labels + 1) % classes
    network = regions(classes)
    loss = "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
    network.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"], jit_compile=False)
    network.fit(ids, labels[:, None], epochs=12, batch_size=32, verbose=0)
    assert network.evaluate(ids, labels[:, None], verbose=0)[1] > 0.95


@pytest.mark.parametrize(
    ("option", "value"), [("filters", 7), ("width", 4), ("context", 2), ("known", 9)]
)
def test_options_show_in_the_number_of_weights(option: str, value: Any) -> None:
    assert regions(**{option: value}).count_params() != regions().count_params()


def test_other_ids_are_unknown_tokens() -> None:
    network = regions(known=8)
    others = np.where(IDS < 8, IDS, 1)
    np.testing.assert_array_equal(
        network.predict(IDS, verbose=0), network.predict(others, verbose=0)
    )


def test_context_vectors_are_learned_before_the_training_and_frozen() -> None:
    plain = regions(context=3, known=9)
    network = adapted(context=3, known=9)
    layer = network.get_layer("context_vectors")
    before = layer.get_weights()
    assert not np.array_equal(before[0], plain.get_layer("context_vectors").get_weights()[0])
    vectors = np.asarray(layer(np.where(IDS < 9, IDS, 1)))
    assert vectors.std() == pytest.approx(0.25, rel=1e-3)
    more = (
        adapted(TokenIds(IDS[::-1] + 0), context=3, known=9)
        .get_layer("context_vectors")
        .get_weights()
    )
    assert not np.array_equal(before[0], more[0]), "texts without labels teach it too"
    network.compile("adam", "binary_crossentropy", jit_compile=False)
    network.fit(IDS, np.ones((24, 1)), verbose=0)
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_dropout_affects_training() -> None:
    for rate, alike in ((0.0, True), (0.5, False)):
        network = regions(dropout=rate)
        found = [np.asarray(network(IDS, training=True)) for _ in range(2)]
        assert np.array_equal(*found) is alike
