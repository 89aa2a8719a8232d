"""A fast convolutional network: a frozen whitening layer, then groups of convolutions.

In the manner of Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498):
the first layer's kernel is computed from the training pictures and stays as it is, the other
convolutions begin close to the identity, batch normalisation has a shift but no scale.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.models.adaptation import Given
from modelwright.models.normalization import BatchNormalization
from modelwright.models.options import WhitenedOptions
from modelwright.models.output_layer import classify

_SAMPLE = 5000
_KERNEL = 2
_EPSILON = 5e-4


class NearIdentity(keras.initializers.Initializer):  # type: ignore[misc]
    """A kernel ``[h, w, in, out]`` whose first ``in`` outputs are its inputs, others random."""

    def __init__(self, seed: int) -> None:
        self.random = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        kernel = np.array(self.random(shape, "float32"))
        height, width, inputs, outputs = shape
        same = np.arange(min(inputs, outputs))
        kernel[..., : len(same)] = 0
        kernel[height // 2, width // 2, same, same] = 1
        return keras.ops.convert_to_tensor(kernel, dtype)


def build(options: WhitenedOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from uint8 pictures ``[n, *shape]`` to probabilities.

    Raises:
        ConfigError: the pictures are too small for this many groups.
    """
    layers = keras.layers
    least = 2 ** len(options.widths) + _KERNEL - 1
    if min(shape[:2]) < least:
        raise ConfigError(
            f"'model.widths' has {len(options.widths)} groups, which takes pictures of at least"
            f" {least}x{least}; these are {shape[0]}x{shape[1]}. Give larger pictures"
            " (data.image_size) or fewer widths."
        )
    inputs = keras.Input(shape, dtype="uint8", name="image")
    # Whitening divides by small numbers: the bits that bfloat16 drops would come out as noise.
    whitening = layers.Conv2D(
        2 * _KERNEL**2 * shape[-1], _KERNEL, dtype="float32", name="whitening"
    )
    x = layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = layers.BatchNormalization(
        center=False, scale=False, epsilon=0, trainable=False, dtype="float32", name="standard"
    )(x)
    x = whitening(x)
    whitening.kernel.trainable = False
    x = layers.Activation(options.activation)(x)
    for group, width in enumerate(options.widths):
        for place in range(options.depth):
            before = x
            seed = group * options.depth + place
            x = layers.Conv2D(
                width, 3, padding="same", use_bias=False, kernel_initializer=NearIdentity(seed)
            )(x)
            if place == 0:
                x = layers.MaxPooling2D()(x)
            x = BatchNormalization(momentum=0.6, scale=False, epsilon=1e-5)(x)
            if place == 2:
                x = layers.Add()([x, before])
            x = layers.Activation(options.activation)(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Rescaling(options.scale)(x)
    return keras.Model(inputs, classify(x, classes, bias=False), name="whitened")


def adapt(network: keras.Model, options: WhitenedOptions, given: Given) -> None:
    """Set mean and deviation of the pixels, and the whitening kernel, from training pictures."""
    chosen = np.unique(np.linspace(0, len(given.rows) - 1, _SAMPLE).astype(np.int64))
    pixels = given.rows.take(chosen).astype(np.float32) / 255
    mean = pixels.mean(axis=(0, 1, 2))
    variance = np.maximum(pixels.var(axis=(0, 1, 2)), 1e-6)
    network.get_layer("standard").set_weights([mean, variance])
    kernel = whiten((pixels - mean) / np.sqrt(variance))
    whitening = network.get_layer("whitening")
    whitening.set_weights([kernel, np.zeros(kernel.shape[-1], np.float32)])


def whiten(pictures: FloatArray) -> FloatArray:
    """The kernel that whitens small patches, and its negative: ``[k, k, c, 2 * k * k * c]``.

    Args:
        pictures: standardised, ``[n, h, w, c]``.

    Its outputs on these pictures have unit variance and no correlation, but for a small
    constant that keeps directions of almost no variance from being blown up.
    """
    channels = pictures.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (_KERNEL, _KERNEL), (1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, _KERNEL**2 * channels)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    kernel = (vectors / np.sqrt(values + _EPSILON)).reshape(_KERNEL, _KERNEL, channels, -1)
    whole: FloatArray = np.concatenate([kernel, -kernel], axis=-1).astype(np.float32)
    return whole
