"""Several networks over the same ids as one: each learns alone, the answer is their mean.

One member is the network of n-grams. The others look at regions of a few tokens by
convolution, with what is strongest and what is usual among the regions of a text
(after Johnson and Zhang, "Effective Use of Word Order", 2015). Their mistakes differ.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from modelwright.models import ngrams
from modelwright.models.options import CommitteeOptions

adapt = ngrams.adapt


def build(options: CommitteeOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    members = [ngrams.member(inputs, options, classes)]
    members += [
        _regions(inputs, width, options, classes, number)
        for number, width in enumerate(options.regions)
    ]
    return Committee(inputs, Mean(dtype="float32", name="mean")(members), name="committee")


def _regions(ids: Any, width: int, options: CommitteeOptions, classes: int, number: int) -> Any:
    """The probabilities of one convolutional member."""
    layers = keras.layers
    x = layers.Embedding(options.vocabulary, options.embedding)(ids)
    # Not Keras' mask, which convolutions drop: what is padding is 0 before and after them, so
    # that an answer does not depend on how far a text is padded.
    there = ops.cast(ops.expand_dims(ops.not_equal(ids, 0), 2), x.dtype)
    x = layers.Dropout(options.dropout, seed=2 * number)(x * there)
    x = layers.Conv1D(options.filters, width, padding="same", activation="relu")(x) * there
    # In float32: a sum over a thousand tokens in bfloat16 loses most of them.
    x, there = ops.cast(x, "float32"), ops.cast(there, "float32")
    count = ops.maximum(ops.sum(there, axis=1), 1)
    pooled = ops.concatenate([ops.max(x, axis=1), ops.sum(x, axis=1) / ops.sqrt(count)], axis=1)
    pooled = layers.Dropout(options.dropout, seed=2 * number + 1)(pooled)
    units, kind = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return layers.Dense(units, kind, dtype="float32", name=f"regions_{number}")(pooled)


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
