"""A fast convolutional network: a frozen whitening layer, then groups of convolutions.

After Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (arXiv:2404.00498): the kernel of
the first layer is computed from the training images and stays fixed, the other convolutions start
close to the identity, and batch normalization has a shift but no scale.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.normalization import BatchNormalization
from modelwright.models.options import WhitenedOptions
from modelwright.models.output_layer import classify

_SAMPLE = 5000
_KERNEL = 2
_EPSILON = 5e-4


class NearIdentity(keras.initializers.Initializer):
    """A kernel ``[h, w, in, out]`` whose first ``in`` outputs are its inputs; others are random."""

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
    """Returns a network from uint8 images ``[n, *shape]`` to probabilities.

    Raises:
        ConfigError: The images are too small for this number of groups.
    """
    smallest = 2 ** len(options.widths) + _KERNEL - 1
    if min(shape[:2]) < smallest:
        raise ConfigError(
            f"'model.widths' has {len(options.widths)} groups, which takes images of at least"
            f" {smallest}x{smallest}; these are {shape[0]}x{shape[1]}. Give larger images"
            " (data.image_size) or fewer widths."
        )
    layers = keras.layers
    inputs = keras.Input(shape, dtype="uint8", name="image")
    x = _whitening(inputs, shape[-1])
    x = layers.Activation(options.activation)(x)
    for group, width in enumerate(options.widths):
        for position in range(options.depth):
            before = x
            kernel = NearIdentity(group * options.depth + position)
            x = layers.Conv2D(width, 3, padding="same", use_bias=False, kernel_initializer=kernel)(
                x
            )
            if position == 0:
                x = layers.MaxPooling2D()(x)
            x = BatchNormalization(momentum=0.6, scale=False, epsilon=1e-5)(x)
            if position == 2:
                x = layers.Add()([x, before])
            x = layers.Activation(options.activation)(x)
    x = layers.GlobalMaxPooling2D()(x)
    x = layers.Rescaling(options.scale)(x)
    return keras.Model(inputs, classify(x, classes, bias=options.bias), name="whitened")


def adapt(network: keras.Model, options: WhitenedOptions, data: AdaptationData) -> None:
    """Sets mean and variance of the pixels, and the whitening kernel, from training images."""
    chosen = np.unique(np.linspace(0, len(data.rows) - 1, _SAMPLE).astype(np.int64))
    pixels = data.rows.take(chosen).astype(np.float32) / 255
    mean = pixels.mean(axis=(0, 1, 2))
    variance = np.maximum(pixels.var(axis=(0, 1, 2)), 1e-6)
    network.get_layer("standard").set_weights([mean, variance])
    kernel = whitening_kernel((pixels - mean) / np.sqrt(variance))
    whitening = network.get_layer("whitening")
    whitening.set_weights([kernel, np.zeros(kernel.shape[-1], np.float32)])


def whitening_kernel(images: FloatArray) -> FloatArray:
    """Returns the kernel that whitens small patches and its negative, ``[k, k, c, 2kkc]``.

    On these images its outputs have unit variance and no correlation, up to a small constant that
    limits the gain of directions with almost no variance.

    Args:
        images: Standardized images, ``[n, h, w, c]``.
    """
    channels = images.shape[-1]
    windows = np.lib.stride_tricks.sliding_window_view(images, (_KERNEL, _KERNEL), (1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, _KERNEL**2 * channels)
    values, vectors = np.linalg.eigh(patches.T @ patches / len(patches))
    kernel = (vectors / np.sqrt(values + _EPSILON)).reshape(_KERNEL, _KERNEL, channels, -1)
    both: FloatArray = np.concatenate([kernel, -kernel], axis=-1).astype(np.float32)
    return both


def _whitening(inputs: Any, channels: int) -> Any:
    """Returns the standardized and whitened pixels. ``adapt`` sets the weights of both layers."""
    layers = keras.layers
    # Whitening divides by small numbers, which would turn the bits that bfloat16 drops into noise.
    whitening = layers.Conv2D(2 * _KERNEL**2 * channels, _KERNEL, dtype="float32", name="whitening")
    x = layers.Rescaling(1 / 255, dtype="float32")(inputs)
    x = layers.BatchNormalization(
        center=False, scale=False, epsilon=0, trainable=False, dtype="float32", name="standard"
    )(x)
    x = whitening(x)
    whitening.kernel.trainable = False
    return x
