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


def build(options: BilstmOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
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
    last = len(options.units) - 1
    for position, units in enumerate(options.units):
        sequences = position < last or options.pooling == "max"
        x = layers.Bidirectional(cell(units, return_sequences=sequences))(x)
    if options.pooling == "max":
        x = Largest(name="largest")(x)
    x = layers.Dense(options.dense, activation="relu")(x)
    x = drop_out(x, options.dropout, seed=1)
    return keras.Model(inputs, classify(x, classes), name="bilstm")


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
