"""The optimiser and the loss that ``[train]`` describes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from modelwright.core.config import TrainConfig
from modelwright.core.types import IntArray


def optimizer(train: TrainConfig, steps: int) -> Any:
    """A Keras optimiser whose schedule spans ``steps`` steps an epoch over all epochs."""
    rate: Any = train.learning_rate
    if train.schedule == "cosine":
        total = steps * train.epochs
        warmup = int(total * train.warmup)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else train.learning_rate,
            decay_steps=total - warmup,
            warmup_target=train.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    common = {"learning_rate": rate, "global_clipnorm": train.clip_norm}
    decay = train.weight_decay or None
    if train.optimizer == "adam":
        return keras.optimizers.Adam(**common)
    if train.optimizer == "adamw":
        return keras.optimizers.AdamW(weight_decay=train.weight_decay, **common)
    return keras.optimizers.SGD(momentum=0.9, nesterov=True, weight_decay=decay, **common)


def loss(network: keras.Model, smoothing: float) -> Any:
    """The cross-entropy that fits the network's output, one sigmoid or one softmax."""
    if network.output_shape[-1] == 1:
        return keras.losses.BinaryCrossentropy(label_smoothing=smoothing)
    if smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


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
