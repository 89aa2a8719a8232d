"""The method ``grad-cam``: where the last convolution of a network saw what speaks for the label.

The channels of the last convolution are weighted by their mean gradient and summed; what is below
0 is dropped (Selvaraju et al. 2017, arXiv:1610.02391). The heat map has the size of that
convolution's output, a few cells for a small image, and is stretched over the image. It is cheap
and well known. See ``--evaluate`` before you trust it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import Task
from modelwright.explaining.method import ImageSegment, MaskableRow, Weights
from modelwright.explaining.network_row import (
    all_kept,
    by_segment,
    each_layer,
    label_log_odds,
    network_row,
    replaced_calls,
)


@dataclass(frozen=True)
class GradCam:
    """Weights from the gradient of the last convolution, for the images of a run."""

    name: str = "grad-cam"
    tasks: tuple[Task, ...] = ("image",)
    random: bool = False
    needs_gradients: bool = True

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the mean heat of each segment, 0 or more.

        Raises:
            ConfigError: the row is no image of a network with a convolution.
        """
        import tensorflow as tf

        if not isinstance(row.segments[0], ImageSegment):
            raise ConfigError(
                "the method 'grad-cam' explains images, and this model classifies texts; choose"
                " another --method, such as leave-one-out."
            )
        own = network_row(row, self.name)
        seen: list[tuple[str, Any]] = []
        with tf.GradientTape() as tape:

            def watched(layer: Any) -> Any:
                def call(old: Any, *args: Any, **kwargs: Any) -> Any:
                    output = old(*args, **kwargs)
                    tape.watch(output)
                    seen.append((layer.name, output))
                    return output

                return call

            convolutions = _convolutions(own.network)
            with replaced_calls({layer: watched(layer) for layer in convolutions}):
                pixels = tf.convert_to_tensor(own.inputs(all_kept(row)))
                odds = label_log_odds(own.network, pixels, label)
        # A last convolution of one cell has no place.
        usable = [one for one in seen if min(one[1].shape[1:3]) > 1]
        if not usable:
            raise ConfigError(
                "the method 'grad-cam' needs a convolution (Conv2D) with an output of 2x2 cells or"
                f" more, and the network '{own.network.name}' has none; choose another --method,"
                " such as masks."
            )
        name, output = usable[-1]
        gradient = tape.gradient(odds, output)
        importance = tf.reduce_mean(tf.cast(gradient, "float32"), axis=(1, 2), keepdims=True)
        heat = tf.nn.relu(tf.reduce_sum(importance * tf.cast(output, "float32"), axis=-1))
        stretched = tf.image.resize(heat[..., None], own.places.shape)[0, ..., 0].numpy()
        return Weights(
            by_segment(own, np.asarray(stretched, np.float32), mean=True),
            details={"convolution": name, "cells": [int(size) for size in output.shape[1:3]]},
        )


def _convolutions(network: Any) -> list[Any]:
    """Returns the 2-D convolutions, found by their type, with the channels last."""
    import keras

    kinds = (
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.SeparableConv2D,
        keras.layers.Conv2DTranspose,
    )
    return [
        layer
        for layer in each_layer(network)
        if isinstance(layer, kinds) and layer.data_format == "channels_last"
    ]


METHOD = GradCam()
