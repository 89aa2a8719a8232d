"""The plot of a servable's engines: size, latency and accuracy beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelwright.plots.canvas import BLUE, GREEN, INK, ORANGE, clean, figure

_TITLES = ("size, MiB", "median of one row, ms", "accuracy, points of change")


def draw_quantize(
    path: Path,
    engines: Mapping[str, Sequence[float]],
    intervals: Mapping[str, Sequence[float]],
) -> Path:
    """Draw one row an engine, the first on top.

    Args:
        path: The PNG to write.
        engines: MiB, milliseconds, points of each.
        intervals: lower and upper end of the points of each.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    names = list(engines)
    at = range(len(names))
    with figure(path, 10, 0.42 * len(names) + 1.1) as drawn:
        panels = drawn.subplots(1, 3, sharey=True)
        for place, (axes, colour) in enumerate(zip(panels, (BLUE, ORANGE, GREEN), strict=True)):
            values = [engines[name][place] for name in names]
            if place < 2:
                axes.barh(at, values, color=colour, height=0.6)
                for row, value in enumerate(values):
                    axes.text(value, row, f" {value:.3g}", va="center", color=INK)
                axes.set_xlim(0, 1.25 * max(values))
            else:
                reach = [
                    [value - intervals[name][0] for name, value in zip(names, values, strict=True)],
                    [intervals[name][1] - value for name, value in zip(names, values, strict=True)],
                ]
                axes.axvline(0, color=INK, linewidth=0.8)
                axes.errorbar(values, at, xerr=reach, fmt="o", color=colour, capsize=3)
            axes.set_title(_TITLES[place])
            clean(axes, grid="x")
        panels[0].set_yticks(at, names)
        panels[0].set_ylim(len(names) - 0.4, -0.6)
    return path
