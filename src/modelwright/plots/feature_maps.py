"""The plot of what the layers of a network make of one picture: a row of small maps a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.plots.canvas import FAINT, INK, cut, figure, plain

_SIZE = 1.15


@dataclass(frozen=True)
class LayerMaps:
    """A layer's output float32 ``[h, w, channels]`` and which of its channels to draw."""

    name: str
    values: FloatArray
    channels: tuple[int, ...]


def draw_layers(
    path: Path, picture: UInt8Array, layers: Sequence[LayerMaps], *, title: str
) -> Path:
    """Draw a picture and, below it, the maps of each layer.

    White is zero, red above, blue below; each map has its own scale, so that its pattern shows
    however weak it is.

    Args:
        path: The PNG to write.
        picture: ``[h, w, c]``, grey with one channel, else RGB.
        layers: At least one, from the first to the last.
        title: Beside the picture.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    columns = max(len(layer.channels) for layer in layers)
    rows = len(layers) + 1
    with figure(path, _SIZE * max(columns, 5) + 0.1, (_SIZE + 0.42) * rows) as drawn:
        parts = drawn.subfigures(rows, 1)
        gray = picture.shape[-1] == 1
        [axes, *_] = _row(parts[0], cut(title, 90), columns)
        axes.imshow(
            picture[..., 0] if gray else picture,
            cmap="gray" if gray else None,
            vmin=0,
            vmax=255,
            interpolation="nearest",
        )
        for part, layer in zip(parts[1:], layers, strict=True):
            height, width, channels = layer.values.shape
            head = f"{cut(layer.name, 40)}:  {height} x {width}, {channels} channels"
            for axes, channel in zip(_row(part, head, columns), layer.channels, strict=False):
                values = layer.values[..., channel]
                limit = float(abs(values).max()) or 1.0
                axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
                axes.set_title(str(channel), fontsize=7, color=FAINT, loc="center", pad=2)
    return path


def _row(part: Any, title: str, columns: int) -> list[Any]:
    """A title and so many empty places for pictures."""
    part.suptitle(plain(title), x=0.01, ha="left", fontsize=10, color=INK)
    places = list(part.subplots(1, max(columns, 5), squeeze=False)[0])
    for axes in places:
        axes.set_axis_off()
    return places
