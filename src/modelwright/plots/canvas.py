"""The figure that every plot draws on, with its font and colors, and the PNG file it becomes.

Agg draws the figures through matplotlib's object interface: there is no window, no pyplot, and no
setting that outlives a figure. This module draws nothing by itself.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelwright.core.errors import MissingDependencyError
from modelwright.core.files import write_atomic
from modelwright.core.types import UInt8Array

# The colors of Okabe and Ito, which people with any kind of color vision can tell apart.
BLUE, ORANGE, GREEN, RED, SKY, PINK = (
    *("#0072B2", "#E69F00", "#009E73"),
    *("#D55E00", "#56B4E9", "#CC79A7"),
)
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
INK, FAINT, GRID = "#222222", "#777777", "#DDDDDD"
DPI = 120


@contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """Yields a matplotlib figure of this size in inches; writes it as a PNG if the block succeeds.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "drawing needs matplotlib, which is missing; run pip install 'modelwright[train]'."
        ) from error
    with matplotlib.rc_context(_style()), warnings.catch_warnings():
        # A character that no font has is drawn as a box, which is better than no plot.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        drawn = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(drawn)
        yield drawn
        write_atomic(path, lambda file: canvas.print_png(file, metadata={"Software": None}))


def escape_dollars(text: str) -> str:
    """Returns text for matplotlib, in which an unescaped dollar sign would start a formula."""
    return text.replace("$", r"\$")


def truncate(text: str, width: int) -> str:
    """Returns at most ``width`` columns of text; a Chinese character takes two."""
    start, columns = "", 0
    for character in text:
        columns += columns_of(character)
        if columns > width:
            return start.rstrip() + "…"
        start += character
    return start


def wrap(text: str, width: int, lines: int) -> str:
    """Returns text in at most ``lines`` lines of ``width`` columns, broken at spaces."""
    rows: list[str] = []
    rest = " ".join(text.split())
    while rest and len(rows) < lines - 1:
        head = truncate(rest, width).removesuffix("…") if _columns(rest) > width else rest
        blank = head.rfind(" ")
        if len(head) < len(rest) and blank > len(head) // 2:
            head = head[:blank]
        rows.append(head.strip())
        rest = rest[len(head) :].lstrip()
    if rest:
        rows.append(truncate(rest, width))
    return "\n".join(rows)


def columns_of(character: str) -> int:
    """Returns 2 for a wide character of Chinese, Japanese or Korean, else 1."""
    return 2 if character >= "\u1100" and character not in "…–—“”‘’" else 1


def clean(axes: Any, *, grid: str = "y") -> None:
    """Removes what carries no information: two spines, the ticks, and strong grid lines."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=GRID, linewidth=0.8)


def _columns(text: str) -> int:
    return sum(columns_of(character) for character in text)


def _style() -> dict[str, Any]:
    return {
        "font.family": [*_chinese_font(), "DejaVu Sans"],
        "font.size": 10,
        "axes.titlesize": 12,
        "axes.titleweight": "normal",
        "axes.titlelocation": "left",
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "text.color": INK,
        "axes.unicode_minus": False,
        "text.usetex": False,
        "savefig.facecolor": "white",
        "figure.facecolor": "white",
    }


@functools.cache
def _chinese_font() -> tuple[str, ...]:
    """Returns the family of the Chinese font in the package zhplot, if it is installed.

    The package is located and not imported, because its import changes matplotlib's settings.
    """
    from matplotlib import font_manager

    package = importlib.util.find_spec("zhplot")
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / "fonts" / "NotoSansSC-Regular.ttf"
        if path.is_file():
            font_manager.fontManager.addfont(path)
            return (font_manager.FontProperties(fname=path).get_name(),)
    return ()


def draw_image(axes: Any, image: UInt8Array) -> None:
    """Draws an image, uint8 ``[height, width, channels]``, pixel for pixel."""
    gray = image.shape[-1] == 1
    axes.imshow(
        image[..., 0] if gray else image,
        cmap="gray" if gray else None,
        vmin=0,
        vmax=255,
        interpolation="nearest",
    )
