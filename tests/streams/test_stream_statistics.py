"""Intervals over the cells of a study."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from modelwright.streams.statistics import (
    difference_interval,
    mean_interval,
    reduction_interval,
    unit_means,
)


def test_the_unit_is_an_order_whose_seeds_are_averaged() -> None:
    values = {(1, 0): 0.2, (1, 1): 0.4, (2, 0): 0.5, (2, 1): 0.7}
    assert unit_means(values).tolist() == pytest.approx([0.3, 0.6])
    assert unit_means({(1, 0): 0.2, (1, 1): 0.4}).tolist() == [0.2, 0.4]


def test_the_interval_of_a_mean_is_students() -> None:
    values = {(order, 0): value for order, value in enumerate([0.1, 0.4, 0.3])}
    found = mean_interval(values)
    expected = stats.t.interval(0.95, 2, np.mean([0.1, 0.4, 0.3]), stats.sem([0.1, 0.4, 0.3]))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected)
    alone = mean_interval({(1, 0): 0.5})
    assert alone is not None
    assert (alone.value, alone.low, alone.high) == (0.5, None, None)
    assert mean_interval({}) is None


def test_differences_are_paired() -> None:
    values = {(1, 0): 0.5, (2, 0): 0.9, (3, 0): 0.1}
    found = difference_interval(values, {(1, 0): 0.4, (2, 0): 0.8})
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))


def test_a_reduction_of_exact_ratio_has_that_ratio_as_its_interval() -> None:
    naive = {(order, 0): value for order, value in enumerate([0.05, 0.04, 0.06, 0.05])}
    found = reduction_interval({key: 0.3 * value for key, value in naive.items()}, naive)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.7, 0.7, 0.7))


def test_fiellers_interval_covers_the_ratio_in_nineteen_of_twenty_studies() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        naive = random.normal(0.05, 0.01, 5)
        own = 0.4 * naive + random.normal(0, 0.004, 5)
        found = reduction_interval(
            {(order, 0): value for order, value in enumerate(own)},
            {(order, 0): value for order, value in enumerate(naive)},
        )
        assert found is not None
        covered += (
            found.low is not None and found.high is not None and (found.low <= 0.6 <= found.high)
        )
    assert 0.92 < covered / 400 < 0.98


def test_no_reduction_of_nothing() -> None:
    values = {(1, 0): 0.01, (2, 0): 0.02}
    assert reduction_interval(values, {(1, 0): -0.01, (2, 0): 0.0}) is None
    assert reduction_interval(values, {}) is None
    unsure = reduction_interval(values, {(1, 0): 0.2, (2, 0): -0.1})
    assert unsure is not None
    assert unsure.low is None
