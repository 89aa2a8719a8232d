"""The test of features: the maximum mean discrepancy of the inputs of the last layer."""

from __future__ import annotations

import numpy as np

from modelwright.monitoring.calibration import EXCHANGES, calibrate
from modelwright.monitoring.features import embed
from modelwright.monitoring.reference import FeatureMoments
from modelwright.monitoring.shift_test import ShiftTest

FEATURES = "features"
_SEED = 0


def compare_features(
    moments: FeatureMoments, rows: int, features: np.ndarray, level: float
) -> ShiftTest:
    """Compares the mean of random Fourier features with that of the reference.

    The rows of the reference are not kept, so they cannot be exchanged. The threshold comes from
    draws of the normal distribution that both means follow where nothing differs, with the pooled
    covariance of both (Gretton et al. 2012, A Kernel Two-Sample Test).

    Args:
        moments: those of the reference.
        rows: the number of rows behind them.
        features: those of the new rows ``[n, d]``, at least two.
        level: the rate of false alarms.
    """
    embedded = embed(moments, features)
    count = len(embedded)
    statistic = float(np.linalg.norm(embedded.mean(axis=0) - moments.mean_embedding))
    covariance = np.cov(embedded, rowvar=False) * (count - 1) + moments.covariance * (rows - 1)
    variances = np.clip(np.linalg.eigvalsh(covariance / (count + rows - 2)), 0, None)
    scale = variances * (1 / count + 1 / rows)
    normal = np.random.default_rng(_SEED).standard_normal((EXCHANGES, len(scale)))
    result = calibrate(statistic, np.sqrt((normal**2) @ scale), level)
    said = (
        "the features that the last layer reads differ"
        if result.exceeded
        else "the features that the last layer reads are alike"
    )
    return ShiftTest(FEATURES, "maximum mean discrepancy", result, said)
