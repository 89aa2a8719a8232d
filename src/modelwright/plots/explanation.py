"""The plot of explained images: each image, and the same with its heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.plots.canvas import (
    BLUE,
    FAINT,
    INK,
    RED,
    draw_image,
    escape_dollars,
    figure,
    truncate,
)

DRAWN = 20
"""Largest number of images that are drawn."""
_STRONGEST = 0.75
"""How much of the image the strongest weight covers."""


@dataclass(frozen=True)
class ExplainedImage:
    """An image with its explanation.

    Attributes:
        image: uint8 ``[height, width, channels]``.
        heat: the weight of each cell for the label, float32 ``[down, across]``.
        name: of the file.
        label: the explained label.
        top: the most probable labels with their probabilities.
    """

    image: UInt8Array
    heat: FloatArray
    name: str
    label: str
    top: Sequence[tuple[str, float]]


def draw_explanations(path: Path, images: Sequence[ExplainedImage]) -> Path:
    """Draws up to 20 images, each next to its heat map and its most probable labels.

    Blue cells speak for the label, red ones against it. The scale is that of each image alone.

    Args:
        path: the PNG to write.
        images: at least one.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = images[:DRAWN]
    with figure(path, 7.2, 2.55 * len(shown) + 0.3) as drawn:
        grid = drawn.subplots(len(shown), 3, squeeze=False, width_ratios=(1, 1, 1.1))
        for (given, heat, labels), one in zip(grid, shown, strict=True):
            for axes in (given, heat, labels):
                axes.set_axis_off()
            draw_image(given, one.image)
            given.set_title(escape_dollars(truncate(one.name, 24)), fontsize=9, color=FAINT)
            _draw_heat(heat, one)
            _draw_labels(labels, one.top, one.label)
    return path


def overlay(image: UInt8Array, heat: FloatArray) -> UInt8Array:
    """Returns a gray image uint8 ``[h, w, 3]`` with its cells in the color of their weight."""
    height, width = image.shape[:2]
    gray = image.astype(np.float32).mean(axis=-1, keepdims=True).repeat(3, axis=-1)
    gray = 96 + gray * (255 - 96) / 255  # light, so that both colors stand out
    down, across = heat.shape
    weights = heat[np.arange(height) * down // height][:, np.arange(width) * across // width]
    strength = np.abs(weights) / (np.abs(heat).max(initial=0) or 1) * _STRONGEST
    color = np.where((weights > 0)[..., None], _rgb(BLUE), _rgb(RED))
    mixed: FloatArray = gray * (1 - strength[..., None]) + color * strength[..., None]
    return np.asarray(mixed.round(), np.uint8)


def _draw_heat(axes: Any, one: ExplainedImage) -> None:
    draw_image(axes, overlay(one.image, one.heat))
    axes.set_title(escape_dollars(f"for {truncate(one.label, 20)}"), fontsize=9, color=BLUE)


def _draw_labels(axes: Any, top: Sequence[tuple[str, float]], explained: str) -> None:
    for line, (label, probability) in enumerate(top):
        at = 0.82 - 0.22 * line
        color = BLUE if label == explained else INK
        text = escape_dollars(truncate(label, 20))
        axes.text(0.0, at, f"{text}  {probability:.1%}", fontsize=10, color=color)
        axes.plot([0, probability], [at - 0.06] * 2, color=color, linewidth=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _rgb(color: str) -> FloatArray:
    return np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)], np.float32)
