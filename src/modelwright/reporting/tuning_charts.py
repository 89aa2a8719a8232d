"""The charts of a search: trials over trials, over a dimension, or over what a model costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from modelwright.core.html import Markup
from modelwright.reporting.charts import Said
from modelwright.reporting.svg import (
    WIDTH,
    Scale,
    circle,
    drawing,
    line,
    polyline,
    text,
    ticks,
    x_axis,
    y_axis,
)

MarkKind = Literal["best", "finished", "pruned", "beyond"]
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, WIDTH - 20.0, 14.0, 214.0
_COLUMNS = 16
_STEPS = 8


@dataclass(frozen=True)
class Mark:
    """One trial. ``x`` and ``y`` are in the units of the axes."""

    x: float
    y: float
    kind: MarkKind = "finished"


@dataclass(frozen=True)
class Across:
    """The horizontal axis: its ends, or the names of positions 0, 1, 2, and a limit."""

    low: float
    high: float
    log: bool = False
    names: Sequence[str] = field(default_factory=tuple)
    whole: bool = False
    step: float | None = None
    limit: float | None = None

    def place(self, value: float) -> float:
        """Returns where a value lies on the linear scale of the drawing."""
        return math.log10(value) if self.log else value

    def marks(self) -> list[tuple[float, str]]:
        """Returns the named positions."""
        if self.names:
            return [(float(number), name) for number, name in enumerate(self.names)]
        if self.log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            powers = [float(one) for one in range(first, last + 1)]
            if len(powers) > 1:
                return [(one, f"{10**one:g}") for one in powers]
            ends = (self.low, math.sqrt(self.low * self.high), self.high)
            return [(math.log10(one), f"{one:.2g}") for one in ends]
        count = 1 + round((self.high - self.low) / self.step) if self.step else 0
        if 1 < count <= _STEPS and self.step:
            steps = [self.low + number * self.step for number in range(count)]
            return [(one, f"{one:,.6g}") for one in steps]
        found = ticks(self.low, self.high, 6)
        return [(one, f"{one:,.6g}") for one in found if not self.whole or one == int(one)]


def scatter(
    marks: Sequence[Mark],
    across: Across,
    limits: tuple[float, float],
    said: Said,
    *,
    percent: bool,
    stairs: Sequence[tuple[float, float]] = (),
) -> Markup:
    """Returns a mark for each trial: a dot if finished, a cross if pruned, a ring beyond a limit.

    Args:
        marks: the trials; one outside ``limits`` is drawn at the edge.
        across: the horizontal axis.
        limits: the ends of the vertical axis.
        said: the words of the chart.
        percent: whether the vertical axis has shares.
        stairs: the corners of a line that keeps its height until the next one.
    """
    spare = 0.5 if across.names else 0.04 * (across.place(across.high) - across.place(across.low))
    scale = Scale(
        across.place(across.low) - spare, across.place(across.high) + spare, _LEFT, _RIGHT
    )
    up = Scale(*limits, _BOTTOM, _TOP)
    named = [(v, f"{100 * v:.4g}" if percent else f"{v:.4g}") for v in ticks(*limits)]
    parts = y_axis(up, _LEFT, _RIGHT, named)
    parts += [
        part
        for value, name in across.marks()
        for part in x_axis(scale, _BOTTOM, _BOTTOM, [(value, _cut(name, len(across.names)))])
    ]
    if across.limit is not None:
        x = scale(across.place(across.limit))
        parts.append(line(x, _TOP, x, _BOTTOM, "best"))
    if stairs:
        corners: list[tuple[float, float]] = []
        for x_value, y_value in stairs:
            x, y = scale(across.place(x_value)), up(y_value)
            corners += [(x, corners[-1][1])] if corners else []
            corners.append((x, y))
        corners.append((_RIGHT, corners[-1][1]))
        parts.append(polyline(corners, "line other"))
    for number, one in enumerate(sorted(marks, key=lambda mark: mark.kind == "best")):
        shift = 0.3 * (number * 0.6180339887 % 1) - 0.15 if across.names else 0.0
        parts += _draw(scale(across.place(one.x) + shift), up(one.y), one.kind)
    parts.append(text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, said.across, "tick middle"))
    return drawing(_BOTTOM + 44, said.title, said.description, parts)


def _cut(name: str, count: int) -> str:
    width = max(4, min(_COLUMNS * 2, 80 // max(1, count)))
    return name if len(name) <= width else name[: width - 1] + "…"


def _draw(x: float, y: float, kind: MarkKind) -> list[str]:
    if kind == "pruned":
        return [
            line(x - 3, y - 3, x + 3, y + 3, "cross"),
            line(x - 3, y + 3, x + 3, y - 3, "cross"),
        ]
    if kind == "beyond":
        return [circle(x, y, 4, "ring")]
    return [circle(x, y, 7, "dot other")] if kind == "best" else [circle(x, y, 4, "dot one")]
