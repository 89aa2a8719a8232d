"""A figure to draw on, its font and its colours, and the file it becomes.

Figures are drawn by Agg through matplotlib's object interface: no window, no pyplot and no
setting that outlives a figure. It draws nothing by itself.
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

# Okabe and Ito's colours, told apart with any kind of colour vision.
BLUE, ORANGE, GREEN, RED, SKY, PINK = (
    *("#0072B2", "#E69F00", "#009E73"),
    *("#D55E00", "#56B4E9", "#CC79A7"),
)
SERIES = (BLUE, ORANGE, GREEN, PINK, SKY, RED)
INK, FAINT, GRID = "#222222", "#777777", "#DDDDDD"
DPI = 120


@contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Any]:
    """A matplotlib figure of that many inches; a PNG at ``path`` when the block ends well.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "drawing needs matplotlib, which is not here; run pip install 'modelwright[train]'."
        ) from error
    with matplotlib.rc_context(_style()), warnings.catch_warnings():
        # A sign that no font has is drawn as a box; a plot is not worth an error.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        drawn = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(drawn)
        yield drawn
        write_atomic(path, lambda file: canvas.print_png(file, metadata={"Software": None}))


def plain(text: str) -> str:
    """Text that matplotlib draws as it is: a dollar sign would start a formula."""
    return text.replace("$", r"\$")


def cut(text: str, width: int) -> str:
    """At most ``width`` columns of text; a Chinese character takes two."""
    taken, columns = "", 0
    for character in text:
        columns += columns_of(character)
        if columns > width:
            return taken.rstrip() + "…"
        taken += character
    return taken


def wrap(text: str, width: int, lines: int) -> str:
    """``text`` in at most so many lines of so many columns, broken at blanks where there are."""
    rows: list[str] = []
    rest = " ".join(text.split())
    while rest and len(rows) < lines - 1:
        head = cut(rest, width).removesuffix("…") if _columns(rest) > width else rest
        blank = head.rfind(" ")
        if len(head) < len(rest) and blank > len(head) // 2:
            head = head[:blank]
        rows.append(head.strip())
        rest = rest[len(head) :].lstrip()
    if rest:
        rows.append(cut(rest, width))
    return "\n".join(rows)


def columns_of(character: str) -> int:
    """2 for the wide characters of Chinese, Japanese and Korean, else 1."""
    return 2 if character >= "\u1100" and character not in "…–—“”‘’" else 1


def clean(axes: Any, *, grid: str = "y") -> None:
    """Take off what carries no information: two spines, the ticks, all but faint grid lines."""
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
    """The family of the font that the package zhplot carries; none where it is not installed.

    The package is found and not imported: its import changes matplotlib's settings for all.
    """
    from matplotlib import font_manager

    found = importlib.util.find_spec("zhplot")
    for place in (found.submodule_search_locations or []) if found else []:
        path = Path(place) / "fonts" / "NotoSansSC-Regular.ttf"
        if path.is_file():
            font_manager.fontManager.addfont(path)
            return (font_manager.FontProperties(fname=path).get_name(),)
    return ()
