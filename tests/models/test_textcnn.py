from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, build_network
from modelwright.models.textcnn import Pool
from modelwright.training.batches import TokenIds

OPTIONS = {"vocabulary": 20, "length": 12, "embedding": 4, "filters": 6, "dropout": 0.0}
IDS = np.random.default_rng(0).integers(2, 20, (24, 12)).astype(np.int32)


def textcnn(classes: int = 2, length: int | None = 12, **options: Any) -> Any:
    config = ModelConfig(builder="textcnn", options={**OPTIONS, **options})
    keras.utils.set_random_seed(0)
    return build_network(config, (length,), classes)


def adapted(unlabelled: Any = None, **options: Any) -> Any:
    config = ModelConfig(builder="textcnn", options={**OPTIONS, **options})
    network = textcnn(**options)
    given = AdaptationData(TokenIds(IDS), np.zeros(len(IDS), np.int64), unlabelled)  # type: ignore[arg-type]
    adapt_network(config, network, given)
    return network


def test_the_pool_by_hand() -> None:
    found = np.array([[[1.0, -2.0], [3.0, 0.5], [7.0, 7.0]]], np.float32)
    there = np.array([[[1.0], [1.0], [0.0]]], np.float32)
    expected = [[3, 0.5, 4 / 2**0.5, -1.5 / 2**0.5]]
    np.testing.assert_allclose(np.asarray(Pool()([found, there])), expected, rtol=1e-6)


@pytest.mark.parametrize("context", [0, 3])
def test_padding_does_not_change_the_output(context: int) -> None:
    network = textcnn(context=context, widths=[2, 3, 4])
    longer = textcnn(length=None, context=context, widths=[2, 3, 4])
    longer.set_weights(network.get_weights())
    short = np.pad(IDS[:, :7], ((0, 0), (0, 5)))
    expected = network.predict(short, verbose=0)
    for rows in (IDS[:, :7], np.pad(IDS[:, :7], ((0, 0), (0, 40)))):
        np.testing.assert_allclose(longer.predict(rows, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_it_learns_a_token_at_any_position(classes: int) -> None:
    random = np.random.default_rng(1)
    labels = random.integers(0, classes, 300)
    ids = random.integers(6, 20, (300, 12)).astype(np.int32)
    ids[np.arange(300), random.integers(0, 12, 300)] = 2 + labels
    network = textcnn(classes)
    loss = "binary_crossentropy" if classes == 2 else "sparse_categorical_crossentropy"
    network.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"], jit_compile=False)
    network.fit(ids, labels[:, None], epochs=8, batch_size=32, verbose=0)
    assert network.evaluate(ids, labels[:, None], verbose=0)[1] > 0.95


@pytest.mark.parametrize(
    ("option", "value"),
    [("embedding", 5), ("filters", 7), ("widths", [3, 4]), ("context", 2), ("vocabulary", 30)],
)
def test_options_show_in_the_number_of_weights(option: str, value: Any) -> None:
    assert textcnn(**{option: value}).count_params() != textcnn().count_params()


def test_context_vectors_are_learned_before_the_training_and_frozen() -> None:
    plain = textcnn(context=3)
    network = adapted(context=3)
    before = network.get_layer("context_vectors").get_weights()
    assert not np.array_equal(before[0], plain.get_layer("context_vectors").get_weights()[0])
    wider = adapted(context=3, region=3).get_layer("context_vectors").get_weights()
    assert not np.array_equal(before[0], wider[0]), "the sums of other regions are scaled alike"
    more = adapted(TokenIds(IDS[::-1] + 0), context=3).get_layer("context_vectors").get_weights()
    assert not np.array_equal(before[0], more[0]), "texts without labels teach it too"
    network.compile("adam", "binary_crossentropy", jit_compile=False)
    network.fit(IDS, np.ones((24, 1)), verbose=0)
    for old, new in zip(before, network.get_layer("context_vectors").get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_dropout_affects_training() -> None:
    for rate, alike in ((0.0, True), (0.5, False)):
        network = textcnn(dropout=rate)
        found = [np.asarray(network(IDS, training=True)) for _ in range(2)]
        assert np.array_equal(*found) is alike
