"""The charts of a page: plain numbers in, SVG out. Each names in words what it draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from modelwright.core.html import Markup
from modelwright.reporting.svg import (
    WIDTH,
    Scale,
    circle,
    drawing,
    line,
    polyline,
    rectangle,
    text,
    ticks,
    x_axis,
    y_axis,
)

_GUTTER, _RIGHT = 190, WIDTH - 20
_ROW = 26
_LABEL_COLUMNS = 26


@dataclass(frozen=True)
class Dot:
    """A share with its interval, and single points such as seeds."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    points: Sequence[float] = field(default_factory=tuple)
    main: bool = True
    """Whether it is what the page is about, and not something to compare it with."""


@dataclass(frozen=True)
class Series:
    """The values of one line; those that are not finite are left out."""

    label: str
    values: Sequence[float]


@dataclass(frozen=True)
class Said:
    """The words of a chart in the language of the page."""

    title: str
    description: str
    across: str = ""


def dot_plot(dots: Sequence[Dot], said: Said, limits: tuple[float, float] = (0.0, 1.0)) -> Markup:
    """Returns a row for each share: a dot, a line over its interval, small dots for its points.

    ``limits`` are the smallest and the largest value that there can be. If values are on both sides
    of 0, a line stands there.
    """
    seen = [
        value
        for dot in dots
        for value in (dot.value, dot.low, dot.high, *dot.points)
        if value is not None
    ]
    margin = max(0.005, 0.06 * (max(seen) - min(seen)))
    low, high = max(limits[0], min(seen) - margin), min(limits[1], max(seen) + margin)
    scale = Scale(low, high, _GUTTER, _RIGHT)
    bottom = 12 + _ROW * len(dots)
    marks = [(value, f"{100 * value:.4g}") for value in ticks(low, high)]
    parts = x_axis(scale, bottom, 6, marks)
    if low < 0 < high:
        parts.append(line(scale(0), 6, scale(0), bottom, "best"))
    for position, dot in enumerate(dots):
        y = 12 + _ROW * (position + 0.5)
        kind = "one" if dot.main else "other"
        parts.append(text(_GUTTER - 10, y + 4, dot.label, "end", _LABEL_COLUMNS))
        if dot.low is not None and dot.high is not None:
            parts.append(line(scale(dot.low), y, scale(dot.high), y, f"interval {kind}"))
        parts += [circle(scale(value), y, 2.5, "point") for value in dot.points]
        parts.append(circle(scale(dot.value), y, 5, f"dot {kind}"))
    parts.append(text((_GUTTER + _RIGHT) / 2, bottom + 34, said.across, "tick middle"))
    return drawing(bottom + 42, said.title, said.description, parts)


def bars(rows: Sequence[tuple[str, int]], said: Said) -> Markup:
    """Returns a bar for each count, with the count at its end."""
    most = max((count for _, count in rows), default=0)
    scale = Scale(0, most or 1, 0, _RIGHT - _GUTTER - 60)
    parts = []
    for position, (label, count) in enumerate(rows):
        y = 6 + _ROW * position
        parts += [
            text(_GUTTER - 10, y + 15, label, "end", _LABEL_COLUMNS),
            rectangle(_GUTTER, y + 3, max(1.0, scale(count)), _ROW - 9, "bar"),
            text(_GUTTER + scale(count) + 6, y + 15, f"{count:,}", "tick"),
        ]
    return drawing(12 + _ROW * len(rows), said.title, said.description, parts)


def histogram(edges: Sequence[float], counts: Sequence[int], said: Said) -> Markup:
    """Returns a bar for each interval between two edges."""
    left, top, bottom = 60.0, 10.0, 190.0
    across = Scale(edges[0], edges[-1], left, _RIGHT)
    up = Scale(0, max(counts) or 1, bottom, top)
    parts = y_axis(up, left, _RIGHT, [(v, f"{v:,.0f}") for v in ticks(0, max(counts), 4)])
    for start, end, count in zip(edges, edges[1:], counts, strict=False):
        width = max(1.0, across(end) - across(start) - 1)
        parts.append(rectangle(across(start), up(count), width, bottom - up(count), "bar"))
    marks = ticks(edges[0], edges[-1], 6)
    parts += [text(across(value), bottom + 16, f"{value:,.0f}", "tick middle") for value in marks]
    parts.append(text((left + _RIGHT) / 2, bottom + 36, said.across, "tick middle"))
    return drawing(bottom + 44, said.title, said.description, parts)


def lines(series: Sequence[Series], said: Said, *, best: int | None = None) -> Markup:
    """Returns a line for each series over its positions from 1. ``best`` is marked."""
    left, top, bottom, right = 60.0, 14.0, 214.0, _RIGHT - 90.0
    finite = [value for one in series for value in one.values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    spare = 0.05 * (high - low) or 0.05 * (abs(high) or 1.0)
    up = Scale(low - spare, high + spare, bottom, top)
    count = max(len(one.values) for one in series)
    across = Scale(1, max(2, count), left + 8, right)
    marks = [value for value in ticks(1, max(2, count), 8) if value == int(value) and value >= 1]
    parts = y_axis(up, left, right, [(v, f"{v:.4g}") for v in ticks(up.low, up.high)])
    if best is not None:
        parts.append(line(across(best), top, across(best), bottom, "best"))
    parts += [text(across(v), bottom + 16, f"{v:,.0f}", "tick middle") for v in marks]
    ends = []
    for number, one in enumerate(series):
        kind = "one" if number else "other"
        points = [
            (across(at), up(value))
            for at, value in enumerate(one.values, 1)
            if math.isfinite(value)
        ]
        if not points:
            continue
        parts.append(polyline(points, f"line {kind}"))
        parts += [circle(x, y, 2.5, f"dot {kind}") for x, y in points if count <= 40]
        ends.append((points[-1][1] + 4, points[-1][0] + 8, one.label, f"name {kind}"))
    parts += _names(ends)
    parts.append(text((left + right) / 2, bottom + 34, said.across, "tick middle"))
    return drawing(bottom + 42, said.title, said.description, parts)


def _names(ends: list[tuple[float, float, str, str]]) -> list[str]:
    """Returns the names at the ends of lines, moved apart where they would overlap."""
    parts, lowest = [], 0.0
    for y, x, label, kind in sorted(ends):
        lowest = max(y, lowest + 15)
        parts.append(text(x, lowest, label, kind))
    return parts


def reliability(bins: Sequence[tuple[float, float, int]], said: Said) -> Markup:
    """Returns a dot for each bin (confidence, accuracy, rows) beside the line of equality.

    The area of a dot grows with its rows.
    """
    left, top, bottom = 60.0, 10.0, 330.0
    right = left + 320.0
    lowest = min(min(confidence, accuracy) for confidence, accuracy, _ in bins)
    low = max(0.0, math.floor(10 * lowest) / 10)
    across, up = Scale(low, 1, left, right), Scale(low, 1, bottom, top)
    marks = [(value, f"{100 * value:.0f}") for value in ticks(low, 1)]
    parts = [*x_axis(across, bottom, top, marks), *y_axis(up, left, right, marks)]
    parts.append(line(across(low), up(low), across(1), up(1), "best"))
    most = max(count for _, _, count in bins)
    for confidence, accuracy, count in bins:
        radius = 3 + 9 * math.sqrt(count / most)
        parts.append(circle(across(confidence), up(accuracy), round(radius, 1), "dot soft"))
    parts.append(text(left, bottom + 34, said.across, "tick"))
    return drawing(bottom + 42, said.title, said.description, parts)
