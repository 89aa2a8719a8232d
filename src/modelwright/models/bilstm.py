"""The tutorial's bidirectional LSTM, with its units and regularization as options.

With the defaults: Embedding 10,000x64, BiLSTM 64 with sequences, BiLSTM 32, Dense 24, then Dense
with one unit for each class, or a single one for two classes.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.network_size import check_weight
from modelwright.models.options import BilstmOptions
from modelwright.models.output_layer import classify, drop_out


def build(options: BilstmOptions, shape: tuple[int | None, ...], classes: int) -> keras.Model:
    """Returns a network from int32 token ids ``[n, *shape]``, padded with 0, to probabilities."""
    layers = keras.layers
    cell = {"lstm": layers.LSTM, "gru": layers.GRU}[options.cell]
    inputs = keras.Input(shape, dtype="int32", name="ids")
    check_weight(
        "the embedding",
        (options.vocabulary, options.embedding),
        "Give a smaller model.vocabulary or model.embedding.",
    )
    x = layers.Embedding(options.vocabulary, options.embedding, mask_zero=options.masking)(inputs)
    if options.dropout:
        # Drops whole coordinates, the same in all words of a text: a coordinate of one word
        # could be guessed from its neighbors.
        x = layers.SpatialDropout1D(options.dropout, seed=0)(x)
    if shape == (None,) and not options.masking:
        x = _without_mask(x, inputs, options, cell)
    else:
        last = len(options.units) - 1
        for position, units in enumerate(options.units):
            sequences = position < last or options.pooling == "max"
            x = layers.Bidirectional(cell(units, return_sequences=sequences))(x)
        if options.pooling == "max":
            x = Largest(name="largest")(x)
    x = layers.Dense(options.dense, activation="relu")(x)
    x = drop_out(x, options.dropout, seed=1)
    return keras.Model(inputs, classify(x, classes), name="bilstm")


def _without_mask(x: Any, ids: Any, options: BilstmOptions, cell: Any) -> Any:
    """Returns the output of the recurrent layers for rows of any length, padded or not.

    A mask would make each step slower, and ONNX has none. Instead the padding always comes last,
    where it cannot reach the steps before it.
    """
    lengths = ops.sum(ops.cast(ops.not_equal(ids, 0), "int32"), axis=1, keepdims=True)
    ends = ops.maximum(lengths, 1) - 1
    steps = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    turned = ops.where(steps <= ends, ends - steps, steps)
    for position, units in enumerate(options.units):
        last = position == len(options.units) - 1 and options.pooling == "last"
        layer = BothDirections(cell, units, last=last, name=f"both_directions_{position}")
        x = layer([x, turned, ends])
    return Largest(name="largest")(x, mask=ops.not_equal(ids, 0)) if options.pooling == "max" else x


class BothDirections(keras.layers.Layer):
    """``keras.layers.Bidirectional`` of rows with padding at the end, without a mask.

    It has the same weights in the same order, and needs TensorFlow. Its inputs are the values, the
    position from which each position of the turned rows comes, and that of the last token.
    """

    def __init__(self, cell: Any, units: int, *, last: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.forward = cell(units, return_sequences=True)
        self.backward = cell(units, return_sequences=True)
        self.units = units
        self.last = last

    def build(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Builds the layers of both directions."""
        self.forward.build(shapes[0])
        self.backward.build(shapes[0])

    def call(self, inputs: list[Any]) -> Any:
        """Returns the states ``[n, time, 2 * units]``, or the last states ``[n, 2 * units]``."""
        import tensorflow as tf

        values, turned, ends = inputs
        # The converter to ONNX would take reverse_sequence for a reversal with the padding.
        forward = self.forward(values)
        backward = self.backward(tf.gather(values, turned, batch_dims=1))
        if self.last:
            both = ops.concatenate([forward, backward], axis=2)
            return tf.gather(both, ends, batch_dims=1)[:, 0]
        return ops.concatenate([forward, tf.gather(backward, turned, batch_dims=1)], axis=2)

    def compute_output_shape(self, shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Returns the shape of the states."""
        rows, time = shapes[0][:2]
        return (rows, 2 * self.units) if self.last else (rows, time, 2 * self.units)


class Largest(keras.layers.Layer):
    """States ``[n, time, units]`` to the largest value of each unit, ``[n, units]``.

    GlobalMaxPooling1D would not do, because it ignores the mask: the backward states of padding
    are zeros, so the result would depend on whether there is padding.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, states: Any, mask: Any = None) -> Any:
        """Returns the largest values, without those of padding."""
        if mask is not None:
            states = ops.where(ops.expand_dims(mask, 2), states, -1.0)  # no state is lower
        return ops.max(states, axis=1)

    def compute_mask(self, _: Any, mask: Any = None) -> None:
        """Returns None: the result has no time axis."""
