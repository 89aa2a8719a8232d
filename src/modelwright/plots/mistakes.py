"""The plot of what a model got wrong: pictures in a grid, texts in a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.core.types import UInt8Array
from modelwright.plots.canvas import FAINT, GRID, INK, RED, cut, figure, plain, wrap

LIMIT = 20
"""Rows drawn at most."""
_COLUMNS = 5


def draw_mistakes(
    path: Path,
    inputs: Sequence[str] | UInt8Array,
    true: Sequence[str],
    predicted: Sequence[str],
    confidence: Sequence[float],
) -> Path:
    """Draw up to 20 rows with their true and predicted class and the model's confidence.

    Args:
        path: The PNG to write.
        inputs: Texts, or pictures, uint8 ``[n, h, w, c]``.
        true: The name of each row's class.
        predicted: The name of the class that the model gave.
        confidence: The probability that it gave it, 0 to 1.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = min(LIMIT, len(true))
    heads = [(true[row], predicted[row], confidence[row]) for row in range(shown)]
    if shown == 0:
        with figure(path, 4, 1) as drawn:
            drawn.text(0.5, 0.5, "no mistakes", ha="center", va="center", color=FAINT)
    elif isinstance(inputs[0], str):
        _draw_texts(path, [str(text) for text in inputs[:shown]], heads)
    else:
        _draw_pictures(path, inputs, heads)
    return path


def _draw_pictures(path: Path, pictures: object, heads: Sequence[tuple[str, str, float]]) -> None:
    rows = -(-len(heads) // _COLUMNS)
    columns = min(_COLUMNS, len(heads))
    with figure(path, 1.9 * columns + 0.2, 2.35 * rows + 0.1) as drawn:
        cells = drawn.subplots(rows, columns, squeeze=False).ravel()
        for axes in cells:
            axes.set_axis_off()
        for row, (axes, (true, predicted, sure)) in enumerate(zip(cells, heads, strict=False)):
            picture = pictures[row]  # type: ignore[index]
            gray = picture.shape[-1] == 1
            axes.imshow(
                picture[..., 0] if gray else picture,
                cmap="gray" if gray else None,
                vmin=0,
                vmax=255,
                interpolation="nearest",
            )
            axes.set_title(plain(cut(true, 18)), fontsize=10, loc="center", pad=17, color=INK)
            label = plain(f"→ {cut(predicted, 14)} {sure:.0%}")
            axes.text(
                0.5, 1.03, label, transform=axes.transAxes, ha="center", fontsize=9, color=RED
            )


def _draw_texts(path: Path, texts: Sequence[str], heads: Sequence[tuple[str, str, float]]) -> None:
    wrapped = [plain(wrap(text, 112, 3)) for text in texts]
    heights = [max(2, text.count("\n") + 1) + 0.9 for text in wrapped]
    whole = sum(heights)
    with figure(path, 10, 0.21 * whole + 0.2) as drawn:
        axes = drawn.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, 1)
        axes.set_ylim(whole, 0)
        top = 0.0
        for text, height, (true, predicted, sure) in zip(wrapped, heights, heads, strict=True):
            middle = top + height / 2
            axes.text(0.0, middle - 0.5, plain(cut(true, 20)), va="center")
            given = plain(f"→ {cut(predicted, 14)} {sure:.0%}")
            axes.text(0.0, middle + 0.6, given, va="center", color=RED)
            axes.text(0.19, middle, text, va="center", fontsize=9, linespacing=1.3)
            top += height
            axes.axhline(top, color=GRID, linewidth=0.8)
