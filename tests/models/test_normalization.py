from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from modelwright.models.normalization import BatchNormalization

OPTIONS = [{"momentum": 0.9}, {"momentum": 0.6, "scale": False}, {"center": False}]
SHAPES = [(6, 5, 4, 3), (2, 1, 1, 3), (7, 3)]


def steps(kind: type[keras.layers.Layer], options: dict, shape: tuple[int, ...]) -> list:
    """Returns outputs, gradients and weights of three training steps, and an output afterward."""
    layer = kind(epsilon=1e-3, **options)
    random = np.random.default_rng(0)
    found = []
    layer.build(shape)
    layer.moving_mean.assign(keras.ops.full(shape[-1:], 0.5))  # as after some training
    for _ in range(3):
        given = tf.Variable(random.normal(2, 3, shape).astype(np.float32))
        wanted = random.normal(0, 1, shape).astype(np.float32)
        with tf.GradientTape() as tape:
            answers = layer(given, training=True)
            loss = tf.reduce_sum(answers * wanted)
        variables = [variable.value for variable in layer.trainable_variables]
        found += [answers, *tape.gradient(loss, [given, *variables])]
        for variable in layer.trainable_variables:
            variable.assign(variable + 0.3)
    return [np.asarray(one) for one in (*found, *layer.get_weights(), layer(given))]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("options", OPTIONS)
def test_it_equals_the_layer_of_keras_up_to_rounding(options: dict, shape: tuple[int, ...]) -> None:
    ours = steps(BatchNormalization, options, shape)
    theirs = steps(keras.layers.BatchNormalization, options, shape)
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5, rtol=2e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_moving_averages_begin_with_the_first_batch(shape: tuple[int, ...]) -> None:
    layer = BatchNormalization(momentum=0.9)
    given = np.random.default_rng(0).normal(2, 3, shape).astype(np.float32)
    axes = tuple(range(len(shape) - 1))
    mean, variance = given.mean(axes), given.var(axes)
    layer(given, training=True)
    np.testing.assert_allclose(layer.moving_mean, mean, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(layer.moving_variance, variance, rtol=1e-3, atol=1e-3)
    layer(given + 1, training=True)
    np.testing.assert_allclose(layer.moving_mean, mean + 0.1, rtol=1e-3, atol=1e-3)


def operations(layer: keras.layers.Layer, dtype: str, shape: tuple[int | None, ...]) -> set[str]:
    step = tf.function(lambda given: layer(given, training=True))
    graph = step.get_concrete_function(tf.TensorSpec(shape, dtype)).graph
    return {operation.type for operation in graph.get_operations()}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_training_step_of_images_is_one_operation(dtype: str) -> None:
    policy = "float32" if dtype == "float32" else "mixed_bfloat16"
    layer = BatchNormalization(dtype=policy)
    layer.build((None, 4, 4, 3))
    found = operations(layer, dtype, (None, 4, 4, 3))
    assert "FusedBatchNormV3" in found
    assert not found & {"SquaredDifference", "Mean", "Rsqrt"}


def test_frozen_layers_and_other_ranks_use_keras() -> None:
    frozen = BatchNormalization(trainable=False)
    frozen.build((None, 4, 4, 3))
    assert "FusedBatchNormV3" not in operations(frozen, "float32", (None, 4, 4, 3))
    flat = BatchNormalization()
    flat.build((None, 3))
    assert "FusedBatchNormV3" not in operations(flat, "float32", (None, 3))
