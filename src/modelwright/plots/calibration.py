"""The calibration plot: the accuracy of a model at each confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.plots.canvas import BLUE, FAINT, ORANGE, clean, figure


def draw_calibration(path: Path, bins: Sequence[tuple[float, float, int]], error: float) -> Path:
    """Draws the accuracy against the confidence, bin by bin.

    Args:
        path: the PNG to write.
        bins: the mean confidence, the accuracy (both 0 to 1) and the rows of each bin. Empty bins
            are not drawn.
        error: the expected calibration error, 0 to 1, for the title.

    Raises:
        MissingDependencyError: matplotlib is not installed.
    """
    filled = [part for part in bins if part[2]]
    confidence = [part[0] for part in filled]
    accuracy = [part[1] for part in filled]
    rows = [part[2] for part in filled]
    with figure(path, 4.8, 5.2) as drawn:
        upper, lower = drawn.subplots(2, 1, sharex=True, height_ratios=(4, 1))
        upper.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1.2)
        upper.annotate("perfect calibration", (0.04, 0.06), color=FAINT, fontsize=9, rotation=40)
        upper.vlines(confidence, confidence, accuracy, color=ORANGE, linewidth=3, alpha=0.6)
        upper.plot(confidence, accuracy, "o-", color=BLUE, ms=5)
        upper.set_title(f"Calibration: mean gap {error:.1%}")
        upper.set_ylabel("accuracy")
        upper.set_ylim(0, 1.02)
        upper.yaxis.set_major_formatter("{x:.0%}")
        clean(upper, grid="both")
        lower.bar(confidence, rows, width=0.8 / max(len(bins), 1), color=BLUE)
        lower.set_ylabel("rows")
        lower.set_xlabel("confidence")
        lower.set_xlim(0, 1.02)
        lower.xaxis.set_major_formatter("{x:.0%}")
        lower.yaxis.get_major_locator().set_params(nbins=2, integer=True)
        lower.yaxis.set_major_formatter("{x:,.0f}")
        clean(lower)
    return path
