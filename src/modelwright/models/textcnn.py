"""A convolutional network over tokens: the maximum and the sum of each filter over a text.

After Kim, "Convolutional Neural Networks for Sentence Classification" (arXiv:1408.5882). With
``context`` each position also has a context vector, learned from texts without labels
(``context_vectors.py``).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.adaptation import AdaptationData
from modelwright.models.context_vectors import ContextVectors, adapt_context_vectors
from modelwright.models.network_size import check_weight
from modelwright.models.options import TextcnnOptions
from modelwright.models.output_layer import classify, drop_out

_CONTEXT_DEVIATION = 1.0


def build(options: TextcnnOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from int32 token ids ``[n, *shape]``, padded with 0, to probabilities."""
    layers = keras.layers
    inputs = keras.Input(shape, dtype="int32", name="ids")
    check_weight(
        "the embedding",
        (options.vocabulary, options.embedding),
        "Give a smaller model.vocabulary or model.embedding.",
    )
    x = layers.Embedding(options.vocabulary, options.embedding)(inputs)
    # Convolutions drop the mask of Keras. Padding is set to 0 before and after them instead, so
    # that the result does not depend on the amount of padding.
    present = Present(name="present")(inputs)
    x = x * present
    x = drop_out(x, options.dropout / 2, seed=0)
    if options.context:
        context = ContextVectors(
            options.vocabulary,
            options.context,
            options.region,
            dtype="float32",
            name="context_vectors",
        )(inputs)
        x = layers.Concatenate()([x, context])
    pooled = []
    for width in options.widths:
        y = layers.Conv1D(options.filters, width, padding="same", activation="relu")(x)
        pooled.append(Pool(name=f"pool_{width}")([y, present]))
    x = layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    x = drop_out(x, options.dropout, seed=1)
    return keras.Model(inputs, classify(x, classes), name="textcnn")


def adapt(network: keras.Model, options: TextcnnOptions, data: AdaptationData) -> None:
    """Learns the context vectors, if the network has them."""
    if options.context:
        adapt_context_vectors(network, data, _CONTEXT_DEVIATION)


class Present(keras.layers.Layer):
    """Token ids ``[n, length]`` to ``[n, length, 1]``: 1 for a token and 0 for padding."""

    def call(self, ids: Any) -> Any:
        """Returns the ones and zeros."""
        return ops.cast(ops.expand_dims(ops.not_equal(ids, 0), 2), self.compute_dtype)


class Pool(keras.layers.Layer):
    """The values of a convolution, ``[n, length, filters]``, to ``[n, 2 * filters]``.

    The result has the largest value of each filter, and its sum divided by the square root of the
    number of tokens. It is computed in float32: in bfloat16 a sum over a thousand tokens would
    lose most of them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)

    def call(self, inputs: Any) -> Any:
        """Returns the maxima and the scaled sums, concatenated."""
        values, present = inputs
        values = values * present
        count = ops.maximum(ops.sum(present, axis=1), 1)
        scaled = ops.sum(values, axis=1) / ops.sqrt(count)
        return ops.concatenate([ops.max(values, axis=1), scaled], axis=1)
