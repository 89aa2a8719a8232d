"""The thresholds: exact where they can be computed, and false alarms as rare as they claim."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from modelwright.monitoring.calibration import calibrate, exchange_counts
from modelwright.monitoring.distances import largest_gap, total_variation
from modelwright.monitoring.feature_shift import compare_features
from modelwright.monitoring.features import embed, measure_moments
from modelwright.monitoring.word_shift import fisher_p_values


def test_the_p_value_of_two_bins_is_that_of_the_hypergeometric_distribution() -> None:
    reference, new = np.array([30, 10]), np.array([12, 18])
    found = exchange_counts(reference, new, total_variation, 0.05)
    assert found.statistic == pytest.approx(0.75 - 0.4)
    in_first = np.arange(12, 31)  # of 42 rows in the first bin, those that 30 new rows may have
    distance = np.abs(in_first / 30 - (42 - in_first) / 40)
    exact = hypergeom(70, 42, 30).pmf(in_first)[distance >= 0.35 - 1e-9].sum()
    assert found.p == pytest.approx(exact, abs=0.004)
    assert found.exceeded


def test_a_distance_of_0_never_alarms() -> None:
    same = np.array([0, 40, 0])
    for distance in (largest_gap, total_variation):
        found = exchange_counts(same, same, distance, 0.05)
        assert (found.statistic, found.exceeded, found.p) == (0, False, 1)


@pytest.mark.parametrize("level", [0.01, 0.05])
def test_chance_exceeds_the_threshold_as_often_as_the_level_says(level: float) -> None:
    random = np.random.default_rng(1)
    found = calibrate(0.0, random.random(3999), level)
    assert (random.random(20000) > found.threshold).mean() == pytest.approx(level, abs=0.008)


def test_equal_histograms_alarm_as_rarely_as_the_level_says() -> None:
    random = np.random.default_rng(2)
    shares = np.array([0.5, 0.3, 0.1, 0.07, 0.03])
    alarms = sum(
        exchange_counts(
            random.multinomial(150, shares), random.multinomial(90, shares), largest_gap, 0.05
        ).exceeded
        for _ in range(100)
    )
    assert alarms <= 11  # 5 expected, fewer where many distances are equal


def test_the_largest_gap_is_that_of_the_cumulative_shares() -> None:
    assert largest_gap(np.array([1, 1, 2]), np.array([2, 2, 0])) == pytest.approx(0.5)
    assert total_variation(np.array([1, 1, 2]), np.array([2, 2, 0])) == pytest.approx(0.5)


def test_fisher_p_values_are_twice_the_smaller_tail() -> None:
    found = fisher_p_values(np.array([5, 0, 3]), 40, np.array([9, 0, 3]), 30)
    together = hypergeom(70, 14, 30)
    assert found[0] == pytest.approx(2 * min(together.cdf(9), together.sf(8)))
    assert found[1:].tolist() == pytest.approx([1, 1])


def test_moments_stand_for_the_rows() -> None:
    random = np.random.default_rng(3)
    fitted, rows = random.normal(2, 5, (200, 6)), random.normal(2, 5, (400, 6))
    moments = measure_moments(fitted, rows, "x")
    assert moments is not None
    assert moments.mean_embedding == pytest.approx(embed(moments, rows).mean(axis=0))
    again = compare_features(moments, len(rows), rows, 0.05)
    assert again.result.statistic == pytest.approx(0, abs=1e-12)
    far = compare_features(moments, len(rows), rows[:100] + 3, 0.05)
    assert far.drifted and far.result.p < 0.001


def test_equal_features_alarm_as_rarely_as_the_level_says() -> None:
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(40):
        fitted, rows, new = (random.standard_exponential((n, 5)) for n in (100, 200, 80))
        moments = measure_moments(fitted, rows, "x")
        assert moments is not None
        alarms += compare_features(moments, len(rows), new, 0.05).drifted
    assert alarms <= 6  # 2 expected


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_no_numbers_do_not_break_the_comparison(value: float) -> None:
    random = np.random.default_rng(5)
    rows = random.random((60, 3))
    rows[:, 2] = 7.0  # the same in all rows
    moments = measure_moments(rows, rows, "x")
    assert moments is not None
    new = rows.copy()
    new[:, 2] = value
    assert np.isfinite(compare_features(moments, 60, new, 0.05).result.statistic)
