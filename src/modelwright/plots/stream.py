"""The plots of a stream study: macro-F1 after each step, and what is lost of each domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.plots.canvas import (
    FAINT,
    INK,
    SERIES,
    clean,
    escape_dollars,
    figure,
    truncate,
    wrap,
)

_MOST = 40
"""Largest number of domains whose loss is drawn."""
_MARKS = ("o", "s", "D", "^", "v", "P", "X", "*", "<", ">")


@dataclass(frozen=True)
class StreamLine:
    """One strategy.

    Attributes:
        name: its name.
        curve: macro-F1 after each step, from 0 to 1.
        losses: by domain, macro-F1 at the end minus that right after learning.
    """

    name: str
    curve: Sequence[float]
    losses: Mapping[str, float]


def draw_curves(
    path: Path, lines: Sequence[StreamLine], *, title: str, names: Sequence[str] = ()
) -> Path:
    """Draws macro-F1 over the domains learned so far, after each step.

    Args:
        path: the PNG to write.
        lines: the strategies.
        title: above the plot.
        names: the names of the steps, if all lines have the same; otherwise steps are counted.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    with figure(path, 8.4, 4.8) as drawn:
        axes = drawn.subplots()
        for number, line in enumerate(lines):
            steps = range(1, len(line.curve) + 1)
            axes.plot(steps, line.curve, label=escape_dollars(line.name), **_style(number))
        most = max(len(line.curve) for line in lines)
        if names:
            shown = [escape_dollars(wrap(name, 12, 2)) for name in names[:most]]
            axes.set_xticks(range(1, most + 1), shown)
        else:
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.set_xlabel("domains learned")
        axes.yaxis.set_major_formatter(_percent)
        axes.set_ylabel("macro-F1, mean over the domains so far")
        axes.set_title(escape_dollars(truncate(title, 70)))
        clean(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return path


def draw_losses(path: Path, lines: Sequence[StreamLine], *, title: str) -> Path:
    """Draws what is lost of each domain until the end, in points of macro-F1.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    names = list(dict.fromkeys(name for line in lines for name in line.losses))
    shown = names[:_MOST]
    with figure(path, 8.4, max(2.6, 0.42 * len(shown) + 1.6)) as drawn:
        axes = drawn.subplots()
        axes.axvline(0, color=FAINT, linewidth=1)
        for number, line in enumerate(lines):
            known = [at for at, name in enumerate(shown) if name in line.losses]
            values = [100 * line.losses[shown[at]] for at in known]
            style = {**_style(number), "linestyle": ""}
            axes.plot(values, known, label=escape_dollars(line.name), **style)
        axes.set_yticks(
            range(len(shown)), [escape_dollars(wrap(name, 24, 2)) for name in shown], color=INK
        )
        axes.set_ylim(len(shown) - 0.5, -0.5)
        more = f", the first {_MOST} of {len(names)}" if len(names) > _MOST else ""
        axes.set_xlabel("points of macro-F1, at the end minus right after learning")
        axes.set_title(escape_dollars(truncate(title, 60)) + more)
        clean(axes, grid="x")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return path


def _style(number: int) -> dict[str, Any]:
    """Returns a color and a mark: no two of the first sixty strategies share both."""
    return {
        "color": SERIES[number % len(SERIES)],
        "marker": _MARKS[number % len(_MARKS)],
        "linestyle": "-" if number < len(SERIES) else "--",
        "markersize": 6,
        "markeredgecolor": "white",
        "linewidth": 1.6,
    }


def _percent(value: float, position: int | None = None) -> str:
    return f"{100 * value:.4g} %"
