"""The optimiser and the loss that ``[train]`` describes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from modelwright.core.config import TrainConfig
from modelwright.core.types import IntArray
from modelwright.training.adagrad import Adagrad
from modelwright.training.sgd import Sgd

# Of AdaGrad's sums of squares, so small that a token seen once already learns at the full rate:
# the gradients of a table's rows are of this size, and Keras' 0.1 would drown them.
_BEGINNING = 1e-6


def optimizer(train: TrainConfig, steps: int) -> Any:
    """A Keras optimiser whose schedule spans ``steps`` steps an epoch over all epochs."""
    total = steps * train.epochs
    common = {"learning_rate": _rate(train, total), "global_clipnorm": train.clip_norm}
    if train.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    if train.optimizer == "adamw":
        return keras.optimizers.AdamW(weight_decay=train.weight_decay, **common)
    if train.optimizer == "adagrad":
        return Adagrad(initial_accumulator_value=_BEGINNING, **common)
    return Sgd(
        train.bias_rate,
        train.lookahead,
        total,
        momentum=train.momentum,
        weight_decay=train.weight_decay or None,
        **common,
    )


def _rate(train: TrainConfig, total: int) -> Any:
    if train.schedule == "constant":
        return train.learning_rate
    warmup = int(total * train.warmup)
    if train.schedule == "linear":
        return Triangle(train.learning_rate, warmup, total)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else train.learning_rate,
        decay_steps=total - warmup,
        warmup_target=train.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


class Triangle(keras.optimizers.schedules.LearningRateSchedule):
    """From zero to the peak in ``warmup`` steps, and down to zero at ``total``, both straight."""

    def __init__(self, peak: float, warmup: int, total: int) -> None:
        self.peak = peak
        self.warmup = warmup
        self.total = total

    def __call__(self, step: Any) -> Any:
        # The first step is number 1 here, so that none is wasted on a rate of zero.
        step = ops.cast(step, "float32") + 1
        down = (self.total + 1 - step) / (self.total + 1 - self.warmup)
        up = step / max(self.warmup, 1)
        return self.peak * ops.clip(ops.minimum(up, down), 0, 1)


def loss(network: keras.Model, smoothing: float) -> Any:
    """The cross-entropy that fits the network's output, one sigmoid or one softmax."""
    if network.output_shape[-1] == 1:
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    if smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def make_variables(network: keras.Model, goals: npt.NDArray[Any]) -> None:
    """Make those of the optimiser and the metrics of a compiled network.

    Keras makes them in the first step, and TensorFlow then traces that step twice, which takes
    seconds.

    Args:
        network: compiled.
        goals: ``targets`` of at least one row.
    """
    network.optimizer.build(network.trainable_variables)
    nothing = np.zeros((1, network.output_shape[-1]), np.float32)
    network.compute_loss(None, goals[:1], nothing)
    network.compute_metrics(None, goals[:1], nothing)
    network.reset_metrics()


def targets(labels: IntArray, classes: int, smoothing: float) -> npt.NDArray[Any]:
    """Labels ``[n]`` as that loss reads them: numbers, or one-hot rows where it smooths."""
    if smoothing and classes > 2:
        return np.eye(classes, dtype=np.float32)[labels]
    return labels.astype(np.int32)[:, None]


def class_weights(labels: IntArray, classes: int, kind: str) -> dict[int, float] | None:
    """The weight of each class, mean 1 over the rows; None when all weigh the same."""
    if kind == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    return {i: len(labels) / (classes * max(int(n), 1)) for i, n in enumerate(counts)}
