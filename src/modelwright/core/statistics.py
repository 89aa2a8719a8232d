"""Confidence intervals and significance tests of accuracies.

All intervals are 95 % intervals and all p-values are two-sided. Two questions differ:

- Over seeds: how much would the result change after another training, on the same rows?
- Over rows: how much would it change on other rows, for the same trained networks?

Neither answers the other. Only Student's t and the randomization test need scipy; it is
imported where they use it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
EstimateMethod = Literal["t over seeds", "Wilson over rows", "Newcombe over rows"]

NORMAL_QUANTILE = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""
_RESAMPLES = 2000
_RESAMPLES_AT_ONCE = 20
_ROUNDING = 1e-12
"""Differences below this are rounding errors."""


@dataclass(frozen=True)
class Estimate:
    """A value, its interval, and the method that gave the interval."""

    value: float
    low: float
    high: float
    method: EstimateMethod


@dataclass(frozen=True)
class PairedTest:
    """A mean paired difference, its interval, and the p-value of "no difference".

    ``corrected`` is the p-value after Holm's correction for all tests of a study.
    """

    difference: float
    low: float
    high: float
    p: float
    corrected: float


def wilson_interval(successes: int, rows: int) -> tuple[float, float]:
    """Returns the score interval of a proportion (Wilson 1927)."""
    z = NORMAL_QUANTILE
    share = successes / rows
    center = share + z * z / (2 * rows)
    spread = z * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    scale = 1 + z * z / rows
    return max(0.0, (center - spread) / scale), min(1.0, (center + spread) / scale)


def newcombe_interval(
    successes: int, rows: int, other_successes: int, other_rows: int
) -> tuple[float, float]:
    """Returns the hybrid score interval of the first proportion minus the second.

    The two samples are independent. Source: Newcombe (1998), Statistics in Medicine 17, method 10.
    """
    first, second = successes / rows, other_successes / other_rows
    first_low, first_high = wilson_interval(successes, rows)
    second_low, second_high = wilson_interval(other_successes, other_rows)
    below = math.hypot(first - first_low, second_high - second)
    above = math.hypot(first_high - first, second - second_low)
    return first - second - below, first - second + above


def bonett_price_interval(differences: npt.ArrayLike) -> tuple[float, float]:
    """Returns the adjusted Wald interval of the difference of two paired proportions.

    Two rows are added before the mean and its standard error are computed, one won and one lost.
    Without them, few rows or rows without any change give an interval that is too narrow.
    Source: Bonett and Price (2012), Journal of Educational and Behavioral Statistics 37.

    Args:
        differences: ``[rows]``, the first outcome minus the second one: -1, 0 or 1. The mean over
            several networks, a fraction from -1 to 1, is accepted too.
    """
    adjusted = np.append(np.asarray(differences, np.float64), [1.0, -1.0])
    center = float(adjusted.mean())
    spread = NORMAL_QUANTILE * float(adjusted.std()) / math.sqrt(len(adjusted))
    return max(-1.0, center - spread), min(1.0, center + spread)


def bootstrap_interval(
    confusion: npt.NDArray[np.int64],
    figure: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> tuple[float, float]:
    """Returns the percentile interval of a figure of a confusion matrix (Efron 1979).

    Resampling the rows is drawing the cells of the matrix from a multinomial distribution. The
    draws have a fixed seed, so equal matrices have equal intervals.

    Args:
        confusion: counts ``[true, predicted]`` of at least one row.
        figure: returns the figure of each of many such matrices ``[n, true, predicted]``.
    """
    cells = np.flatnonzero(confusion)
    counts = confusion.reshape(-1)[cells]
    random = np.random.default_rng(0)
    values = []
    for _ in range(_RESAMPLES // _RESAMPLES_AT_ONCE):
        drawn = np.zeros((_RESAMPLES_AT_ONCE, confusion.size), np.int64)
        shares = counts / counts.sum()
        drawn[:, cells] = random.multinomial(counts.sum(), shares, _RESAMPLES_AT_ONCE)
        values.append(figure(drawn.reshape(-1, *confusion.shape)))
    low, high = np.percentile(np.concatenate(values), (2.5, 97.5))
    return float(low), float(high)


def student_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Returns the mean of at least two values and its interval by Student's t."""
    from scipy.special import stdtrit

    count = len(values)
    mean = float(np.mean(values))
    spread = float(stdtrit(count - 1, 0.975)) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return mean, mean - spread, mean + spread


def estimate_accuracy(right: Sequence[int], rows: int) -> Estimate:
    """Returns the mean accuracy of the networks of several seeds.

    The interval is Student's over the seeds. If the seeds do not differ, or there is only one, it
    is Wilson's over the rows.

    Args:
        right: the number of right rows, one number per seed.
        rows: the number of rows.
    """
    if len(set(right)) == 1:
        return Estimate(right[0] / rows, *wilson_interval(right[0], rows), "Wilson over rows")
    mean, low, high = student_interval([count / rows for count in right])
    return Estimate(mean, max(0.0, low), min(1.0, high), "t over seeds")


def estimate_gap(
    train: Sequence[float], train_rows: int, right: Sequence[int], rows: int
) -> Estimate:
    """Returns the training accuracy minus the held-out accuracy, the mean over seeds.

    The interval is Student's over the seeds. If the seeds do not differ, or there is only one, it
    is Newcombe's over the rows.

    Args:
        train: the training accuracy, 0 to 1, one per seed.
        train_rows: the number of training rows.
        right: the number of right held-out rows, one number per seed.
        rows: the number of held-out rows.
    """
    gaps = np.subtract(train, [count / rows for count in right])
    if np.ptp(gaps) > _ROUNDING:
        return Estimate(*student_interval(gaps.tolist()), "t over seeds")
    interval = newcombe_interval(round(train[0] * train_rows), train_rows, right[0], rows)
    return Estimate(float(gaps[0]), *interval, "Newcombe over rows")


def paired_t_test(first: Sequence[float], second: Sequence[float]) -> PairedTest | None:
    """Returns the paired t-test of ``first`` minus ``second``, one value per seed.

    Returns None if the test is not defined: fewer than two seeds, or the same difference with
    every seed.
    """
    from scipy.special import stdtr

    differences = np.subtract(first, second)
    if len(differences) < 2 or np.ptp(differences) < _ROUNDING:
        return None
    mean, low, high = student_interval(differences.tolist())
    count = len(differences)
    t = mean / (float(np.std(differences, ddof=1)) / math.sqrt(count))
    p = float(2 * stdtr(count - 1, -abs(t)))
    return PairedTest(mean, low, high, p, p)


def paired_randomization_test(first: BoolArray, second: BoolArray) -> PairedTest:
    """Returns the exact randomization test over rows, with the interval of Bonett and Price.

    The unit is a row with the answers of all seeds. The answers of several networks to one row
    depend on each other; a test that pooled them would find differences that are not there.

    Args:
        first: bool ``[seeds, rows]``, whether each answer is right.
        second: the same for the other variant.
    """
    seeds = len(first)
    differences = first.sum(axis=0, dtype=np.int64) - second.sum(axis=0, dtype=np.int64)
    low, high = bonett_price_interval(differences / seeds)
    p = sign_flip_p_value(differences)
    return PairedTest(float(differences.mean()) / seeds, low, high, p, p)


def sign_flip_p_value(differences: npt.NDArray[np.int64]) -> float:
    """Returns the exact p-value of integers whose signs are plus or minus with equal probability.

    This is the randomization test of Fisher (1935) and Pitman (1937). With differences of -1, 0
    and 1, as one seed gives, it is McNemar's exact test. It computes the distribution of the sum
    and draws no signs: among n rows of size k, the number of plus signs is binomial, and the sum
    over all sizes is a convolution.
    """
    from scipy.special import gammaln

    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    probabilities = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        plus = np.arange(count + 1)
        logs = gammaln(count + 1) - gammaln(plus + 1) - gammaln(count - plus + 1)
        part = np.zeros(size * count + 1)
        part[::size] = np.exp(logs - count * math.log(2))
        probabilities = np.convolve(probabilities, part)
    total = int(np.abs(differences).sum())
    sums = 2 * np.arange(total + 1) - total
    extreme = np.abs(sums) >= abs(int(differences.sum()))
    return min(1.0, float(probabilities[extreme].sum()))


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Returns p-values corrected for their number by Holm's step-down method (1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=lambda position: p_values[position])
    for rank, position in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        corrected[position] = largest
    return corrected
