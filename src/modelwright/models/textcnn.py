"""A convolutional network over tokens: what is strongest, and what is usual, in short runs.

After Kim, "Convolutional Neural Networks for Sentence Classification" (arXiv:1408.5882). With
``context`` each place also has a vector that says what usually surrounds it, learned from texts
without labels first (``surroundings.py``).
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.adaptation import Given
from modelwright.models.context_vectors import Surroundings, learn
from modelwright.models.options import TextcnnOptions
from modelwright.models.output_layer import classify, rates


def build(options: TextcnnOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    layers = keras.layers
    inputs = keras.Input(shape, dtype="int32", name="ids")
    x = layers.Embedding(options.vocabulary, options.embedding)(inputs)
    # Not Keras' mask, which convolutions drop: what is padding is 0 before and after them, so
    # that an answer does not depend on how far a text is padded.
    there = Places(name="places")(inputs)
    x = x * there
    for layer in rates(options.dropout / 2, seed=0):
        x = layer(x)
    if options.context:
        around = Surroundings(
            options.vocabulary,
            options.context,
            options.region,
            dtype="float32",
            name="surroundings",
        )(inputs)
        x = layers.Concatenate()([x, around])
    found = []
    for width in options.widths:
        y = layers.Conv1D(options.filters, width, padding="same", activation="relu")(x)
        found.append(Pool(name=f"pool_{width}")([y, there]))
    x = layers.Concatenate()(found) if len(found) > 1 else found[0]
    for layer in rates(options.dropout, seed=1):
        x = layer(x)
    return keras.Model(inputs, classify(x, classes), name="textcnn")


def adapt(network: keras.Model, options: TextcnnOptions, given: Given) -> None:
    """Learn what surrounds a place from the training rows and from texts without labels."""
    if options.context:
        parts = [given.rows, *([given.unlabelled] if given.unlabelled else [])]
        learn(network.get_layer("surroundings"), parts, 1.0, given.progress)


class Places(keras.layers.Layer):  # type: ignore[misc]
    """Ids ``[n, length]`` to ``[n, length, 1]``, 1 where there is a token and 0 for padding."""

    def call(self, ids: Any) -> Any:
        """The places."""
        return ops.cast(ops.expand_dims(ops.not_equal(ids, 0), 2), self.compute_dtype)


class Pool(keras.layers.Layer):  # type: ignore[misc]
    """What a convolution found, ``[n, length, filters]``, to ``[n, 2 * filters]``.

    The largest value of each filter, and the sum over the root of the number of tokens. In
    float32: a sum over a thousand tokens in bfloat16 loses most of them.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)

    def call(self, inputs: Any) -> Any:
        """Both, side by side."""
        found, there = inputs
        found = found * there
        count = ops.maximum(ops.sum(there, axis=1), 1)
        usual = ops.sum(found, axis=1) / ops.sqrt(count)
        return ops.concatenate([ops.max(found, axis=1), usual], axis=1)
