"""A convolution over one-hot vectors: a weight for each token, position in a region, and filter.

After Johnson and Zhang, "Effective Use of Word Order for Text Categorization with Convolutional
Neural Networks" (arXiv:1412.1058): there is no embedding between tokens and filters. With
``context`` each region also has a context vector, learned from texts without labels
(arXiv:1504.01255; ``context_vectors.py``). It is trained with ``adagrad``, which moves the weights
of a rare token as far in a few steps as those of a frequent one in many.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models.adaptation import AdaptationData
from modelwright.models.context_vectors import UNKNOWN, ContextVectors, adapt_context_vectors
from modelwright.models.network_size import check_weight
from modelwright.models.options import RegionsOptions
from modelwright.models.output_layer import classify, drop_out

_INITIAL_DEVIATION = 0.01
_LOWEST = -1e9
# AdaGrad moves the weights of context vectors by its rate, whatever the size of the vectors.
_CONTEXT_DEVIATION = 0.25


def build(options: RegionsOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from int32 token ids ``[n, *shape]``, padded with 0, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    return keras.Model(inputs, probabilities(inputs, options, classes), name="regions")


def probabilities(ids: Any, options: RegionsOptions, classes: int) -> Any:
    """Returns the probabilities for token ids, as a part of any network."""
    known = min(options.known, options.vocabulary)
    if known < options.vocabulary:
        ids = ops.where(ids < known, ids, UNKNOWN)
    inputs = [ids]
    if options.context:
        context = ContextVectors(
            known, options.context, options.region, dtype="float32", name="context_vectors"
        )
        inputs.append(context(ids))
    x = Regions(known, options.filters, options.width, options.context, name="regions")(inputs)
    return classify(drop_out(x, options.dropout, seed=1), classes)


def adapt(network: keras.Model, options: RegionsOptions, data: AdaptationData) -> None:
    """Learns the context vectors, if the network has them."""
    if options.context:
        adapt_context_vectors(network, data, _CONTEXT_DEVIATION)


class Regions(keras.layers.Layer):
    """Token ids int32 ``[n, length]`` to the largest value of each filter, ``[n, filters]``.

    There is a region around each token. Its value is the sum of the weights of its tokens, each
    by its position in the region. With ``context``, the product of the context vectors
    ``[n, length, context]`` and a matrix is added. The result is rectified. Padding before the
    first and after the last token has weights too. The amount of padding makes no difference,
    because there is no region around it.
    """

    def __init__(
        self, vocabulary: int, filters: int, width: int, context: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.vocabulary = vocabulary
        self.filters = filters
        self.width = width
        self.context = context
        # One table for each position, stacked in one weight, so that a training step reads and
        # updates only the rows of its tokens.
        initializer = keras.initializers.RandomNormal(stddev=_INITIAL_DEVIATION, seed=0)
        check_weight(
            "the regions",
            (width * vocabulary, filters),
            "Give fewer known tokens (model.known), or a smaller model.filters or model.width.",
        )
        self.tables = self.add_weight((width * vocabulary, filters), initializer, name="tables")
        self.bias = self.add_weight((filters,), "zeros", name="bias")
        self.mix = None
        if context:
            initializer = keras.initializers.RandomNormal(stddev=2 * _INITIAL_DEVIATION, seed=1)
            self.mix = self.add_weight((context, filters), initializer, name="mix")

    def call(self, inputs: list[Any], training: bool = False) -> Any:
        """Returns the largest values."""
        ids, *context = inputs
        present = ops.expand_dims(ops.not_equal(ids, 0), 2)
        length, before = ops.shape(ids)[1], (self.width - 1) // 2
        ids = ops.pad(ids, [[0, 0], [before, self.width - 1 - before]])
        tables = self._tables(ids, training)
        values = sum((ops.matmul(vectors, self.mix) for vectors in context), self.bias)
        for shift, (table, rows) in enumerate(tables):
            values = values + ops.take(table, rows[:, shift : shift + length], axis=0)
        values = ops.where(present, values, _LOWEST)
        if not training:
            return ops.relu(ops.max(values, axis=1))
        # Only the regions with the largest values learn. Finding them first and reading their
        # weights again gives a gradient for one position of each filter; the gradient of the
        # maximum would cover all positions.
        best = ops.argmax(ops.stop_gradient(values), axis=1)
        largest = self._values_at(best, tables, context, length)
        return ops.where(ops.any(present, axis=1), ops.relu(largest), 0.0)

    def compute_output_shape(self, shapes: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Returns the shape of the result: one value for each filter."""
        return shapes[0][0], self.filters

    def _values_at(
        self, best: Any, tables: list[tuple[Any, Any]], context: list[Any], length: Any
    ) -> Any:
        """Returns the values of the regions at positions ``[n, filters]``."""
        text = ops.expand_dims(ops.arange(ops.shape(best)[0]), 1)
        value = self.bias
        for vectors in context:
            chosen = ops.take(ops.reshape(vectors, (-1, self.context)), text * length + best, 0)
            value = value + ops.sum(chosen * ops.transpose(self.mix), axis=2)
        for shift, (table, rows) in enumerate(tables):
            position = text * (length + self.width - 1) + best + shift
            weight = ops.take(ops.reshape(rows, (-1,)), position, 0) * self.filters
            flat = ops.reshape(table, (-1,))
            value = value + ops.take(flat, weight + ops.arange(self.filters), 0)
        return value

    def _tables(self, ids: Any, training: bool) -> list[tuple[Any, Any]]:
        """Returns a table of weights for each position, and the row of each token in it.

        In training with TensorFlow, a table has only the rows of the tokens in the batch, each
        once. Reading the variable as a tensor would copy all of it in each step.
        """
        starts = [position * self.vocabulary for position in range(self.width)]
        if not training or keras.config.backend() != "tensorflow":
            return [(self.tables.value, ids + start) for start in starts]
        import tensorflow as tf

        unique, indices = tf.unique(tf.reshape(ids, [-1]))
        rows = tf.reshape(indices, tf.shape(ids))
        return [(tf.gather(self.tables.value, unique + start), rows) for start in starts]
