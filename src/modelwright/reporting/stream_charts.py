"""The charts of a stream study: a line or a mark for each strategy, each with its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from modelwright.core.html import Markup
from modelwright.reporting.charts import Said, Series
from modelwright.reporting.svg import (
    Scale,
    circle,
    drawing,
    line,
    polygon,
    polyline,
    rectangle,
    text,
    ticks,
    x_axis,
    y_axis,
)

_TOP, _LEFT, _RIGHT = 14.0, 60.0, 520.0
_GUTTER = 170.0
_NAMES = 558.0
"""Where the names of the lines begin."""
_COLUMNS = 15
_APART, _ROW = 17.0, 24.0
_COLORS = 6
_DRAWN_MARKS = 40


@dataclass(frozen=True)
class Marks:
    """The values of one strategy by the name of a row. ``label`` is its name."""

    label: str
    values: Mapping[str, float]


def curves(series: Sequence[Series], said: Said, names: Sequence[str] = ()) -> Markup:
    """Returns a line for each strategy over the steps, from 1, with its name at its end.

    Args:
        series: shares from 0 to 1; at least one has a value.
        said: the words of the chart.
        names: the names of the steps, if all lines have the same; otherwise steps are counted.
    """
    bottom = _TOP + max(220.0, _APART * len(series))
    values = [value for one in series for value in one.values]
    margin = max(0.005, 0.06 * (max(values) - min(values)))
    up = Scale(max(0.0, min(values) - margin), min(1.0, max(values) + margin), bottom, _TOP)
    count = max(len(one.values) for one in series)
    across = Scale(1, max(2, count), _LEFT + 10, _RIGHT - 10)
    parts = y_axis(up, _LEFT, _RIGHT, [(v, f"{100 * v:.4g}") for v in ticks(up.low, up.high)])
    for value in ticks(1, max(2, count), 10):
        if value == int(value) <= count:
            name = names[int(value) - 1] if names else f"{value:.0f}"
            width = max(4, 60 // max(1, count)) if names else 0
            parts.append(text(across(value), bottom + 16, name, "tick middle", width))
    ends = []
    for number, one in enumerate(series):
        points = [(across(at), up(value)) for at, value in enumerate(one.values, 1)]
        if not points:
            continue
        parts.append(polyline(points, f"curve {_kind(number)}"))
        if count <= _DRAWN_MARKS:
            parts += [_mark(x, y, number) for x, y in points]
        ends.append((points[-1][1], points[-1][0], number, one.label))
    parts += _name_ends(ends, bottom)
    parts.append(text((_LEFT + _RIGHT) / 2, bottom + 38, said.across, "tick middle"))
    return drawing(bottom + 46, said.title, said.description, parts)


def marks(rows: Sequence[str], strategies: Sequence[Marks], said: Said) -> Markup:
    """Returns a row for each name, with a mark for each strategy, and a line at 0.

    Args:
        rows: the names of the rows, at least one of which has a value.
        strategies: their values.
        said: the words of the chart.
    """
    bottom = _TOP + max(_ROW * len(rows), _APART * len(strategies))
    found = [one.values[row] for one in strategies for row in rows if row in one.values]
    low, high = min(0.0, *found), max(0.0, *found)
    margin = max(0.002, 0.06 * (high - low))
    scale = Scale(low - margin, high + margin, _GUTTER, _RIGHT)
    named = [(value, f"{100 * value:.4g}") for value in ticks(scale.low, scale.high, 6)]
    parts = x_axis(scale, bottom, _TOP - 6, named)
    parts.append(line(scale(0), _TOP - 6, scale(0), bottom, "best"))
    for position, row in enumerate(rows):
        y = _TOP + _ROW * (position + 0.5)
        parts.append(text(_GUTTER - 10, y + 4, row, "end", 23))
        parts += [
            _mark(scale(one.values[row]), y, number)
            for number, one in enumerate(strategies)
            if row in one.values
        ]
    for number, one in enumerate(strategies):
        y = _TOP + _APART * (number + 0.5)
        parts += [_mark(_NAMES - 12, y, number), text(_NAMES, y + 4, one.label, "", _COLUMNS)]
    parts.append(text((_GUTTER + _RIGHT) / 2, bottom + 34, said.across, "tick middle"))
    return drawing(bottom + 42, said.title, said.description, parts)


def _name_ends(ends: Sequence[tuple[float, float, int, str]], bottom: float) -> list[str]:
    """Returns the names of lines in the order of their ends, each with its mark and a thin line."""
    ordered = sorted(ends)
    places, lowest = [], _TOP
    for position, (y, *_) in enumerate(ordered):
        room = bottom - _APART * (len(ordered) - 1 - position)  # for the names below
        lowest = max(lowest, min(y, room))
        places.append(lowest)
        lowest += _APART
    parts = []
    for (y, x, number, label), place in zip(ordered, places, strict=True):
        parts += [
            line(x + 6, y, _NAMES - 18, place, "grid"),
            _mark(_NAMES - 12, place, number),
            text(_NAMES, place + 4, label, "", _COLUMNS),
        ]
    return parts


def _kind(number: int) -> str:
    """Returns the classes of a line. With its mark, no two of the first thirty look the same."""
    return f"c{number % _COLORS}" + (" dashed" if number // _COLORS % 2 else "")


def _mark(x: float, y: float, number: int) -> str:
    kind = f"mark c{number % _COLORS}"
    match number % 5:
        case 0:
            return circle(x, y, 4, kind)
        case 1:
            return rectangle(x - 3.5, y - 3.5, 7, 7, kind)
        case 2:
            return polygon([(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)], kind)
        case 3:
            return polygon([(x, y - 4.5), (x + 4.5, y + 3.5), (x - 4.5, y + 3.5)], kind)
    return polygon([(x, y + 4.5), (x + 4.5, y - 3.5), (x - 4.5, y - 3.5)], kind)
