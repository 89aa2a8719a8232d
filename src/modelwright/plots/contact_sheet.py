"""The contact sheet of explained images: groups of images, each next to its heat map."""

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
from modelwright.plots.explanation import overlay

_COLUMNS = 5


@dataclass(frozen=True)
class SheetImage:
    """An image with its heat map.

    Attributes:
        image: uint8 ``[height, width, channels]``.
        heat: the weight of each cell for the explained label, float32 ``[down, across]``.
        label: the label that the image has; None if it has none.
        answer: the label that the model gives.
        probability: of the answer.
        name: of the file or row.
        explained: the label of the heat map, if it is not the answer.
    """

    image: UInt8Array
    heat: FloatArray
    label: str | None
    answer: str
    probability: float
    name: str
    explained: str | None = None


@dataclass(frozen=True)
class SheetGroup:
    """Images under a title. ``nothing`` is written if there are none."""

    title: str
    images: Sequence[SheetImage]
    nothing: str


def draw_contact_sheet(path: Path, groups: Sequence[SheetGroup]) -> Path:
    """Draws groups of images, five in a line, each next to its heat map.

    Blue cells speak for the explained label, red ones against it.

    Args:
        path: the PNG to write.
        groups: at least one.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    lines = [max(1, -(-len(group.images) // _COLUMNS)) for group in groups]
    heights = [0.45 + (1.75 * count if group.images else 0.4)
               for group, count in zip(groups, lines, strict=True)]  # fmt: skip
    with figure(path, 12.5, sum(heights)) as drawn:
        parts = drawn.subfigures(len(groups), 1, height_ratios=heights, squeeze=False).ravel()
        for part, group, count in zip(parts, groups, lines, strict=True):
            part.suptitle(group.title, x=0.01, ha="left", fontsize=12, color=INK)
            if not group.images:
                part.text(0.01, 0.3, escape_dollars(group.nothing), color=FAINT)
                continue
            cells = part.subplots(count, _COLUMNS, squeeze=False).ravel()
            for axes in cells:
                axes.set_axis_off()
            for axes, one in zip(cells, group.images, strict=False):
                _draw(axes, one)
    return path


def _draw(axes: Any, one: SheetImage) -> None:
    draw_image(axes, _pair(one))
    answer = f"{truncate(one.answer, 16)} {one.probability:.0%}"
    wrong = one.label is not None and one.label != one.answer
    said = f"{truncate(one.label or '', 14)} → {answer}" if wrong else answer
    axes.set_title(escape_dollars(said), fontsize=9.5, loc="center", color=RED if wrong else INK)
    name = truncate(one.name, 34)
    if one.explained is not None:
        name = f"for {truncate(one.explained, 16)} · {truncate(one.name, 18)}"
    color = FAINT if one.explained is None else BLUE
    axes.text(0.5, -0.04, escape_dollars(name), transform=axes.transAxes, ha="center", va="top",
              fontsize=7, color=color)  # fmt: skip


def _pair(one: SheetImage) -> UInt8Array:
    """Returns the image and its heat map side by side, uint8 ``[h, w, 3]``, with a white gap."""
    image = one.image if one.image.shape[-1] == 3 else one.image[..., :1].repeat(3, axis=-1)
    gap = np.full((image.shape[0], max(1, image.shape[1] // 16), 3), 255, np.uint8)
    return np.concatenate([image, gap, overlay(one.image, one.heat)], axis=1)
