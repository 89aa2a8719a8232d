"""The last layers that the networks share, and how to read their output."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray
from modelwright.models.network_size import check_weight


def classify(features: Any, classes: int, *, bias: bool = True) -> Any:
    """Returns probabilities, float32 in any precision. Two classes have a single sigmoid."""
    units, activation, name = classes, "softmax", "probabilities"
    if classes == 2:
        units, activation, name = 1, "sigmoid", "probability"
    check_weight(
        "the last layer",
        (features.shape[-1], units),
        "Give the network fewer filters or units, or the data fewer classes.",
    )
    layer = keras.layers.Dense(units, activation, use_bias=bias, dtype="float32", name=name)
    return layer(features)


def drop_out(features: Any, rate: float, seed: int) -> Any:
    """Returns the features after a Dropout layer. A rate of 0 adds no layer to the graph."""
    return keras.layers.Dropout(rate, seed=seed)(features) if rate else features


def two_columns(outputs: FloatArray) -> FloatArray:
    """Returns ``[n, 1]``, the second class's probability, as ``[n, 2]``; others unchanged."""
    if outputs.shape[1] == 1:
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    return outputs.astype(np.float32)
