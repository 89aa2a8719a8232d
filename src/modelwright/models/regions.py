"""A convolution over one-hot vectors: a weight for each token, place in the region and filter.

After Johnson and Zhang, "Effective Use of Word Order for Text Categorization with Convolutional
Neural Networks" (arXiv:1412.1058): no embedding stands between a token and the filters. With
``context`` each region also has a vector that says what usually surrounds it, learned from texts
without labels first (arXiv:1504.01255; ``surroundings.py``). Learns by ``adagrad``: it moves a rare
token's weights as far in its few steps as a frequent one's in many.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.adaptation import Given
from modelwright.models.context_vectors import UNKNOWN, Surroundings, learn
from modelwright.models.options import RegionsOptions
from modelwright.models.output_layer import classify, rates

_SPREAD = 0.01
_NEVER = -1e9
# Of the vectors of surroundings: AdaGrad moves their weights by its rate, however large they are.
_DEVIATION = 0.25


def build(options: RegionsOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    return keras.Model(inputs, member(inputs, options, classes), name="regions")


def member(ids: Any, options: RegionsOptions, classes: int) -> Any:
    """The probabilities that this network gives ids, as part of any network."""
    known = min(options.known, options.vocabulary)
    if known < options.vocabulary:
        ids = ops.where(ids < known, ids, UNKNOWN)
    inputs = [ids]
    if options.context:
        around = Surroundings(
            known, options.context, options.region, dtype="float32", name="surroundings"
        )
        inputs.append(around(ids))
    x = Regions(known, options.filters, options.width, options.context, name="regions")(inputs)
    for layer in rates(options.dropout, seed=1):
        x = layer(x)
    return classify(x, classes)


def adapt(network: keras.Model, options: RegionsOptions, given: Given) -> None:
    """Learn what surrounds a place from the training rows and from texts without labels."""
    if options.context:
        parts = [given.rows, *([given.unlabelled] if given.unlabelled else [])]
        learn(network.get_layer("surroundings"), parts, _DEVIATION, given.progress)


class Regions(keras.layers.Layer):  # type: ignore[misc]
    """Ids int32 ``[n, length]`` to the strongest value of each filter, ``[n, filters]``.

    A region lies about each token; its value is the sum of the weights of its tokens, each by its
    place, and with ``context`` of vectors ``[n, length, context]`` beside the ids, times a matrix;
    rectified. Before the first token and behind the last is padding, which has weights too; how
    much of it there is changes nothing, since no region lies about it.
    """

    def __init__(
        self, vocabulary: int, filters: int, width: int, context: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.vocabulary = vocabulary
        self.filters = filters
        self.width = width
        self.context = context
        # One table for each place, one below the other, so that a step reads and moves only the
        # rows of its tokens.
        begin = keras.initializers.RandomNormal(stddev=_SPREAD, seed=0)
        self.tables = self.add_weight((width * vocabulary, filters), begin, name="tables")
        self.bias = self.add_weight((filters,), "zeros", name="bias")
        self.mix = None
        if context:
            begin = keras.initializers.RandomNormal(stddev=2 * _SPREAD, seed=1)
            self.mix = self.add_weight((context, filters), begin, name="mix")

    def call(self, inputs: list[Any], training: bool = False) -> Any:
        """The strongest values."""
        ids, *around = inputs
        there = ops.expand_dims(ops.not_equal(ids, 0), 2)
        length, before = ops.shape(ids)[1], (self.width - 1) // 2
        ids = ops.pad(ids, [[0, 0], [before, self.width - 1 - before]])
        tables = self._tables(ids, training)
        found = sum((ops.matmul(vectors, self.mix) for vectors in around), self.bias)
        for at, (table, rows) in enumerate(tables):
            found = found + ops.take(table, rows[:, at : at + length], axis=0)
        found = ops.where(there, found, _NEVER)
        if not training:
            return ops.relu(ops.max(found, axis=1))
        # Only the strongest places learn. Found first and then read once more, they have gradients
        # of a place for each filter, where those of the maximum have all places.
        best = ops.argmax(ops.stop_gradient(found), axis=1)
        text = ops.expand_dims(ops.arange(ops.shape(ids)[0]), 1)
        value = self.bias
        for vectors in around:
            chosen = ops.take(ops.reshape(vectors, (-1, self.context)), text * length + best, 0)
            value = value + ops.sum(chosen * ops.transpose(self.mix), axis=2)
        for at, (table, rows) in enumerate(tables):
            place = text * (length + self.width - 1) + best + at
            weight = ops.take(ops.reshape(rows, (-1,)), place, 0) * self.filters
            flat = ops.reshape(table, (-1,))
            value = value + ops.take(flat, weight + ops.arange(self.filters), 0)
        return ops.where(ops.any(there, axis=1), ops.relu(value), 0.0)

    def compute_output_shape(self, shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """A value for each filter."""
        return shapes[0][0], self.filters

    def _tables(self, ids: Any, training: bool) -> list[tuple[Any, Any]]:
        """For each place a table of weights, and the ids by their rows in it.

        In training under TensorFlow it holds the rows of the batch's tokens alone, each once: of
        the variable itself, since read as a tensor all of it would be copied each step.
        """
        starts = [at * self.vocabulary for at in range(self.width)]
        if not training or keras.config.backend() != "tensorflow":
            return [(self.tables.value, ids + start) for start in starts]
        import tensorflow as tf

        known, places = tf.unique(tf.reshape(ids, [-1]))
        rows = tf.reshape(places, tf.shape(ids))
        return [(tf.gather(self.tables.value, known + start), rows) for start in starts]
