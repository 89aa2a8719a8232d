"""The tutorial's bidirectional LSTM, its units and regularisation as options.

With the defaults: Embedding 10,000x64, BiLSTM 64 with sequences, BiLSTM 32, Dense 24, Dense 1
or one a class.
"""

from __future__ import annotations

import keras

from modelwright.models.heads import classify, rates
from modelwright.models.options import BilstmOptions


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
        x = layers.GlobalMaxPooling1D()(x)
    x = layers.Dense(options.dense, activation="relu")(x)
    for layer in rates(options.dropout, seed=1):
        x = layer(x)
    return keras.Model(inputs, classify(x, classes), name="bilstm")
