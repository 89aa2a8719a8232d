"""The contact sheet of an augmentation: a row for each image, a column for each draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.types import UInt8Array
from modelwright.plots.canvas import FAINT, INK, draw_image, escape_dollars, figure, truncate, wrap

_CELL = 1.25
_NAMES = 1.7
_HEADER = 0.55
_CAPTION = 0.17


@dataclass(frozen=True)
class SheetColumn:
    """One column: its title, an image for each row, and a caption below each, or none."""

    title: str
    images: UInt8Array
    captions: Sequence[str] = ()


def draw_sheet(
    path: Path, names: Sequence[tuple[str, str]], columns: Sequence[SheetColumn], title: str
) -> Path:
    """Draws images and what became of them.

    Args:
        path: the PNG to write.
        names: of each row its label and where it came from.
        columns: the originals first.
        title: the settings that are drawn.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    lines = max(caption.count("\n") + 1 for one in columns for caption in (*one.captions, ""))
    captioned = any(one.captions for one in columns)
    height, width = columns[0].images.shape[1:3]
    cell = _CELL * min(1.6, max(0.6, height / width)) + (_CAPTION * lines if captioned else 0)
    size = (_NAMES + _CELL * len(columns), _HEADER + cell * len(names) + 0.1)
    with figure(path, *size) as drawn:
        drawn.suptitle(escape_dollars(wrap(title, int(13 * size[0]), 2)), x=0.01, ha="left",
                       fontsize=10)  # fmt: skip
        ratios = [_NAMES, *([_CELL] * len(columns))]
        cells = drawn.subplots(len(names), len(ratios), squeeze=False, width_ratios=ratios)
        for row, (label, origin) in enumerate(names):
            _write_name(cells[row][0], label, origin)
            for axes, column in zip(cells[row][1:], columns, strict=True):
                _draw_cell(axes, column.images[row])
                if row == 0:
                    axes.set_title(escape_dollars(truncate(column.title, 18)), fontsize=9,
                                   loc="center")  # fmt: skip
                if column.captions:
                    axes.set_xlabel(escape_dollars(column.captions[row]), fontsize=7, labelpad=2)
    return path


def _write_name(axes: Any, label: str, origin: str) -> None:
    axes.set_axis_off()
    axes.text(1.0, 0.55, escape_dollars(wrap(label, 22, 2)), ha="right", va="bottom",
              transform=axes.transAxes, color=INK)  # fmt: skip
    axes.text(1.0, 0.45, escape_dollars(_ending(origin, 30)), ha="right", va="top",
              transform=axes.transAxes, color=FAINT, fontsize=7)  # fmt: skip


def _ending(text: str, width: int) -> str:
    """Returns the end of a path, which says more than its beginning, in two lines at most."""
    name = text.replace("\\", "/").rpartition("/")
    return "\n".join(truncate(part, width) for part in (f"{name[0]}/", name[2]) if part != "/")


def _draw_cell(axes: Any, image: UInt8Array) -> None:
    draw_image(axes, image)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
