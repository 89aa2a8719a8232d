"""The plot of the feature maps of one image: one row of small maps for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.plots.canvas import FAINT, INK, draw_image, escape_dollars, figure, truncate

_SIZE = 1.15


@dataclass(frozen=True)
class LayerMaps:
    """The output of a layer, float32 ``[h, w, channels]``, and the channels to draw."""

    name: str
    values: FloatArray
    channels: tuple[int, ...]


def draw_layers(path: Path, image: UInt8Array, layers: Sequence[LayerMaps], *, title: str) -> Path:
    """Draws an image and, below it, the maps of each layer.

    White is zero, red is positive and blue is negative. Each map has its own scale, so that a
    weak pattern can be seen too.

    Args:
        path: the PNG to write.
        image: ``[h, w, c]``, gray if it has one channel, else RGB.
        layers: at least one, from first to last.
        title: above the image.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    columns = max(len(layer.channels) for layer in layers)
    rows = len(layers) + 1
    with figure(path, _SIZE * max(columns, 5) + 0.1, (_SIZE + 0.42) * rows) as drawn:
        parts = drawn.subfigures(rows, 1)
        [axes, *_] = _row(parts[0], truncate(title, 90), columns)
        draw_image(axes, image)
        for part, layer in zip(parts[1:], layers, strict=True):
            height, width, channels = layer.values.shape
            head = f"{truncate(layer.name, 40)}:  {height} x {width}, {channels} channels"
            for axes, channel in zip(_row(part, head, columns), layer.channels, strict=False):
                values = layer.values[..., channel]
                limit = float(abs(values).max()) or 1.0
                axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
                axes.set_title(str(channel), fontsize=7, color=FAINT, loc="center", pad=2)
    return path


def _row(part: Any, title: str, columns: int) -> list[Any]:
    """Adds a title and returns empty axes for this many images."""
    part.suptitle(escape_dollars(title), x=0.01, ha="left", fontsize=10, color=INK)
    all_axes = list(part.subplots(1, max(columns, 5), squeeze=False)[0])
    for axes in all_axes:
        axes.set_axis_off()
    return all_axes
