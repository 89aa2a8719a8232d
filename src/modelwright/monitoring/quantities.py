"""The numbers that are recorded of each row, and the fixed bins in which they are counted.

The bins do not depend on any data, so the histograms of all references can be compared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray, Task

CONFIDENCE, UNKNOWN, LENGTH = "confidence", "unknown", "length"
BRIGHTNESS, CONTRAST, SIZE = "brightness", "contrast", "size"

QUANTITIES: dict[Task, tuple[str, ...]] = {
    "text": (CONFIDENCE, UNKNOWN, LENGTH),
    "image": (CONFIDENCE, BRIGHTNESS, CONTRAST, SIZE),
}
"""What is recorded of the rows of a task.

``confidence``: the highest probability of the answer. ``unknown``: the share of the tokens that the
vocabulary lacks, among those that the network reads. ``length``: characters of the text.
``brightness``: mean of the pixels, 0 to 255. ``contrast``: their standard deviation. ``size``: the
side of a square with as many pixels as the image file has.
"""

# Values at an edge belong to the bin above it. The first bin of shares holds 0 alone.
_SHARES = (1e-9, *(step / 100 for step in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40)),
           *(step / 100 for step in (50, 60, 70, 80, 90, 95)))  # fmt: skip
_EDGES: dict[str, tuple[float, ...]] = {
    CONFIDENCE: (*(step / 20 for step in range(1, 20)), 0.97, 0.98, 0.99, 0.995, 0.998, 0.999,
                 0.9999),
    UNKNOWN: _SHARES,
    LENGTH: tuple(round(2 ** (step / 2), 3) for step in range(2, 41)),
    BRIGHTNESS: tuple(float(step) for step in range(8, 256, 8)),
    CONTRAST: tuple(float(step) for step in range(4, 128, 4)),
    SIZE: tuple(round(2 ** (step / 8), 3) for step in range(16, 113)),
}  # fmt: skip


def edges_of(quantity: str) -> tuple[float, ...]:
    """Returns the edges between the bins of a quantity, in rising order.

    There is one more bin than there are edges, since the first and the last bin are open.
    """
    return _EDGES[quantity]


def bins_of(values: npt.ArrayLike, edges: npt.ArrayLike) -> IntArray:
    """Returns the bin of each value, int64 ``[n]``, from 0 to the number of edges."""
    found: IntArray = np.searchsorted(np.asarray(edges, np.float64), np.asarray(values), "right")
    return found.astype(np.int64)


def count_values(values: npt.ArrayLike, edges: npt.ArrayLike) -> IntArray:
    """Returns the number of values in each bin, int64 ``[edges + 1]``."""
    bins = bins_of(values, edges)
    return np.bincount(bins, minlength=len(np.asarray(edges)) + 1).astype(np.int64)
