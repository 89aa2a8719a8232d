"""Quantization-aware training rounds kernels in the forward pass and keeps their gradient."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from modelwright.core.errors import ServableError
from modelwright.quantization import quantization_aware_training
from modelwright.quantization.quantization_aware_training import fine_tune, rounded_kernel


def test_rounded_kernels_are_integers_times_one_scale_per_channel() -> None:
    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        rounded = rounded_kernel(kernel)
        total = tf.reduce_sum(rounded * 2)
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    integers = np.asarray(rounded) / scale
    np.testing.assert_allclose(integers, np.round(integers), atol=1e-4)
    assert np.abs(rounded - kernel).max() <= scale.max() / 2 + 1e-7
    np.testing.assert_array_equal(tape.gradient(total, kernel), np.full_like(kernel, 2))
    bias = tf.constant([0.1, 0.2])
    assert rounded_kernel(bias) is bias


def test_training_lowers_the_loss_of_the_rounded_network() -> None:
    import keras

    keras.utils.set_random_seed(0)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    inputs = np.random.default_rng(0).normal(size=(512, 4)).astype(np.float32)
    labels = inputs[:, :3].argmax(axis=1)

    def loss() -> float:
        (kernel, bias) = network.trainable_variables
        logits = inputs @ np.asarray(rounded_kernel(kernel.value)) + np.asarray(bias)
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return float(np.mean(losses))

    before = loss()
    quantization_aware_training._train(network, inputs, labels, epochs=5)
    assert loss() < before


def test_a_training_that_fails_is_one_clear_error(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(quantization_aware_training, "run_child", lambda *_, **__: "out of memory")
    with pytest.raises(ServableError, match="fine-tuning the network of .* failed: out of memory."):
        fine_tune(tmp_path, tmp_path / "rows.npz", 1, tmp_path / "out.npz")
