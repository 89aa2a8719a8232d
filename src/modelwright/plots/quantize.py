"""The plot of a quantized servable: size, latency and accuracy of each engine."""

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
    """Draws one row for each engine, the first at the top.

    Args:
        path: The PNG to write.
        engines: MiB, milliseconds, and points of change of each engine.
        intervals: The lower and upper end of the interval of those points.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    names = list(engines)
    positions = range(len(names))
    with figure(path, 10, 0.42 * len(names) + 1.1) as drawn:
        panels = drawn.subplots(1, 3, sharey=True)
        for panel, (axes, color) in enumerate(zip(panels, (BLUE, ORANGE, GREEN), strict=True)):
            values = [engines[name][panel] for name in names]
            if panel < 2:
                axes.barh(positions, values, color=color, height=0.6)
                for row, value in enumerate(values):
                    axes.text(value, row, f" {value:.3g}", va="center", color=INK)
                axes.set_xlim(0, 1.25 * max(values))
            else:
                reach = [
                    [value - intervals[name][0] for name, value in zip(names, values, strict=True)],
                    [intervals[name][1] - value for name, value in zip(names, values, strict=True)],
                ]
                axes.axvline(0, color=INK, linewidth=0.8)
                axes.errorbar(values, positions, xerr=reach, fmt="o", color=color, capsize=3)
            axes.set_title(_TITLES[panel])
            clean(axes, grid="x")
        panels[0].set_yticks(positions, names)
        panels[0].set_ylim(len(names) - 0.4, -0.6)
    return path
