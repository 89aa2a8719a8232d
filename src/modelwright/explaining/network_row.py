"""A row of a network whose gradients can be taken, and what gradient methods share.

The network runs as for a prediction, while the calls of some layers are replaced. So layers of
nested networks and of custom layers are reached too, and no weight changes. Only gradient methods
use this; it needs TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import BoolArray, FloatArray, IntArray
from modelwright.explaining.method import MaskableRow

if TYPE_CHECKING:
    import keras

_SMALLEST = 1e-7


class NetworkRow(MaskableRow, Protocol):
    """A maskable row with the network that answers it."""

    @property
    def network(self) -> keras.Model:
        """The network, from rows as it reads them to probabilities."""

    @property
    def places(self) -> IntArray:
        """The segment of each token ``[length]`` or of each pixel ``[h, w]``; -1 for none."""

    def inputs(self, kept: BoolArray) -> Any:
        """Returns masked inputs as the network reads them: ids ``[n, length]`` or pixels."""


def network_row(row: MaskableRow, method: str) -> NetworkRow:
    """Returns the row if its network gives gradients.

    Raises:
        ConfigError: it has no network, or Keras does not run on TensorFlow.
    """
    if getattr(row, "network", None) is None:
        raise ConfigError(
            f"the method '{method}' needs gradients, which a servable does not give; name the run"
            " that it was exported from, or choose a --method that takes segments out."
        )
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConfigError(
            f"the method '{method}' needs Keras on TensorFlow, and Keras runs on"
            f" {keras.backend.backend()} here; unset KERAS_BACKEND, or choose a --method that"
            " takes segments out."
        )
    if not getattr(row, "runs_on_ids", True):
        raise ConfigError(
            f"the method '{method}' needs the token ids that the network reads, and they are not"
            " known here; choose a --method that takes segments out."
        )
    return cast(NetworkRow, row)


def each_layer(network: keras.Model) -> list[Any]:
    """Returns the layers of a network and of what is nested in it, without the containers."""
    import keras

    layers = network._flatten_layers(include_self=False)
    return [one for one in layers if not isinstance(one, keras.Model | keras.layers.InputLayer)]


@contextmanager
def replaced_calls(calls: Mapping[Any, Callable[..., Any]]) -> Iterator[None]:
    """Replaces the calls of layers. Each new call gets the old one before its arguments."""
    with ExitStack() as stack:
        for layer, new in calls.items():
            layer.call = _bound(new, layer.call)
            stack.callback(delattr, layer, "call")
        yield


def label_log_odds(network: keras.Model, inputs: Any, label: Any) -> Any:
    """Returns the log-odds ``[n]`` of a label, as a tensor with a gradient.

    A confident answer is 1 in float32 and has no gradient. So the last activation, if it is
    sigmoid or softmax, is left out, and the log-odds come from the values before it.

    Args:
        network: from inputs to probabilities.
        inputs: as the network reads them, ``[n, ...]``.
        label: position of the label, a number or a scalar tensor.
    """
    import keras
    import tensorflow as tf

    last = network.layers[-1]
    activation = getattr(last, "activation", None)
    known = (keras.activations.sigmoid, keras.activations.softmax)
    left_out = activation in known
    if left_out:
        last.activation = keras.activations.linear
    try:
        outputs = tf.cast(network(inputs, training=False), "float32")
    finally:
        if left_out:
            last.activation = activation
    if not left_out:
        outputs = tf.math.log(tf.clip_by_value(outputs, _SMALLEST, 1 - _SMALLEST))
        if outputs.shape[1] == 1:
            outputs = outputs - tf.math.log(1 - tf.exp(outputs))
    if outputs.shape[1] == 1:
        return outputs[:, 0] * (2 * tf.cast(label, "float32") - 1)
    chosen = tf.one_hot(label, outputs.shape[1])
    others = tf.where(chosen > 0, tf.float32.min, outputs)
    return tf.reduce_sum(chosen * outputs, axis=1) - tf.reduce_logsumexp(others, axis=1)


def all_kept(row: MaskableRow) -> BoolArray:
    """Returns the mask ``[1, segments]`` that keeps all segments."""
    return np.ones((1, len(row.segments)), bool)


def by_segment(row: NetworkRow, values: FloatArray, *, mean: bool = False) -> FloatArray:
    """Returns the sum, or the mean, of the values of each segment's tokens or pixels."""
    places = np.asarray(row.places)
    inside, count = places >= 0, len(row.segments)
    sums = np.bincount(places[inside], np.asarray(values, np.float64)[inside], minlength=count)
    sizes = np.bincount(places[inside], minlength=count) if mean else np.ones(count)
    return np.asarray(sums / np.maximum(sizes, 1), np.float32)


def _bound(new: Callable[..., Any], old: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return new(old, *args, **kwargs)

    return call
