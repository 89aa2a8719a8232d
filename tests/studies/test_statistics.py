"""Intervals and tests against hand-computed values, scipy's, and plain enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from modelwright.studies import statistics
from modelwright.studies.statistics import flip_signs, holm, over_rows, over_seeds

RANDOM = np.random.default_rng(5)


def test_an_interval_over_seeds_worked_by_hand() -> None:
    # 0.7, 0.8, 0.9: mean 0.8, deviation 0.1, t(2) = 4.30265, so 0.8 ± 4.30265 * 0.1 / √3.
    found = statistics.accuracy([7, 8, 9], 10)
    assert found.method == "t over seeds"
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.5516, 1.0), abs=1e-4), "cut at 100 %"
    values = RANDOM.normal(0.8, 0.01, 5).tolist()
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert statistics.mean_interval(values)[1:] == pytest.approx(expected)


def test_one_seed_has_wilsons_interval_over_the_rows() -> None:
    found = statistics.accuracy([81], 263)
    expected = stats.binomtest(81, 263).proportion_ci(method="wilson")
    assert found.method == "Wilson over rows"
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_seeds_without_spread_do_not_make_an_interval_of_nothing() -> None:
    assert statistics.accuracy([90, 90, 90], 100) == statistics.accuracy([90], 100)
    assert statistics.gap([1.0, 1.0], 50, [9, 9], 10) == statistics.gap([1.0], 50, [9], 10)


def test_the_gap_of_one_seed_is_newcombes() -> None:
    # Newcombe (1998), table II: 56/70 less 48/80 has 0.0524 to 0.3339 by method 10.
    found = statistics.gap([56 / 70], 70, [48], 80)
    assert found.method == "Newcombe over rows"
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_gap_of_several_seeds_is_paired() -> None:
    found = statistics.gap([0.95, 0.97, 0.96], 100, [90, 93, 91], 100)
    differences = [0.05, 0.04, 0.05]
    expected = stats.t.interval(0.95, 2, np.mean(differences), stats.sem(differences))
    assert found.value == pytest.approx(np.mean(differences))
    assert (found.low, found.high) == pytest.approx(expected)


def test_the_test_over_seeds_is_scipys() -> None:
    one, other = RANDOM.normal(0.9, 0.01, (2, 5)).tolist()
    expected = stats.ttest_rel(one, other)
    found = over_seeds(one, other)
    assert found is not None
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx(np.mean(one) - np.mean(other))


def test_seeds_that_say_nothing_give_no_test() -> None:
    assert over_seeds([0.9], [0.8]) is None
    assert over_seeds([0.9, 0.8], [0.8, 0.7]) is None, "no spread to judge a difference by"


@pytest.mark.parametrize(("gained", "lost"), [(9, 1), (3, 3), (40, 21), (0, 0), (600, 500)])
def test_with_one_seed_the_test_over_rows_is_mcnemars(gained: int, lost: int) -> None:
    one = np.array([True] * gained + [False] * lost + [True] * 5)[None]
    other = np.array([False] * gained + [True] * lost + [True] * 5)[None]
    found = over_rows(one, other)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9)
    assert found.difference == pytest.approx((gained - lost) / (gained + lost + 5))


def test_with_several_seeds_it_is_the_enumeration_of_all_signs() -> None:
    differences = np.array([3, -1, 2, 2, 0, -2, 1, 1, 3, -1])
    sizes = np.abs(differences[differences != 0])
    sums = [sum(np.array(s) * sizes) for s in itertools.product((-1, 1), repeat=len(sizes))]
    expected = np.mean(np.abs(sums) >= abs(differences.sum()))
    assert flip_signs(differences) == pytest.approx(expected)
    reference = stats.permutation_test(
        (differences.astype(float), np.zeros(10)), lambda x, y: np.mean(x - y),
        permutation_type="samples", n_resamples=np.inf,
    )  # fmt: skip
    assert flip_signs(differences) == pytest.approx(reference.pvalue)


def test_the_interval_over_rows_worked_by_hand() -> None:
    # 9 won, 1 lost, 10 alike: (10 - 2) / 22 ± 1.96 √((10/22 + 2/22 - (8/22)²) / 22).
    one = np.array([True] * 9 + [False] + [True] * 10)[None]
    other = np.array([False] * 9 + [True] * 11)[None]
    found = over_rows(one, other)
    assert (found.low, found.high) == pytest.approx((0.0950, 0.6323), abs=1e-4)
    alike = over_rows(one, one)
    assert (alike.difference, alike.p) == (0, 1)
    assert alike.low < -0.1 and alike.high > 0.1, "twenty rows alike prove little"


def test_rows_are_the_unit_and_not_their_answers() -> None:
    # The same network three times over tells no more about the rows than once.
    one, other = RANDOM.random((2, 1, 300)) < [[[0.9]], [[0.85]]]
    once = over_rows(one, other)
    thrice = over_rows(one.repeat(3, axis=0), other.repeat(3, axis=0))
    assert thrice.p == pytest.approx(once.p)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_the_test_over_rows_keeps_its_level() -> None:
    found = [over_rows(*(RANDOM.random((2, 3, 80)) < 0.8)) for _ in range(400)]
    assert 0.01 < np.mean([test.p < 0.05 for test in found]) < 0.08
    assert 0.91 < np.mean([test.low <= 0 <= test.high for test in found]) < 0.98


def test_holm_worked_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1; the last may not fall below the third.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
