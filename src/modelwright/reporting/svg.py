"""The parts of a chart as SVG: texts, lines, scales. Colors come from the page's style sheet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelwright.core.html import Markup, plain
from modelwright.core.terminal import shorten

WIDTH = 680
"""Units of a chart's width. The page scales it to the screen."""


@dataclass(frozen=True)
class Scale:
    """Maps values to a position on the drawing, linearly."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Returns the position of a value, within the drawing."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)


def drawing(height: float, title: str, description: str, parts: Iterable[str]) -> Markup:
    """Returns an SVG with its title and description, which a screen reader reads out."""
    return Markup(
        f'<svg role="img" viewBox="0 0 {WIDTH} {height:g}" aria-label="{plain(title)}">'
        f"<title>{plain(title)}</title><desc>{plain(description)}</desc>"
        f'<g aria-hidden="true">{"".join(parts)}</g></svg>'
    )


def text(x: float, y: float, content: object, kind: str = "", width: int = 0) -> str:
    """Returns a text. ``kind`` is its class, ``width`` the most columns that it takes."""
    said = shorten(str(content), width) if width else content
    name = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{name}>{plain(said)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """Returns a straight line."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def rectangle(x: float, y: float, width: float, height: float, kind: str) -> str:
    """Returns a filled rectangle."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" class="{kind}"/>'


def circle(x: float, y: float, radius: float, kind: str) -> str:
    """Returns a circle."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" class="{kind}"/>'


def polygon(points: Sequence[tuple[float, float]], kind: str) -> str:
    """Returns a filled area between points."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polygon points="{joined}" class="{kind}"/>'


def polyline(points: Sequence[tuple[float, float]], kind: str) -> str:
    """Returns a line through points."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{joined}" class="{kind}"/>'


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Returns round values from ``low`` to ``high``, about ``count`` of them."""
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, int(high / step + 1e-9) + 1)]


def x_axis(scale: Scale, y: float, top: float, labels: Sequence[tuple[float, str]]) -> list[str]:
    """Returns the marks below a drawing, with thin lines up to ``top``."""
    parts = []
    for value, name in labels:
        x = scale(value)
        parts += [line(x, top, x, y, "grid"), text(x, y + 16, name, "tick middle")]
    return parts


def y_axis(
    scale: Scale, left: float, right: float, labels: Sequence[tuple[float, str]]
) -> list[str]:
    """Returns the marks at the left of a drawing, with thin lines to ``right``."""
    parts = []
    for value, name in labels:
        y = scale(value)
        parts += [line(left, y, right, y, "grid"), text(left - 6, y + 4, name, "tick end")]
    return parts
