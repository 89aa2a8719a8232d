"""The tutorial's convolutional network, with its widths and regularization as options.

With the defaults: Conv 32, pooling, Conv 64, pooling, Conv 128, Dense 128, Dense 10, with 3x3
kernels without padding. It has 356,810 parameters for 32x32x3 images.
"""

from __future__ import annotations

import keras

from modelwright.core.errors import ConfigError
from modelwright.models.network_size import check_weight
from modelwright.models.normalization import BatchNormalization
from modelwright.models.options import CnnOptions
from modelwright.models.output_layer import classify, drop_out


def build(options: CnnOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from uint8 images ``[n, *shape]`` to probabilities.

    Raises:
        ConfigError: The images are too small for this number of convolutions.
    """
    layers = keras.layers
    inputs = keras.Input(shape, dtype="uint8", name="image")
    x = layers.Rescaling(1 / 255)(inputs)
    for position, filters in enumerate(options.filters):
        last = position == len(options.filters) - 1
        if min(x.shape[1:3]) < (3 if last else 4):
            raise ConfigError(
                f"'model.filters' has {len(options.filters)} convolutions, but images of"
                f" {shape[0]}x{shape[1]} are too small for number {position + 1};"
                " give larger images (data.image_size) or fewer filters."
            )
        x = layers.Conv2D(filters, 3, use_bias=not options.batch_norm)(x)
        # Pooling before ReLU gives the same values as after it, and leaves a quarter of them to
        # normalize and rectify.
        if not last:
            x = layers.MaxPooling2D()(x)
        if options.batch_norm:
            x = BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
    x = layers.Flatten()(x)
    check_weight(
        f"the dense layer on images of {shape[0]}x{shape[1]}",
        (x.shape[-1], options.units),
        "Give smaller images (data.image_size), more or smaller model.filters, or fewer"
        " model.units.",
    )
    x = drop_out(x, options.dropout / 2, seed=0)
    x = layers.Dense(options.units, use_bias=not options.batch_norm)(x)
    if options.batch_norm:
        x = BatchNormalization(momentum=0.9)(x)
    x = layers.Activation("relu")(x)
    x = drop_out(x, options.dropout, seed=1)
    return keras.Model(inputs, classify(x, classes), name="cnn")
