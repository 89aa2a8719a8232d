"""Nesterov's SGD with two additions: a rate for biases of their own, and look-ahead averaging.

Both as in Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498), the
averaging after Zhang et al., "Lookahead Optimizer: k steps forward, 1 step back"
(arXiv:1907.08610): every few steps the weights are pulled to a slow average of themselves, not
at all at first and by up to a quarter at the end.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_STRONGEST = 0.95**5
_BIASES = ("bias", "beta")


class Sgd(keras.optimizers.SGD):
    """``keras.optimizers.SGD`` with ``bias_rate`` and ``lookahead``.

    Args:
        bias_rate: variables named bias or beta learn at this many times the rate.
        lookahead: pull the weights to their average every so many steps; 0 never does.
        total: steps in all, over which the pull grows with their third power.
        options: what ``keras.optimizers.SGD`` takes.
    """

    def __init__(self, bias_rate: float, lookahead: int, total: int, **options: Any) -> None:
        super().__init__(nesterov=True, **options)
        self.bias_rate = bias_rate
        self.lookahead = lookahead
        self.total = total
        self._slow: list[Any] = []

    def build(self, variables: list[Any]) -> None:
        """Make the optimiser's variables, once."""
        if self.built:
            return
        super().build(variables)
        if self.lookahead:
            with keras.name_scope(self.name):
                self._slow = [
                    self.add_variable_from_reference(variable, name="slow", initializer="zeros")
                    for variable in variables
                ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        # TensorFlow hands over its own variables, whose names Keras' own keep.
        known = self._trainable_variables[self._get_variable_index(variable)]
        if known.name in _BIASES:
            learning_rate = learning_rate * self.bias_rate
        super().update_step(gradient, variable, learning_rate)

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Move all variables, and pull them to their average when it is time."""
        iteration = super().apply(grads, trainable_variables)
        if self.lookahead:
            step = ops.cast(self.iterations, "float32")
            due = ops.equal(ops.mod(self.iterations, self.lookahead), 0)
            # Before the first pull the average is nothing but zeros.
            keep = _STRONGEST * ops.power(step / self.total, 3)
            keep = ops.where(ops.greater(self.iterations, self.lookahead), keep, 0.0)
            for slow, variable in zip(self._slow, self._trainable_variables, strict=True):
                weight = ops.cast(keep, variable.dtype)
                pulled = weight * slow + (1 - weight) * variable
                # ``.value``: JAX takes no variable for an array inside of a compiled step.
                slow.assign(ops.where(due, pulled, slow.value))
                variable.assign(ops.where(due, pulled, variable.value))
        return iteration
