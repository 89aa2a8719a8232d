"""The plot of a study: accuracy of each variant, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelwright.plots.canvas import BLUE, FAINT, INK, ORANGE, clean, cut, figure, plain, wrap

_MOST = 60
"""So many variants are drawn at the most."""


@dataclass(frozen=True)
class StudyLine:
    """One variant. Shares from 0 to 1; ``mean`` is the mean with its interval's ends."""

    name: str
    points: Sequence[float]
    mean: tuple[float, float, float] | None = None
    claimed: float | None = None


def draw_study(path: Path, lines: Sequence[StudyLine], *, title: str, measure: str) -> Path:
    """Draw a line a variant, from the first on top: seeds as points, the mean, its interval.

    Args:
        path: The PNG to write.
        lines: The variants; one without points has its name and what was claimed.
        title: Above the plot.
        measure: Below the axis, ``accuracy on the test rows``.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    shown = list(lines)[:_MOST]
    hidden = len(lines) - len(shown)
    with figure(path, 7.6, max(2.4, 0.46 * len(shown) + 1.5)) as drawn:
        axes = drawn.subplots()
        for place, line in enumerate(shown):
            if line.mean is not None:
                mean, low, high = line.mean
                axes.hlines(place, low, high, color=BLUE, linewidth=2, zorder=2)
                axes.plot([low, high], [place] * 2, "|", color=BLUE, ms=9, mew=2, zorder=2)
                axes.plot(mean, place, "D", color=BLUE, mec="white", ms=8, zorder=4)
                axes.annotate(
                    f"{100 * mean:.2f}", (mean, place), xytext=(0, 9), ha="center",
                    textcoords="offset points", fontsize=9, color=INK,
                )  # fmt: skip
            # Below the mean, so that a seed on it can be seen.
            below = [place + 0.22] * len(line.points)
            axes.plot(line.points, below, "o", color=FAINT, alpha=0.7, mew=0, ms=5, zorder=3)
            if line.claimed is not None:
                axes.plot(line.claimed, place, "|", color=ORANGE, ms=15, mew=3, zorder=3.5)
        axes.set_yticks(range(len(shown)), [plain(wrap(line.name, 34, 2)) for line in shown])
        axes.set_ylim(len(shown) - 0.4, -0.7)
        axes.margins(x=0.06)
        axes.set_xlim(max(0.0, axes.get_xlim()[0]), min(1.01, axes.get_xlim()[1]))
        axes.xaxis.get_major_locator().set_params(nbins=8)
        axes.xaxis.set_major_formatter(_percent)
        axes.set_xlabel(measure)
        more = f", the first {_MOST} of {len(lines)}" if hidden else ""
        axes.set_title(plain(cut(title, 60)) + more, pad=26)
        clean(axes, grid="x")
        _legend(axes, shown)
    return path


def _percent(value: float, position: int | None = None) -> str:
    return f"{100 * value:.4g} %"


def _legend(axes: object, lines: Sequence[StudyLine]) -> None:
    """Only of the marks that are drawn, above the plot."""
    from matplotlib.lines import Line2D

    marks = []
    if any(line.points for line in lines):
        marks += [
            Line2D([], [], color=BLUE, marker="D", mec="white", ms=8, label="mean, 95 % interval"),
            Line2D([], [], color=FAINT, marker="o", linestyle="", ms=5, label="one seed"),
        ]
    if any(line.claimed is not None for line in lines):
        marks.append(
            Line2D([], [], color=ORANGE, marker="|", linestyle="", ms=14, mew=3, label="claimed")
        )
    if marks:
        axes.legend(  # type: ignore[attr-defined]
            handles=marks, frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(-0.01, 1.0),
            borderaxespad=0.1, handletextpad=0.4, columnspacing=1.4,
        )  # fmt: skip
