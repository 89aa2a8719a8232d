"""The variables of a compiled network before its first step."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from modelwright.training import optimizers


@pytest.mark.parametrize(("classes", "smoothing"), [(2, 0.0), (3, 0.0), (3, 0.1)])
def test_a_step_is_traced_once_and_the_metrics_count_only_the_rows(
    classes: int, smoothing: float
) -> None:
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])
    network.compile(
        keras.optimizers.Adam(0.0), optimizers.build_loss(network, smoothing), metrics=["accuracy"]
    )
    inputs = np.random.default_rng(0).normal(size=(32, 4)).astype(np.float32)
    labels = np.arange(32) % classes
    targets = optimizers.loss_targets(labels, units, smoothing)
    optimizers.create_variables(network, targets)
    traced = 0
    step = network.train_step

    def counting(batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        nonlocal traced
        traced += 1
        return dict(step(batch))

    network.train_step = counting
    metrics = network.fit(inputs, targets, batch_size=8, verbose=0).history
    assert traced == 1
    outputs = network.predict(inputs, verbose=0)
    right = (outputs[:, 0] > 0.5) == labels if units == 1 else outputs.argmax(1) == labels
    assert metrics["accuracy"] == [pytest.approx(right.mean())]
    assert len(metrics["loss"]) == 1
