"""Test-time augmentation: the average answer over views of a picture that mean the same.

As in Jordan, arXiv:2404.00498: the picture and its mirror image, and both again shifted by one
pixel towards two corners with half the weight. Logits are averaged, so a view that is sure
counts for more.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_SHIFT = 1


class _Views(keras.layers.Layer):  # type: ignore[misc]
    """Pictures ``[n, h, w, c]`` to their views ``[v * n, h, w, c]``, view by view."""

    def __init__(self, *, shifted: bool) -> None:
        super().__init__(dtype="uint8")
        self.shifted = shifted

    def call(self, pictures: Any) -> Any:
        views = [pictures]
        if self.shifted:
            height, width = pictures.shape[1:3]
            for axis in (1, 2):
                pictures = _with_border(pictures, axis)
            last = 2 * _SHIFT
            views += [pictures[:, at : at + height, at : at + width] for at in (0, last)]
        return ops.concatenate([side for view in views for side in (view, view[:, :, ::-1])], 0)


class _Average(keras.layers.Layer):  # type: ignore[misc]
    """Probabilities of the views ``[v * n, k]`` to those of the pictures ``[n, k]``."""

    def __init__(self, *, shifted: bool) -> None:
        super().__init__(dtype="float32")
        self.weights_of_views = (0.25, 0.25, 0.125, 0.125, 0.125, 0.125) if shifted else (0.5, 0.5)

    def call(self, probabilities: Any) -> Any:
        classes = probabilities.shape[-1]
        views = ops.reshape(probabilities, (len(self.weights_of_views), -1, classes))
        weights = ops.reshape(ops.convert_to_tensor(self.weights_of_views), (-1, 1, 1))
        tiny = keras.config.epsilon()
        logits = ops.log(ops.clip(views, tiny, 1))
        if classes == 1:
            logits = logits - ops.log(ops.clip(1 - views, tiny, 1))
            return ops.sigmoid(ops.sum(weights * logits, axis=0))
        return ops.softmax(ops.sum(weights * logits, axis=0))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Said, since JAX cannot find out that an unknown number divides by that of the views."""
        return shape


def averaged(network: keras.Model, *, shifted: bool) -> keras.Model:
    """A network with the same input and output that averages over views.

    Args:
        network: of uint8 pictures, probabilities out.
        shifted: also shift; otherwise only mirror.
    """
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    answers = network(_Views(shifted=shifted)(inputs))
    return keras.Model(inputs, _Average(shifted=shifted)(answers), name="views")


def _with_border(pictures: Any, axis: int) -> Any:
    """One more pixel at both ends of an axis, reflected."""
    size = pictures.shape[axis]
    before = ops.take(pictures, [_SHIFT], axis=axis)
    after = ops.take(pictures, [size - 1 - _SHIFT], axis=axis)
    return ops.concatenate([before, pictures, after], axis)
