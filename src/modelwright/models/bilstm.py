"""The tutorial's bidirectional LSTM, its units and regularisation as options.

With the defaults: Embedding 10,000x64, BiLSTM 64 with sequences, BiLSTM 32, Dense 24, Dense 1
or one a class.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.options import BilstmOptions
from modelwright.models.output_layer import classify, rates


def build(options: BilstmOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    layers = keras.layers
    cell = {"lstm": layers.LSTM, "gru": layers.GRU}[options.cell]
    inputs = keras.Input(shape, dtype="int32", name="ids")
    x = layers.Embedding(options.vocabulary, options.embedding, mask_zero=options.masking)(inputs)
    if options.dropout:
        # Whole coordinates of the embedding go, in all of a text's words: a word's own would be
        # guessed from its neighbours'.
        x = layers.SpatialDropout1D(options.dropout, seed=0)(x)
    last = len(options.units) - 1
    for position, units in enumerate(options.units):
        sequences = position < last or options.pooling == "max"
        x = layers.Bidirectional(cell(units, return_sequences=sequences))(x)
    if options.pooling == "max":
        x = Largest(name="largest")(x)
    x = layers.Dense(options.dense, activation="relu")(x)
    for layer in rates(options.dropout, seed=1):
        x = layer(x)
    return keras.Model(inputs, classify(x, classes), name="bilstm")


class Largest(keras.layers.Layer):  # type: ignore[misc]
    """States ``[n, time, units]`` to the largest of each unit, ``[n, units]``.

    Not GlobalMaxPooling1D, which takes no notice of a mask: backwards the states of padding are
    zeros, and an answer would depend on whether there is any.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, states: Any, mask: Any = None) -> Any:
        """The largest, padding left out."""
        if mask is not None:
            states = ops.where(ops.expand_dims(mask, 2), states, -1.0)  # no state is below
        return ops.max(states, axis=1)

    def compute_mask(self, _: Any, mask: Any = None) -> None:
        """None: time is gone."""
