"""Means with intervals over the cells of a study.

Cells of one order resemble each other more than cells of two orders. So the unit is an order: its
seeds are averaged, and the interval is Student's t over the orders. With a single order the unit is
a seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from modelwright.core.statistics import student_interval

Values = Mapping[tuple[int, int], float]
"""A figure of cells by (order, seed)."""
_ROUNDING = 1e-12


class MeanInterval(BaseModel):
    """A mean and its 95 % interval; the ends are None where the cells are too few."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    value: float
    low: float | None = None
    high: float | None = None


def unit_means(values: Values) -> npt.NDArray[np.float64]:
    """Returns the mean of each order; with one order, the value of each seed."""
    orders = sorted({order for order, _ in values})
    if len(orders) == 1:
        return np.array([values[key] for key in sorted(values)])
    return np.array(
        [np.mean([one for (of, _), one in values.items() if of == order]) for order in orders]
    )


def mean_interval(values: Values) -> MeanInterval | None:
    """Returns the mean of a figure with its interval; None without cells."""
    if not values:
        return None
    units = unit_means(values)
    if len(units) < 2:
        return MeanInterval(value=float(units.mean()))
    mean, low, high = student_interval(units.tolist())
    return MeanInterval(value=mean, low=low, high=high)


def difference_interval(values: Values, others: Values) -> MeanInterval | None:
    """Returns the mean of a figure minus that of other cells, paired by order and seed."""
    return mean_interval({key: values[key] - others[key] for key in values if key in others})


def reduction_interval(values: Values, others: Values) -> MeanInterval | None:
    """Returns by which share the mean of a figure is below that of other cells, paired.

    The interval of the ratio of two means is that of Fieller (1954). Its ends are None where the
    other mean may be zero, so that the ratio may be anything.

    Returns:
        The share, 1 if nothing is left; None without cells or if the other mean is not above 0.
    """
    common = [key for key in values if key in others]
    if not common:
        return None
    first = unit_means({key: values[key] for key in common})
    second = unit_means({key: others[key] for key in common})
    if second.mean() <= _ROUNDING:
        return None
    ratio = float(first.mean() / second.mean())
    ends = _fieller(first, second)
    if ends is None:
        return MeanInterval(value=1 - ratio)
    return MeanInterval(value=1 - ratio, low=1 - ends[1], high=1 - ends[0])


def _fieller(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> tuple[float, float] | None:
    """Returns the ends of the ratios r for which mean(first - r * second) may be zero."""
    from scipy.special import stdtrit

    count = len(first)
    if count < 2:
        return None
    t = float(stdtrit(count - 1, 0.975))
    (xx, xy), (_, yy) = np.cov(first, second) * (t * t / count)
    x, y = float(first.mean()), float(second.mean())
    a, b, c = y * y - yy, x * y - xy, x * x - xx
    if a <= 0:
        return None
    root = math.sqrt(max(0.0, b * b - a * c))  # below zero only by rounding
    return (b - root) / a, (b + root) / a
