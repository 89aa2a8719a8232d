"""The last layer of every network, and what its output means."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray


def classify(features: Any, classes: int, *, bias: bool = True) -> Any:
    """Probabilities in float32 whatever the precision: one sigmoid for two classes."""
    units, activation, name = classes, "softmax", "probabilities"
    if classes == 2:
        units, activation, name = 1, "sigmoid", "probability"
    layer = keras.layers.Dense(units, activation, use_bias=bias, dtype="float32", name=name)
    return layer(features)


def spread(outputs: FloatArray) -> FloatArray:
    """``[n, 1]`` with the second class's probability as ``[n, 2]``; others as they are."""
    if outputs.shape[1] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    return outputs.astype(np.float32)


def rates(dropout: float, seed: int) -> list[Any]:
    """A Dropout layer, or none where the rate is 0, so that its graph stays as drawn."""
    return [keras.layers.Dropout(dropout, seed=seed)] if dropout else []
