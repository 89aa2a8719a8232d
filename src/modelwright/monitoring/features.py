"""Moments of a network's features, and the maximum mean discrepancy from them.

The Gaussian kernel is approximated by random Fourier features (Rahimi and Recht 2007). So the
discrepancy needs only the mean of these features on the reference rows, and none of the rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.monitoring.reference import FeatureMoments

Matrix = npt.NDArray[np.float64]
Features = npt.NDArray[np.floating[Any]]
_FREQUENCIES = 32
_SEED = 0
_PAIRS = 2000
_LARGEST = 1e6


def measure_moments(
    fitted: Features | None, held_out: Features, tensor: str
) -> FeatureMoments | None:
    """Returns the moments of features; None without rows that set the scale.

    The scale of the kernel comes from other rows than the moments. So new rows of the same kind are
    no further from the held-out rows than these are from each other.

    Args:
        fitted: features ``[n, d]`` that set the scale; at least two rows.
        held_out: features ``[m, d]``; at least two rows.
        tensor: their name in the network's file.
    """
    if fitted is None:
        return None
    fitted = np.asarray(fitted, np.float64)
    mean, deviation = fitted.mean(axis=0), fitted.std(axis=0)
    # A feature that is the same in all these rows may differ in others.
    usual = float(deviation[deviation > 0].mean()) if deviation.any() else 1.0
    deviation = np.where(deviation > 0, deviation, usual)
    scaled = (fitted - mean) / deviation
    random = np.random.RandomState(_SEED)
    first, second = random.randint(0, len(scaled), (2, _PAIRS))
    gaps = np.linalg.norm(scaled[first] - scaled[second], axis=1)
    bandwidth = float(np.median(gaps[gaps > 0])) if (gaps > 0).any() else 1.0
    unmeasured = FeatureMoments(tensor, mean, deviation, bandwidth, np.zeros(0), np.zeros((0, 0)))
    embedded = embed(unmeasured, held_out)
    covariance = np.cov(embedded, rowvar=False)
    return FeatureMoments(
        tensor, mean, deviation, bandwidth, embedded.mean(axis=0), np.atleast_2d(covariance)
    )


def embed(moments: FeatureMoments, features: Features) -> Matrix:
    """Returns the random Fourier features of features ``[n, d]``, float64 ``[n, m]``."""
    # RandomState, unlike the newer generators, draws the same numbers in every version of numpy.
    frequencies = np.random.RandomState(_SEED).standard_normal((_FREQUENCIES, len(moments.mean)))
    scaled = (np.asarray(features, np.float64) - moments.mean) / moments.deviation
    scaled = np.nan_to_num(scaled, nan=0.0, posinf=_LARGEST, neginf=-_LARGEST)
    angles = scaled @ frequencies.T / moments.bandwidth
    embedded: Matrix = np.hstack([np.cos(angles), np.sin(angles)]) / np.sqrt(_FREQUENCIES)
    return embedded
