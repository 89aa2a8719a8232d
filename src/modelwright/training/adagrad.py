"""AdaGrad that touches only the rows of a table that a step has read.

Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (2011): the rate of each weight falls with
the root of the sum of its squared gradients. A row without a gradient stays as it is, so leaving it
alone changes no result; Keras' optimiser walks through the whole table instead.
"""

from __future__ import annotations

from typing import Any

import keras


class Adagrad(keras.optimizers.Adagrad):
    """``keras.optimizers.Adagrad``, by rows where TensorFlow gives the gradient by rows."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        if not hasattr(gradient, "indices"):
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        accumulator = self._accumulators[self._get_variable_index(variable)]
        # A row that was read twice has two gradients; what is squared is their sum.
        rows, places = tf.unique(gradient.indices)
        summed = tf.math.unsorted_segment_sum(gradient.values, places, tf.size(rows))
        moved = variable if isinstance(variable, tf.Variable) else variable.value
        tf.raw_ops.ResourceSparseApplyAdagradV2(
            var=moved.handle,
            accum=accumulator.value.handle,
            lr=tf.cast(learning_rate, summed.dtype),
            epsilon=self.epsilon,
            grad=summed,
            indices=rows,
        )
