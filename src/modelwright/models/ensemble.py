"""Two networks over the same ids as one: each learns alone, the answer is their mean.

One reads n-grams and the other short runs of tokens by convolution: their mistakes differ.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models import ngrams, regions
from modelwright.models.adaptation import Given
from modelwright.models.options import CommitteeOptions


def build(options: CommitteeOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    members = [
        ngrams.member(inputs, options, classes, options.pace),
        regions.member(inputs, options, classes),
    ]
    return Committee(inputs, Mean(dtype="float32", name="mean")(members), name="committee")


def adapt(network: keras.Model, options: CommitteeOptions, given: Given) -> None:
    """Set what each member computes from the training rows."""
    for member in (ngrams, regions):
        member.adapt(network, options, given)


class Mean(keras.layers.Layer):  # type: ignore[misc]
    """The mean of the members' probabilities; in training all of them, ``[n, members, c]``."""

    def call(self, members: list[Any], training: bool = False) -> Any:
        """What the network gives."""
        stacked = ops.stack(members, axis=1)
        return stacked if training else ops.mean(stacked, axis=1)


class Committee(keras.Model):  # type: ignore[misc]
    """A network whose members learn each by its own loss.

    By the loss of their mean they would lean on each other: the one that learns first leaves
    the others nothing to learn.
    """

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The mean of the members' losses in training, the loss of their mean otherwise."""
        if y_pred.ndim == 2:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        losses = [
            super(Committee, self).compute_loss(x, y, y_pred[:, k], sample_weight, training)
            for k in range(y_pred.shape[1])
        ]
        return sum(losses) / len(losses)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """The figures of the mean."""
        mean = y_pred if y_pred.ndim == 2 else ops.mean(y_pred, axis=1)
        return dict(super().compute_metrics(x, y, mean, sample_weight))
