"""The optimizer and the loss that ``[train]`` describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from modelwright.core.config import TrainConfig
from modelwright.core.types import IntArray
from modelwright.training.adagrad import Adagrad
from modelwright.training.sgd import Sgd

# Initial value of AdaGrad's sums of squares. It is as small as the squared gradients of an
# embedding row, so that a token learns at the full rate from its first appearance. Keras' default
# of 0.1 would hide those gradients.
_INITIAL_ACCUMULATOR = 1e-6


def build_optimizer(train: TrainConfig, steps: int) -> Any:
    """Returns a Keras optimizer whose schedule spans all epochs of ``steps`` steps each."""
    total = steps * train.epochs
    common = {"learning_rate": _learning_rate(train, total), "global_clipnorm": train.clip_norm}
    if train.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    if train.optimizer == "adamw":
        return keras.optimizers.AdamW(weight_decay=train.weight_decay, **common)
    if train.optimizer == "adagrad":
        return Adagrad(initial_accumulator_value=_INITIAL_ACCUMULATOR, **common)
    return Sgd(
        train.bias_rate,
        train.lookahead,
        total,
        momentum=train.momentum,
        weight_decay=train.weight_decay or None,
        **common,
    )


def scale_rates(optimizer: Any, rates: Mapping[str, float]) -> None:
    """Makes an optimizer update some variables with a multiple of its learning rate.

    Args:
        optimizer: a Keras optimizer.
        rates: the multiples by the paths of variables; others have 1.
    """
    update = optimizer.update_step

    def scaled(gradient: Any, variable: Any, learning_rate: Any) -> None:
        # TensorFlow passes its own variables. Only Keras' variables have the paths to look for.
        own = optimizer._trainable_variables[optimizer._get_variable_index(variable)]
        update(gradient, variable, learning_rate * rates.get(own.path, 1.0))

    optimizer.update_step = scaled


def _learning_rate(train: TrainConfig, total: int) -> Any:
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
    """A rate that rises linearly to ``peak`` in ``warmup`` steps and falls to zero at ``total``."""

    def __init__(self, peak: float, warmup: int, total: int) -> None:
        self.peak = peak
        self.warmup = warmup
        self.total = total

    def __call__(self, step: Any) -> Any:
        # Steps count from 1 here, so that no step has a rate of zero.
        step = ops.cast(step, "float32") + 1
        down = (self.total + 1 - step) / (self.total + 1 - self.warmup)
        up = step / max(self.warmup, 1)
        return self.peak * ops.clip(ops.minimum(up, down), 0, 1)


def build_loss(network: keras.Model, smoothing: float, *, mixed: bool = False) -> Any:
    """Returns the cross-entropy for the network's output: one sigmoid, or a softmax.

    ``mixed`` says that a row may have shares of several classes.
    """
    if network.output_shape[-1] == 1:
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    if smoothing or mixed:
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def build_accuracy(network: keras.Model, *, mixed: bool = False) -> Any:
    """Returns the accuracy for the network's output; of mixed rows, for the larger share."""
    if mixed and network.output_shape[-1] == 1:
        # Keras compares the target itself with 0 or 1, so no mixed row would ever be right.
        return keras.metrics.MeanMetricWrapper(_binary_accuracy, name="accuracy")
    return "accuracy"


def _binary_accuracy(targets: Any, outputs: Any) -> Any:
    right = ops.equal(ops.greater(targets, 0.5), ops.greater(outputs, 0.5))
    return ops.mean(ops.cast(right, "float32"), axis=-1)


def create_variables(network: keras.Model, targets: npt.NDArray[Any]) -> None:
    """Creates the variables of the optimizer and the metrics of a compiled network.

    Otherwise Keras creates them in the first step, and TensorFlow traces that step twice, which
    takes seconds.

    Args:
        network: a compiled network.
        targets: what ``loss_targets`` returns, for at least one row.
    """
    network.optimizer.build(network.trainable_variables)
    outputs = np.zeros((1, network.output_shape[-1]), np.float32)
    network.compute_loss(None, targets[:1], outputs)
    network.compute_metrics(None, targets[:1], outputs)
    network.reset_metrics()


def loss_targets(
    labels: IntArray, columns: int, smoothing: float, *, mixed: bool = False
) -> npt.NDArray[Any]:
    """Returns labels ``[n]`` as the loss of a network with so many output columns reads them.

    They are integers ``[n, 1]``. With smoothing or mixed rows, those of a softmax are one-hot rows
    ``[n, columns]``. With mixed rows, those of a sigmoid are floats.
    """
    if (smoothing or mixed) and columns > 1:
        return np.eye(columns, dtype=np.float32)[labels]
    return labels.astype(np.float32 if mixed else np.int32)[:, None]


def class_weights(labels: IntArray, classes: int, kind: str) -> dict[int, float] | None:
    """Returns the weight of each class, with mean 1 over the rows; None for equal weights."""
    if kind == "none":
        return None
    counts = np.bincount(labels, minlength=classes)
    return {i: len(labels) / (classes * max(int(n), 1)) for i, n in enumerate(counts)}


def row_weights(targets: npt.NDArray[Any], weights: Mapping[int, float]) -> npt.NDArray[np.float32]:
    """Returns the weight of each row ``[n]`` by its most likely class, as ``fit`` weights it.

    Args:
        targets: what ``loss_targets`` returns.
        weights: what ``class_weights`` returns.
    """
    classes = targets.argmax(axis=1) if targets.shape[1] > 1 else np.round(targets[:, 0])
    return np.array([weights[int(one)] for one in classes], np.float32)
