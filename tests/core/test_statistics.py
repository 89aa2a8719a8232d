"""Intervals and tests equal hand-computed and published values, scipy's, and enumerations."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import modelwright
from modelwright.core.statistics import (
    NORMAL_QUANTILE,
    bonett_price_interval,
    estimate_accuracy,
    estimate_gap,
    holm_correction,
    newcombe_interval,
    paired_randomization_test,
    paired_t_test,
    sign_flip_p_value,
    student_interval,
    wilson_interval,
)

RANDOM = np.random.default_rng(5)
COUNTS = st.integers(1, 10_000).flatmap(lambda rows: st.tuples(st.integers(0, rows), st.just(rows)))
PAIRS = st.tuples(*[st.integers(0, 400)] * 3).filter(any)


def paired(won: int, lost: int, same: int) -> np.ndarray:
    """Returns the differences of so many rows."""
    return np.repeat([1, -1, 0], [won, lost, same])


def test_the_normal_quantile_is_in_the_project_once() -> None:
    assert pytest.approx(stats.norm.ppf(0.975), abs=0, rel=1e-15) == NORMAL_QUANTILE
    root = Path(modelwright.__file__).parents[2]
    files = [*(root / "src").rglob("*.py"), *(root / "benchmarks").rglob("*.py")]
    assert [path.name for path in files if "1.95996" in path.read_text("utf-8")] == [
        "statistics.py"
    ]


def test_score_intervals_need_no_scipy() -> None:
    code = (
        "import sys; from modelwright.core.statistics import *; wilson_interval(1, 2);"
        "newcombe_interval(1, 2, 1, 3); bonett_price_interval([1, 0]); assert 'scipy' not in"
        " sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I.
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for counts, interval in published.items():
        assert wilson_interval(*counts) == pytest.approx(interval, abs=5e-5)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)


@given(COUNTS)
def test_wilsons_interval_contains_the_share_and_mirrors(counts: tuple[int, int]) -> None:
    right, rows = counts
    low, high = wilson_interval(right, rows)
    assert 0 <= low <= right / rows + 1e-12 and right / rows - 1e-12 <= high <= 1
    mirrored = wilson_interval(rows - right, rows)
    assert (1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)
    narrower = wilson_interval(4 * right, 4 * rows)
    assert narrower[1] - narrower[0] < high - low


def test_newcombes_interval_is_the_published_one() -> None:
    # Newcombe (1998), Interval estimation for the difference, table II, method 10.
    published = {
        (56, 70, 48, 80): (0.0524, 0.3339),
        (9, 10, 3, 10): (0.1705, 0.8090),
        (6, 7, 2, 7): (0.0582, 0.8062),
        (5, 56, 0, 29): (-0.0381, 0.1926),
        (0, 10, 0, 20): (-0.1611, 0.2775),
        (0, 10, 0, 10): (-0.2775, 0.2775),
        (10, 10, 0, 20): (0.6791, 1.0),
        (10, 10, 0, 10): (0.6075, 1.0),
    }
    for counts, interval in published.items():
        assert newcombe_interval(*counts) == pytest.approx(interval, abs=5e-5)


@given(COUNTS, COUNTS)
def test_newcombes_interval_contains_the_difference_and_changes_sign_with_it(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    low, high = newcombe_interval(*first, *second)
    difference = first[0] / first[1] - second[0] / second[1]
    assert -1 - 1e-9 <= low <= difference <= high <= 1 + 1e-9
    assert newcombe_interval(*second, *first) == pytest.approx((-high, -low))


def test_newcombes_interval_covers_the_true_difference() -> None:
    found = [
        newcombe_interval(RANDOM.binomial(60, 0.9), 60, RANDOM.binomial(80, 0.8), 80)
        for _ in range(1_000)
    ]
    assert 0.93 < np.mean([low <= 0.1 <= high for low, high in found]) < 0.98


def test_bonett_and_prices_interval_is_the_published_one() -> None:
    # The example of ci.prop.ps in the R package statpsych: f00 = 12, f01 = 4, f10 = 26, f11 = 6.
    assert bonett_price_interval(paired(26, 4, 18)) == pytest.approx(
        (0.2548067, 0.6251933), abs=5e-8
    )
    # Fagerland, Lydersen and Laake (2014), table V: 1 and 7 changes in 21 rows.
    assert bonett_price_interval(paired(1, 7, 13)) == pytest.approx((-0.508, -0.013), abs=5e-4)


@given(PAIRS)
def test_bonett_and_prices_interval_is_its_formula(counts: tuple[int, int, int]) -> None:
    won, lost, rows = counts[0], counts[1], sum(counts)
    gain, loss = (won + 1) / (rows + 2), (lost + 1) / (rows + 2)
    spread = NORMAL_QUANTILE * np.sqrt((gain + loss - (gain - loss) ** 2) / (rows + 2))
    expected = max(-1, gain - loss - spread), min(1, gain - loss + spread)
    low, high = bonett_price_interval(paired(*counts))
    assert (low, high) == pytest.approx(expected)
    mirrored = bonett_price_interval(-paired(*counts))
    assert mirrored == pytest.approx((-high, -low))
    assert low < high, "rows without any change prove no equality"


def test_bonett_and_prices_interval_covers_the_true_difference() -> None:
    found = [bonett_price_interval(paired(*RANDOM.multinomial(80, [0.15, 0.05, 0.8])))
             for _ in range(1_000)]  # fmt: skip
    assert 0.93 < np.mean([low <= 0.1 <= high for low, high in found]) < 0.98


def test_an_interval_over_seeds_computed_by_hand() -> None:
    # 0.7, 0.8, 0.9: mean 0.8, deviation 0.1, t(2) = 4.30265, so 0.8 ± 4.30265 * 0.1 / √3.
    found = estimate_accuracy([7, 8, 9], 10)
    assert found.method == "t over seeds"
    assert found.value == pytest.approx(0.8)
    assert (found.low, found.high) == pytest.approx((0.5516, 1.0), abs=1e-4), "cut at 100 %"
    values = RANDOM.normal(0.8, 0.01, 5).tolist()
    expected = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
    assert student_interval(values)[1:] == pytest.approx(expected)


def test_one_seed_has_wilsons_interval_over_the_rows() -> None:
    found = estimate_accuracy([81], 263)
    expected = stats.binomtest(81, 263).proportion_ci(method="wilson")
    assert found.method == "Wilson over rows"
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_seeds_that_agree_do_not_give_an_interval_of_width_0() -> None:
    assert estimate_accuracy([90, 90, 90], 100) == estimate_accuracy([90], 100)
    assert estimate_gap([1.0, 1.0], 50, [9, 9], 10) == estimate_gap([1.0], 50, [9], 10)


def test_the_gap_of_one_seed_has_newcombes_interval() -> None:
    found = estimate_gap([56 / 70], 70, [48], 80)
    assert found.method == "Newcombe over rows"
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == newcombe_interval(56, 70, 48, 80)


def test_the_gap_of_several_seeds_is_paired() -> None:
    found = estimate_gap([0.95, 0.97, 0.96], 100, [90, 93, 91], 100)
    differences = [0.05, 0.04, 0.05]
    expected = stats.t.interval(0.95, 2, np.mean(differences), stats.sem(differences))
    assert found.value == pytest.approx(np.mean(differences))
    assert (found.low, found.high) == pytest.approx(expected)


def test_the_t_test_is_scipys() -> None:
    first, second = RANDOM.normal(0.9, 0.01, (2, 5)).tolist()
    expected = stats.ttest_rel(first, second)
    found = paired_t_test(first, second)
    assert found is not None
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second))


def test_one_seed_or_equal_differences_give_no_t_test() -> None:
    assert paired_t_test([0.9], [0.8]) is None
    assert paired_t_test([0.9, 0.8], [0.8, 0.7]) is None, "no spread to judge a difference by"


@pytest.mark.parametrize(("gained", "lost"), [(9, 1), (3, 3), (40, 21), (0, 0), (600, 500)])
def test_with_one_seed_the_randomization_test_is_mcnemars(gained: int, lost: int) -> None:
    first = np.array([True] * gained + [False] * lost + [True] * 5)[None]
    second = np.array([False] * gained + [True] * lost + [True] * 5)[None]
    found = paired_randomization_test(first, second)
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9)
    assert found.difference == pytest.approx((gained - lost) / (gained + lost + 5))


def test_with_several_seeds_it_is_the_enumeration_of_all_signs() -> None:
    differences = np.array([3, -1, 2, 2, 0, -2, 1, 1, 3, -1])
    sizes = np.abs(differences[differences != 0])
    sums = [sum(np.array(s) * sizes) for s in itertools.product((-1, 1), repeat=len(sizes))]
    expected = np.mean(np.abs(sums) >= abs(differences.sum()))
    assert sign_flip_p_value(differences) == pytest.approx(expected)
    reference = stats.permutation_test(
        (differences.astype(float), np.zeros(10)), lambda x, y: np.mean(x - y),
        permutation_type="samples", n_resamples=np.inf,
    )  # fmt: skip
    assert sign_flip_p_value(differences) == pytest.approx(reference.pvalue)


def test_the_interval_over_rows_computed_by_hand() -> None:
    # 9 won, 1 lost, 10 the same: (10 - 2) / 22 ± 1.96 √((10/22 + 2/22 - (8/22)²) / 22).
    first = np.array([True] * 9 + [False] + [True] * 10)[None]
    second = np.array([False] * 9 + [True] * 11)[None]
    found = paired_randomization_test(first, second)
    assert (found.low, found.high) == pytest.approx((0.0950, 0.6323), abs=1e-4)
    same = paired_randomization_test(first, first)
    assert (same.difference, same.p) == (0, 1)
    assert same.low < -0.1 and same.high > 0.1, "twenty equal rows prove little"


def test_the_unit_is_a_row_and_not_an_answer() -> None:
    # The same network three times says no more about the rows than once.
    first, second = RANDOM.random((2, 1, 300)) < [[[0.9]], [[0.85]]]
    once = paired_randomization_test(first, second)
    thrice = paired_randomization_test(first.repeat(3, axis=0), second.repeat(3, axis=0))
    assert thrice.p == pytest.approx(once.p)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high))


def test_the_randomization_test_keeps_its_level() -> None:
    found = [paired_randomization_test(*(RANDOM.random((2, 3, 80)) < 0.8)) for _ in range(400)]
    assert 0.01 < np.mean([test.p < 0.05 for test in found]) < 0.08
    assert 0.91 < np.mean([test.low <= 0 <= test.high for test in found]) < 0.98


def test_holms_correction_computed_by_hand() -> None:
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1; the last may not fall below the third.
    corrected = holm_correction([0.01, 0.04, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm_correction([0.6, 0.9]) == [1.0, 1.0]
    assert holm_correction([]) == []
