"""The plot of a data set: class balance, sizes of images or lengths of texts, scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import IntArray
from modelwright.plots.canvas import BLUE, FAINT, SERIES, clean, escape_dollars, figure, truncate

_BARS = 25
"""Largest number of classes with one bar each; more become a curve from large to small."""


def draw_inspection(
    path: Path,
    labels: Sequence[str],
    counts: Mapping[str, Sequence[int]],
    sizes: Sequence[int] | IntArray = (),
    *,
    sizes_name: str = "characters",
    scripts: Mapping[str, float] | None = None,
) -> Path:
    """Draws a data set in one figure.

    Args:
        path: the PNG to write.
        labels: names of the classes.
        counts: rows of each class, by split.
        sizes: one number per row, such as its characters; draws nothing if empty.
        sizes_name: what the numbers are.
        scripts: share of the rows in each script, 0 to 1.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    panels = ["classes", *(["sizes"] if len(sizes) else []), *(["scripts"] if scripts else [])]
    widths = [{"classes": 5.2, "sizes": 4.4, "scripts": 3.0}[panel] for panel in panels]
    bars = len(labels) if len(labels) <= _BARS else 0
    height = float(np.clip(0.34 * bars + 1.4, 3.4, 9))
    with figure(path, sum(widths), height) as drawn:
        cells = drawn.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0]
        for axes, panel in zip(cells, panels, strict=True):
            if panel == "classes":
                _draw_balance(axes, labels, counts)
                drawn.legend(frameon=False, ncols=3, loc="outside lower left", fontsize=9)
            elif panel == "sizes":
                _draw_sizes(axes, np.asarray(sizes), sizes_name)
            else:
                _draw_scripts(axes, scripts or {})
    return path


def _draw_balance(axes: Any, labels: Sequence[str], counts: Mapping[str, Sequence[int]]) -> None:
    total = sum(sum(rows) for rows in counts.values())
    axes.set_title(f"{total:,} rows in {len(labels):,} classes")
    if len(labels) > _BARS:
        for (split, rows), color in zip(counts.items(), SERIES, strict=False):
            axes.plot(sorted(rows, reverse=True), color=color, label=f"{split} ({sum(rows):,})")
        axes.set_xlabel("classes, from large to small")
        axes.set_ylabel("rows")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,.0f}")
        clean(axes)
    else:
        start = np.zeros(len(labels))
        at = np.arange(len(labels))
        for (split, rows), color in zip(counts.items(), SERIES, strict=False):
            name = f"{split} ({sum(rows):,})"
            axes.barh(at, rows, left=start, height=0.7, color=color, label=name)
            start = start + np.asarray(rows)
        axes.set_yticks(at, [escape_dollars(truncate(label, 20)) for label in labels])
        axes.set_ylim(len(labels) - 0.4, -0.6)
        axes.xaxis.get_major_locator().set_params(nbins=5)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("rows")
        clean(axes, grid="x")


def _draw_sizes(axes: Any, sizes: Any, name: str) -> None:
    low, high = max(1, int(sizes.min())), max(2, int(sizes.max()))
    if high / low > 20:
        axes.hist(np.maximum(sizes, 1), bins=np.geomspace(low, high + 1, 40), color=BLUE)
        axes.set_xscale("log")
    else:
        axes.hist(sizes, bins=min(40, high - low + 1), color=BLUE)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    middle, most = np.percentile(sizes, [50, 95])
    for value, style in ((middle, "-"), (most, ":")):
        axes.axvline(value, color=FAINT, linestyle=style, linewidth=1.2)
    axes.set_title(f"{name}: half ≤ {middle:,.0f}, 95 % ≤ {most:,.0f}")
    axes.set_xlabel(name)
    axes.set_ylabel("rows")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    clean(axes)


def _draw_scripts(axes: Any, scripts: Mapping[str, float]) -> None:
    shares = list(scripts.values())
    at = np.arange(len(shares))
    axes.barh(at, shares, height=0.6, color=BLUE)
    for position, share in zip(at, shares, strict=True):
        axes.annotate(
            f"{share:.1%}", (share, position), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(at, list(scripts))
    axes.set_ylim(len(shares) - 0.4, -0.6)
    axes.set_xlim(0, 1.3)
    axes.set_xticks([])
    axes.set_title("Script of the texts")
    clean(axes, grid="")
    axes.spines["bottom"].set_visible(False)
