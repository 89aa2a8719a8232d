"""AdaGrad that updates only the rows of an embedding table that a step has read.

Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (2011): the learning rate of each weight
falls with the root of the sum of its squared gradients. A row without a gradient does not change,
so skipping it changes no result. Keras' own optimizer updates the whole table.
"""

from __future__ import annotations

from typing import Any

import keras


class Adagrad(keras.optimizers.Adagrad):
    """``keras.optimizers.Adagrad``, row by row where TensorFlow gives the gradient by rows."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Updates one variable."""
        if not hasattr(gradient, "indices"):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        accumulator = self._accumulators[self._get_variable_index(variable)]
        # A row that was read twice has two gradients. AdaGrad squares their sum.
        rows, positions = tf.unique(gradient.indices)
        summed = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(rows))
        target = variable if isinstance(variable, tf.Variable) else variable.value
        tf.raw_ops.ResourceSparseApplyAdagradV2(
            var=target.handle,
            accum=accumulator.value.handle,
            lr=tf.cast(learning_rate, summed.dtype),
            epsilon=self.epsilon,
            grad=summed,
            indices=rows,
        )
