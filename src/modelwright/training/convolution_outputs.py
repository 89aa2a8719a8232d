"""The outputs of a network's convolutions for one image.

The network runs once, as for a prediction, while the calls of its layers are recorded. So the
layers of nested networks and of custom layers are recorded too. No weight changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.models.output_layer import two_columns

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose")
_NORMALIZATIONS = ("BatchNormalization", "LayerNormalization", "GroupNormalization")
_POOLINGS = ("MaxPooling2D", "AveragePooling2D")
_ACTIVATIONS = ("Activation", "ReLU", "LeakyReLU", "ELU")


def convolution_outputs(
    network: keras.Model, pixels: UInt8Array
) -> tuple[list[tuple[str, FloatArray]], Any]:
    """Returns the outputs of all 2-D convolutions and the class probabilities.

    The values are those after the normalization and the activation that follow a convolution.
    Before them, values mostly show how bright the image is. A pooling between them is skipped,
    because it would halve each side.

    Args:
        network: the network to run.
        pixels: one image, uint8 ``[h, w, c]``.

    Returns:
        The name and output float32 ``[h, w, channels]`` of each convolution, in the order in
        which they run; a layer that runs twice has two outputs. Then the probabilities, float32
        ``[classes]``.
    """
    recorder = _OutputRecorder()
    layers = [layer for layer in network._flatten_layers() if isinstance(layer, recorder.kinds)]
    for layer in layers:
        layer.call = recorder.recorded_call(layer)
    try:
        outputs = network(keras.ops.convert_to_tensor(pixels[None]), training=False)
    finally:
        for layer in layers:
            del layer.call
    return recorder.outputs(), two_columns(keras.ops.convert_to_numpy(outputs))[0]


def most_varied_channels(values: FloatArray, count: int) -> tuple[int, ...]:
    """Returns the channels of ``[h, w, channels]`` whose values vary most, most varied first.

    Channels that are constant, as in outputs of one pixel, are ordered by their distance from zero.
    """
    flat = values.reshape(-1, values.shape[-1])
    order = np.lexsort((-np.abs(flat).mean(axis=0), -flat.std(axis=0)))
    return tuple(order[:count].tolist())


class _OutputRecorder:
    """Records the output of each convolution, up to the first activation after it."""

    def __init__(self) -> None:
        self.convolutions = _layer_classes(CONVOLUTIONS)
        self.activations = _layer_classes(_ACTIVATIONS)
        self.poolings = _layer_classes(_POOLINGS)
        self.kinds = (
            *self.convolutions,
            *_layer_classes(_NORMALIZATIONS),
            *self.poolings,
            *self.activations,
        )
        self._recorded: list[tuple[Any, Any]] = []
        # The tensors that wait for an activation, and their positions in ``_recorded``, by the
        # tensor's id. The tensor is stored too, so that no other tensor gets its id.
        self._waiting: dict[int, tuple[Any, int]] = {}

    def recorded_call(self, layer: Any) -> Callable[..., Any]:
        """Returns the layer's ``call`` with recording."""
        call = layer.call

        def recorded(inputs: Any, *args: Any, **kwargs: Any) -> Any:
            outputs = call(inputs, *args, **kwargs)
            if isinstance(layer, self.convolutions):
                self._recorded.append((layer, outputs))
                if layer.activation is keras.activations.linear:
                    self._waiting[id(outputs)] = (outputs, len(self._recorded) - 1)
            elif id(inputs) in self._waiting:
                _, position = self._waiting.pop(id(inputs))
                if not isinstance(layer, self.poolings):
                    convolution, values = self._recorded[position]
                    self._recorded[position] = (convolution, call(values, *args, **kwargs))
                if not isinstance(layer, self.activations):
                    self._waiting[id(outputs)] = (outputs, position)
            return outputs

        return recorded

    def outputs(self) -> list[tuple[str, FloatArray]]:
        """Returns the recorded outputs with channels last."""
        arrays = []
        for layer, outputs in self._recorded:
            values = np.asarray(keras.ops.convert_to_numpy(outputs), np.float32)[0]
            first = layer.data_format == "channels_first"
            arrays.append((layer.name, np.moveaxis(values, 0, -1) if first else values))
        return arrays


def _layer_classes(names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(getattr(keras.layers, name) for name in names)
