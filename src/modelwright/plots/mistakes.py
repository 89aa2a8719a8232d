"""The plot of the mistakes of a model: images in a grid, texts in a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modelwright.core.types import UInt8Array
from modelwright.plots.canvas import (
    FAINT,
    GRID,
    INK,
    RED,
    draw_image,
    escape_dollars,
    figure,
    truncate,
    wrap,
)

MISTAKES_DRAWN = 20
"""Largest number of rows that are drawn."""
_COLUMNS = 5


def draw_mistakes(
    path: Path,
    inputs: Sequence[str] | UInt8Array,
    true: Sequence[str],
    predicted: Sequence[str],
    confidence: Sequence[float],
    *,
    nothing: str = "no mistakes",
) -> Path:
    """Draws up to 20 rows with their true class, predicted class and confidence.

    Args:
        path: the PNG to write.
        inputs: texts, or images, uint8 ``[n, h, w, c]``.
        true: the name of the true class of each row.
        predicted: the name of the predicted class.
        confidence: the probability of the predicted class, 0 to 1.
        nothing: what is written if there are no rows.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = min(MISTAKES_DRAWN, len(true))
    answers = [(true[row], predicted[row], confidence[row]) for row in range(shown)]
    if shown == 0:
        with figure(path, 4, 1) as drawn:
            drawn.text(0.5, 0.5, nothing, ha="center", va="center", color=FAINT)
    elif isinstance(inputs, np.ndarray):
        _draw_images(path, inputs, answers)
    else:
        _draw_texts(path, [str(text) for text in inputs[:shown]], answers)
    return path


def _draw_images(path: Path, images: UInt8Array, answers: Sequence[tuple[str, str, float]]) -> None:
    rows = -(-len(answers) // _COLUMNS)
    columns = min(_COLUMNS, len(answers))
    with figure(path, 1.9 * columns + 0.2, 2.35 * rows + 0.1) as drawn:
        cells = drawn.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells:
            axes.set_axis_off()
        for row, (axes, (true, predicted, probability)) in enumerate(
            zip(cells, answers, strict=False)
        ):
            image = images[row]
            draw_image(axes, image)
            axes.set_title(
                escape_dollars(truncate(true, 18)), fontsize=10, loc="center", pad=17, color=INK
            )
            label = escape_dollars(f"→ {truncate(predicted, 14)} {probability:.0%}")
            axes.text(
                0.5, 1.03, label, transform=axes.transAxes, ha="center", fontsize=9, color=RED
            )


def _draw_texts(
    path: Path, texts: Sequence[str], answers: Sequence[tuple[str, str, float]]
) -> None:
    wrapped = [escape_dollars(wrap(text, 112, 3)) for text in texts]
    heights = [max(2, text.count("\n") + 1) + 0.9 for text in wrapped]
    whole = sum(heights)
    with figure(path, 10, 0.21 * whole + 0.2) as drawn:
        axes = drawn.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(whole, 0)
        top = 0.0
        for text, height, (true, predicted, probability) in zip(
            wrapped, heights, answers, strict=True
        ):
            middle = top + height / 2
            axes.text(0.0, middle - 0.5, escape_dollars(truncate(true, 20)), va="center")
            label = escape_dollars(f"→ {truncate(predicted, 14)} {probability:.0%}")
            axes.text(0.0, middle + 0.6, label, va="center", color=RED)
            axes.text(0.19, middle, text, va="center", fontsize=9, linespacing=1.3)
            top += height
            axes.axhline(top, color=GRID, linewidth=0.8)
