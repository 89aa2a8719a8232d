"""Test-time augmentation: the mean prediction over variants of an image with the same meaning.

After Jordan (arXiv:2404.00498): the image and its mirror image, and both shifted by one pixel
toward two corners, with half the weight. Logits are averaged, so a confident variant counts more.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

_SHIFT = 1


class _Variants(keras.layers.Layer):
    """Images ``[n, h, w, c]`` to their variants ``[v * n, h, w, c]``, variant by variant."""

    def __init__(self, *, shifted: bool, mirrored: bool) -> None:
        super().__init__(dtype="uint8")
        self.shifted = shifted
        self.mirrored = mirrored

    def call(self, images: Any) -> Any:
        variants = [images]
        if self.shifted:
            height, width = images.shape[1:3]
            for axis in (1, 2):
                images = _with_border(images, axis)
            last = 2 * _SHIFT
            variants += [
                images[:, start : start + height, start : start + width] for start in (0, last)
            ]
        if self.mirrored:
            variants = [side for variant in variants for side in (variant, variant[:, :, ::-1])]
        return ops.concatenate(variants, 0)


class _Average(keras.layers.Layer):
    """Probabilities of the variants ``[v * n, k]`` to those of the images ``[n, k]``."""

    def __init__(self, *, shifted: bool, mirrored: bool) -> None:
        super().__init__(dtype="float32")
        positions = (0.5, 0.25, 0.25) if shifted else (1.0,)
        sides = 2 if mirrored else 1
        self.variant_weights = tuple(w / sides for w in positions for _ in range(sides))

    def call(self, probabilities: Any) -> Any:
        classes = probabilities.shape[-1]
        variants = ops.reshape(probabilities, (len(self.variant_weights), -1, classes))
        weights = ops.reshape(ops.convert_to_tensor(self.variant_weights), (-1, 1, 1))
        epsilon = keras.config.epsilon()
        logits = ops.log(ops.clip(variants, epsilon, 1))
        if classes == 1:
            logits = logits - ops.log(ops.clip(1 - variants, epsilon, 1))
            return ops.sigmoid(ops.sum(weights * logits, axis=0))
        return ops.softmax(ops.sum(weights * logits, axis=0))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape. JAX cannot infer it, because the number of rows is unknown."""
        return shape


def average_variants(network: keras.Model, *, shifted: bool, mirrored: bool = True) -> keras.Model:
    """Returns a network with the same input and output that averages over variants.

    Args:
        network: Maps uint8 images to probabilities.
        shifted: Whether to use shifted variants.
        mirrored: Whether to use mirrored variants.
    """
    inputs = keras.Input(network.input_shape[1:], dtype="uint8", name="image")
    probabilities = network(_Variants(shifted=shifted, mirrored=mirrored)(inputs))
    average = _Average(shifted=shifted, mirrored=mirrored)
    return keras.Model(inputs, average(probabilities), name="test_time_augmentation")


def _with_border(images: Any, axis: int) -> Any:
    """Returns the images with one reflected pixel more at both ends of an axis."""
    size = images.shape[axis]
    before = ops.take(images, [_SHIFT], axis=axis)
    after = ops.take(images, [size - 1 - _SHIFT], axis=axis)
    return ops.concatenate([before, images, after], axis)
