"""Two networks over the same token ids, trained side by side: the output is their mean.

One network reads n-grams, the other convolves short runs of tokens, so they make different
mistakes. In a config this builder is called ``committee``.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models import ngrams, regions
from modelwright.models.adaptation import AdaptationData
from modelwright.models.options import CommitteeOptions


def build(options: CommitteeOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from int32 token ids ``[n, *shape]``, padded with 0, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    members = [
        ngrams.probabilities(inputs, options, classes, options.pace),
        regions.probabilities(inputs, options, classes),
    ]
    return Ensemble(inputs, Mean(dtype="float32", name="mean")(members), name="committee")


def adapt(network: keras.Model, options: CommitteeOptions, data: AdaptationData) -> None:
    """Sets the weights that each member computes from the training rows."""
    for member in (ngrams, regions):
        member.adapt(network, options, data)


class Mean(keras.layers.Layer):
    """The mean of the members' probabilities, ``[n, c]``. In training: all, ``[n, members, c]``."""

    def call(self, members: list[Any], training: bool = False) -> Any:
        """Returns the mean, or in training every member's probabilities."""
        stacked = ops.stack(members, axis=1)
        return stacked if training else ops.mean(stacked, axis=1)


class Ensemble(keras.Model):
    """A network in which each member has a loss of its own.

    With the loss of their mean the members would depend on each other: the one that learns
    first would leave the others nothing to learn.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the mean of the members' losses in training, else the loss of their mean."""
        if y_pred.ndim == 2:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        losses = [
            super(Ensemble, self).compute_loss(x, y, y_pred[:, k], sample_weight, training)
            for k in range(y_pred.shape[1])
        ]
        return sum(losses) / len(losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Returns the metrics of the mean."""
        mean = y_pred if y_pred.ndim == 2 else ops.mean(y_pred, axis=1)
        return dict(super().compute_metrics(x, y, mean, sample_weight))
