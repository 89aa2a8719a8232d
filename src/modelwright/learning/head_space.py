"""The last layer of a network with a pretrained backbone as a linear model on its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, IntArray, Progress, Rows
from modelwright.learning.joined_rows import join
from modelwright.learning.last_layer import LastLayer, find_last_layer
from modelwright.learning.lesson import LessonRows
from modelwright.learning.warm_fit import Doubles, Linear
from modelwright.models.feature_head import STRENGTHS, standardization

_HOLD = 0.1
"""How firmly weights are held, next to the solver's usual penalty. With all of it, few new rows
moved them too little."""


@dataclass(frozen=True)
class HeadSpace:
    """The standardized features of the rows of a lesson.

    Attributes:
        last: the last layer of the network.
        features: ``[n, d]``.
        mean: subtracted from the features ``[d]``.
        scale: divides them ``[d]``.
        start: the weights of the standardized features as the network has them.
        hold: how strongly each weight is held where nothing is known of its importance.
    """

    last: LastLayer
    features: Doubles
    mean: Doubles
    scale: Doubles
    start: Linear
    hold: Linear

    def set_weights(self, fitted: Linear) -> None:
        """Puts weights of the standardized features into the network."""
        kernel = fitted.kernel / self.scale[:, None]
        bias = fitted.bias - self.mean @ kernel
        self.last.layer.set_weights([kernel.astype(np.float32), bias.astype(np.float32)])


def read_head(
    network: Any, parts: Sequence[LessonRows], progress: Progress | None = None
) -> HeadSpace:
    """Returns the features of rows, all of them in their order."""
    last, rows = find_last_layer(network), join(parts)
    features = last.features(rows.inputs, progress)
    mean, scale = standardization(features)
    kernel, bias = (np.asarray(one, np.float64) for one in last.layer.get_weights())
    start = Linear(kernel * scale[:, None], bias + mean @ kernel)
    hold = Linear(np.full(kernel.shape, _HOLD / STRENGTHS[0]), np.zeros(len(bias)))
    standard = (features.astype(np.float64) - mean) / scale
    return HeadSpace(last, standard, mean.astype(np.float64), scale.astype(np.float64), start, hold)


def feature_views(
    network: Any, rows: LessonRows, *, mirrored: bool, progress: Progress | None = None
) -> FloatArray:
    """Returns the features of images, and of mirrored ones where wanted, ``[views, n, d]``."""
    last = find_last_layer(network)
    views: list[Rows] = [rows.inputs, *([_Mirrored(rows.inputs)] if mirrored else [])]
    return np.stack([last.features(view, progress) for view in views])


class _Mirrored:
    """Images from left to right."""

    def __init__(self, inputs: Rows) -> None:
        self._inputs = inputs

    def __len__(self) -> int:
        return len(self._inputs)

    def take(self, indices: IntArray) -> Any:
        """Returns mirrored images."""
        return self._inputs.take(indices)[:, :, ::-1]

    def raw(self, index: int) -> Any:
        """Returns an image as it was before."""
        return self._inputs.raw(index)

    def origin(self, index: int) -> str:
        """Returns where an image came from."""
        return self._inputs.origin(index)
