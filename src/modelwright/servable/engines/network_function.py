"""A Keras network as a TensorFlow function: what the SavedModel and all converters write.

Needs TensorFlow; import it only where a graph is built.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def network_probabilities(network: keras.Model, rows: Any) -> Any:
    """Returns the network's probabilities of prepared rows, float32 ``[n, classes]``."""
    outputs = tf.cast(network(rows, training=False), tf.float32)
    return tf.concat([1 - outputs, outputs], axis=1) if outputs.shape[-1] == 1 else outputs


def network_input(network: keras.Model, batch: int | None = None) -> tf.TensorSpec:
    """Returns the spec of the network's input: ids ``[n, length]`` or pixels ``[n, h, w, c]``.

    Args:
        network: one of the networks of ``models``.
        batch: the fixed number of rows; None for any number.
    """
    name = "ids" if len(network.input_shape) == 2 else "pixels"
    return tf.TensorSpec([batch, *network.input_shape[1:]], network.inputs[0].dtype, name=name)
