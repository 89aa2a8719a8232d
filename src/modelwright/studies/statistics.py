"""Intervals and paired tests of accuracies: over seeds, and over rows.

The two answer different questions. Over seeds: what would another training change, on these
rows? Over rows: what would another sample of rows change, for these trained networks? Neither
covers the other. It knows nothing of runs and files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from modelwright.core.metrics import wilson

BoolArray = npt.NDArray[np.bool_]
Method = Literal["t over seeds", "Wilson over rows", "Newcombe over rows"]

_NORMAL = 1.959963984540054
"""The normal distribution's 97.5 % quantile."""
_ALIKE = 1e-12
"""Differences below are those of rounding."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and how that was made."""

    value: float
    low: float
    high: float
    method: Method


@dataclass(frozen=True)
class PairedTest:
    """A mean difference, its 95 % interval, and the two-sided p that there is none.

    ``corrected`` is Holm's p among all tests of the study.
    """

    difference: float
    low: float
    high: float
    p: float
    corrected: float


def accuracy(right: Sequence[int], rows: int) -> Estimate:
    """Mean accuracy of one network a seed, by how many of ``rows`` each got right.

    Where seeds show no spread, there is one or all got as many right, the interval is Wilson's.
    """
    if len(set(right)) == 1:
        return Estimate(right[0] / rows, *wilson(right[0], rows), "Wilson over rows")
    mean, low, high = mean_interval([count / rows for count in right])
    return Estimate(mean, max(0.0, low), min(1.0, high), "t over seeds")


def gap(train: Sequence[float], train_rows: int, right: Sequence[int], rows: int) -> Estimate:
    """Training accuracy less held-out accuracy, one network a seed.

    Where seeds show no spread, the interval is Newcombe's (1998) for two independent shares, his
    method 10.
    """
    held_out = [count / rows for count in right]
    gaps = np.subtract(train, held_out)
    if np.ptp(gaps) > _ALIKE:
        return Estimate(*mean_interval(gaps.tolist()), "t over seeds")
    one, other = train[0], held_out[0]
    one_low, one_high = wilson(round(one * train_rows), train_rows)
    low, high = wilson(right[0], rows)
    below = math.hypot(one - one_low, high - other)
    above = math.hypot(one_high - one, other - low)
    return Estimate(one - other, one - other - below, one - other + above, "Newcombe over rows")


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of at least two values, and its 95 % interval by Student's t."""
    from scipy.special import stdtrit

    count = len(values)
    mean = float(np.mean(values))
    spread = float(stdtrit(count - 1, 0.975)) * float(np.std(values, ddof=1)) / math.sqrt(count)
    return mean, mean - spread, mean + spread


def over_seeds(one: Sequence[float], other: Sequence[float]) -> PairedTest | None:
    """The paired t-test of accuracies with the same seeds; ``one`` less ``other``.

    None where it says nothing: fewer than two seeds, or the same difference with each of them.
    """
    from scipy.special import stdtr

    differences = np.subtract(one, other)
    if len(differences) < 2 or np.ptp(differences) < _ALIKE:
        return None
    mean, low, high = mean_interval(differences.tolist())
    count = len(differences)
    t = mean / (float(np.std(differences, ddof=1)) / math.sqrt(count))
    p = float(2 * stdtr(count - 1, -abs(t)))
    return PairedTest(mean, low, high, p, p)


def over_rows(one: BoolArray, other: BoolArray) -> PairedTest:
    """The randomisation test of rows that were right, bool ``[seeds, rows]``.

    A row is the unit, with the answers of all seeds: those of several networks to one row are
    not independent, and pooling them as if they were would make the test find too much. The
    interval is Bonett and Price's (2012): that of the mean over the rows and two more, one won
    and one lost, so that few rows, or rows all alike, do not make it too narrow.
    """
    seeds, rows = one.shape
    differences = one.sum(axis=0, dtype=np.int64) - other.sum(axis=0, dtype=np.int64)
    shares = np.append(differences / seeds, [1.0, -1.0])
    spread = _NORMAL * float(shares.std()) / math.sqrt(rows + 2)
    middle, p = float(shares.mean()), flip_signs(differences)
    mean = float(differences.mean()) / seeds
    return PairedTest(mean, max(-1.0, middle - spread), min(1.0, middle + spread), p, p)


def flip_signs(differences: npt.NDArray[np.int64]) -> float:
    """The exact two-sided p of whole numbers whose signs are as likely plus as minus.

    The randomisation test of Fisher (1935) and Pitman (1937). With differences of -1, 0 and 1,
    as one seed gives, it is McNemar's exact test. Instead of drawing signs, the distribution of
    the sum is computed: among n rows of one size k, the number of plus signs is binomial.
    """
    from scipy.special import gammaln

    sizes, counts = np.unique(np.abs(differences[differences != 0]), return_counts=True)
    chances = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        plus = np.arange(count + 1)
        logs = gammaln(count + 1) - gammaln(plus + 1) - gammaln(count - plus + 1)
        part = np.zeros(size * count + 1)
        part[::size] = np.exp(logs - count * math.log(2))
        chances = np.convolve(chances, part)
    total = int(np.abs(differences).sum())
    sums = 2 * np.arange(total + 1) - total
    extreme = np.abs(sums) >= abs(int(differences.sum()))
    return min(1.0, float(chances[extreme].sum()))


def holm(values: Sequence[float]) -> list[float]:
    """P values corrected for their number by Holm's step-down method (1979)."""
    corrected = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        corrected[place] = largest
    return corrected
