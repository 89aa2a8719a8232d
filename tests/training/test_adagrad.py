from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import TrainConfig
from modelwright.training import optimizers
from modelwright.training.adagrad import Adagrad

IDS = np.random.default_rng(0).integers(0, 5, (16, 6)).astype(np.int32)
TARGETS = (IDS[:, :1] > 2).astype(np.float32)


def trained(optimizer: Any, *, rows: bool = True) -> Any:
    """Returns the weights of a table before and after a training.

    The table is an embedding, or a product with one-hot vectors that gives no gradient by rows.
    """
    keras.utils.set_random_seed(0)
    table = keras.layers.Embedding(9, 3) if rows else keras.layers.Dense(3, use_bias=False)
    inputs = IDS if rows else np.eye(9, dtype=np.float32)[IDS]
    layers = [table, keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    network = keras.Sequential([keras.Input(inputs.shape[1:]), *layers])
    before = np.linspace(-1, 1, 27, dtype=np.float32).reshape(9, 3)
    last = np.linspace(1, -1, 18, dtype=np.float32).reshape(18, 1)
    network.set_weights([before, last, np.zeros(1, np.float32)])
    network.compile(optimizer, "binary_crossentropy", jit_compile=False)
    network.fit(inputs, TARGETS, batch_size=4, epochs=3, shuffle=False, verbose=0)
    return before, network.get_weights()[0]


def test_updates_by_rows_equal_those_of_keras_for_the_whole_table() -> None:
    options = {"learning_rate": 0.1, "initial_accumulator_value": 1e-3}
    _, by_rows = trained(Adagrad(**options))
    _, expected = trained(keras.optimizers.Adagrad(**options), rows=False)
    np.testing.assert_allclose(by_rows, expected, rtol=1e-4, atol=1e-6)


def test_rows_that_no_step_reads_do_not_change() -> None:
    before, after = trained(Adagrad(0.1))
    np.testing.assert_array_equal(before[5:], after[5:])
    assert (before[:5] != after[:5]).any(axis=1).all()


def test_the_first_step_equals_a_hand_computed_one() -> None:
    """A row that was read twice is updated once, by the sum of its gradients."""
    optimizer = optimizers.build_optimizer(TrainConfig(optimizer="adagrad", learning_rate=0.5), 10)
    assert isinstance(optimizer, Adagrad)
    table = keras.Variable(np.zeros((4, 2), np.float32))
    optimizer.build([table])
    tf = pytest.importorskip("tensorflow")
    twice = tf.IndexedSlices(tf.constant([[3.0, 0.0], [1.0, -2.0]]), tf.constant([2, 2]), (4, 2))
    optimizer.apply([twice], [table])
    expected = np.zeros((4, 2))
    expected[2] = [-0.5, 0.5]
    np.testing.assert_allclose(np.asarray(table), expected, rtol=1e-4)
