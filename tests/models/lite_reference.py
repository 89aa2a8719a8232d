"""EfficientNet-Lite0 in numpy, from arrays named as the PyTorch version names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# Kernel, stride, filters inside, filters out of each block of Lite0, written out by hand.
LITE0 = [
    (3, 1, 32, 16), (3, 2, 96, 24), (3, 1, 144, 24), (5, 2, 144, 40), (5, 1, 240, 40),
    (3, 2, 240, 80), (3, 1, 480, 80), (3, 1, 480, 80), (5, 1, 480, 112), (5, 1, 672, 112),
    (5, 1, 672, 112), (5, 2, 672, 192), (5, 1, 1152, 192), (5, 1, 1152, 192), (5, 1, 1152, 192),
    (3, 1, 1152, 320),
]  # fmt: skip
Arrays = dict[str, Any]


def random_arrays(seed: int = 3) -> Arrays:
    """A state dict as PyTorch names it, with values that keep the outputs of a size."""
    draw = np.random.default_rng(seed)
    arrays: Arrays = {}

    def convolution(name: str, *shape: int) -> None:
        scale = np.sqrt(2 / np.prod(shape[1:]))
        arrays[f"{name}.weight"] = draw.normal(0, scale, shape).astype(np.float32)

    def normalization(name: str, size: int) -> None:
        for part, low, high in (
            ("weight", 0.8, 1.2), ("bias", -0.2, 0.4), ("running_mean", -0.3, 0.3),
            ("running_var", 0.5, 1.5),
        ):  # fmt: skip
            arrays[f"{name}.{part}"] = draw.uniform(low, high, size).astype(np.float32)
        arrays[f"{name}.num_batches_tracked"] = np.array(7)

    convolution("_conv_stem", 32, 3, 3, 3)
    normalization("_bn0", 32)
    inputs = 32
    for number, (kernel, _, inside, outputs) in enumerate(LITE0):
        block = f"_blocks.{number}"
        if number:
            convolution(f"{block}._expand_conv", inside, inputs, 1, 1)
            normalization(f"{block}._bn0", inside)
        convolution(f"{block}._depthwise_conv", inside, 1, kernel, kernel)
        normalization(f"{block}._bn1", inside)
        convolution(f"{block}._project_conv", outputs, inside, 1, 1)
        normalization(f"{block}._bn2", outputs)
        inputs = outputs
    convolution("_conv_head", 1280, 320, 1, 1)
    normalization("_bn1", 1280)
    arrays["_fc.weight"] = np.zeros((1000, 1280), np.float32)
    arrays["_fc.bias"] = np.zeros(1000, np.float32)
    return arrays


def windows(x: Any, kernel: int, stride: int) -> Iterator[tuple[int, int, Any]]:
    """For each position in the kernel, the pixels [h, w, c] that it meets; padding as SAME."""
    sides = [-(-side // stride) for side in x.shape[:2]]
    pads = []
    for side, out in zip(x.shape, sides, strict=False):
        total = max((out - 1) * stride + kernel - side, 0)
        pads.append((total // 2, total - total // 2))
    padded = np.pad(x, [*pads, (0, 0)])
    for row in range(kernel):
        for column in range(kernel):
            yield (
                row,
                column,
                padded[row : row + sides[0] * stride : stride][: sides[0]][
                    :, column : column + sides[1] * stride : stride
                ][:, : sides[1]],
            )


def reference(arrays: Arrays, image: Any) -> Any:
    """The features of one image [h, w, 3] from 0 to 255, in float64."""

    def normalized(x: Any, name: str) -> Any:
        scale, shift, mean, variance = (
            arrays[f"{name}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        return (x - mean) / np.sqrt(variance + 1e-3) * scale + shift

    def full(x: Any, name: str, stride: int = 1) -> Any:
        kernel = arrays[f"{name}.weight"].astype(np.float64)
        parts = windows(x, kernel.shape[-1], stride)
        return sum(part @ kernel[:, :, row, column].T for row, column, part in parts)

    def depthwise(x: Any, name: str, stride: int) -> Any:
        kernel = arrays[f"{name}.weight"].astype(np.float64)
        parts = windows(x, kernel.shape[-1], stride)
        return sum(part * kernel[:, 0, row, column] for row, column, part in parts)

    def relu6(x: Any) -> Any:
        return np.clip(x, 0, 6)

    x = (image.astype(np.float64) - 127) / 128
    x = relu6(normalized(full(x, "_conv_stem", 2), "_bn0"))
    for number, (_, stride, _, outputs) in enumerate(LITE0):
        block, y = f"_blocks.{number}", x
        if number:
            y = relu6(normalized(full(y, f"{block}._expand_conv"), f"{block}._bn0"))
        y = relu6(normalized(depthwise(y, f"{block}._depthwise_conv", stride), f"{block}._bn1"))
        y = normalized(full(y, f"{block}._project_conv"), f"{block}._bn2")
        x = x + y if stride == 1 and x.shape[-1] == outputs else y
    x = relu6(normalized(full(x, "_conv_head"), "_bn1"))
    return x.mean((0, 1))
