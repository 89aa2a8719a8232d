"""Distances between what was counted: how far rows are from the reference, from 0 to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def largest_gap(counts: Counts, others: Counts) -> npt.NDArray[np.float64]:
    """Returns the Kolmogorov-Smirnov distance of histograms with the same bins.

    It is the largest difference between the shares of rows below an edge.

    Args:
        counts: ``[..., bins]``, at least one value in each histogram.
        others: ``[..., bins]``.
    """
    gaps = np.cumsum(_shares(counts), axis=-1) - np.cumsum(_shares(others), axis=-1)
    found: npt.NDArray[np.float64] = np.abs(gaps).max(axis=-1)
    return found


def total_variation(counts: Counts, others: Counts) -> npt.NDArray[np.float64]:
    """Returns the share of rows that would have to change their class, ``[...]``.

    Args:
        counts: ``[..., classes]``, at least one row in each.
        others: ``[..., classes]``.
    """
    found: npt.NDArray[np.float64] = np.abs(_shares(counts) - _shares(others)).sum(axis=-1) / 2
    return found


def _shares(counts: Counts) -> npt.NDArray[np.float64]:
    shares: npt.NDArray[np.float64] = counts / counts.sum(axis=-1, keepdims=True)
    return shares
