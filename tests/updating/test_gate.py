"""The gate: intervals, verdicts, and how often it errs on simulated updates."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from modelwright.updating.gate import (
    Change,
    Limits,
    compare_answers,
    judge,
    judged_level,
)

NAMES = ("neg", "pos")


def answers(labels: np.ndarray, accuracy: float, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.where(random.random(len(labels)) < accuracy, labels, 1 - labels)


def changed(before: np.ndarray, share: float, to: np.ndarray, seed: int) -> np.ndarray:
    return np.where(np.random.default_rng(seed).random(len(before)) < share, to, before)


LABELS = np.random.default_rng(9).integers(0, 2, 4000)


def test_macro_f1_is_that_of_scikit_learn() -> None:
    labels = np.random.default_rng(1).integers(0, 5, 500)
    before = np.random.default_rng(2).integers(0, 5, 500)
    found = compare_answers(labels, before, labels)
    assert found.before == pytest.approx(f1_score(labels, before, average="macro"))
    assert found.after == 1.0
    assert found.interval[0] > 0.5
    assert found.classes[3][0] == pytest.approx(f1_score(labels == 3, before == 3))


def test_a_new_class_among_the_answers_changes_no_average_of_the_old_classes() -> None:
    labels = np.array([0, 0, 1, 1])
    after = np.array([0, 2, 1, 1])
    found = compare_answers(labels, labels, after)
    assert found.after == pytest.approx((2 / 3 + 1) / 2)  # by hand: F1 of 0 and of 1
    assert set(found.classes) == {0, 1}


def test_rows_that_change_together_have_a_narrow_interval() -> None:
    before = answers(LABELS, 0.9, 1)
    same = compare_answers(LABELS, before, before)
    assert same.interval[1] == pytest.approx(-same.interval[0], abs=1e-4)
    assert 0.0003 < same.interval[1] < 0.001  # 1.96 * sqrt(2) / 4000 = 0.0007
    few = compare_answers(LABELS[:20], before[:20], before[:20])
    assert few.interval[0] < -0.05  # twenty rows prove nothing
    other = compare_answers(LABELS, before, answers(LABELS, 0.9, 2))
    width = other.interval[1] - other.interval[0]
    assert 0.02 < width < 0.035  # 18 % of rows change: 2 * 1.96 * sqrt(0.18 / 4000) = 0.026


def test_a_useful_update_passes_and_the_reasons_of_a_refused_one_say_what_would_help() -> None:
    before = answers(LABELS, 0.8, 1)
    better = changed(before, 0.3, LABELS, 2)
    still = compare_answers(LABELS, before, before)
    gain = compare_answers(LABELS, before, better)
    assert judge(still, gain, Limits(), NAMES).passed

    few = Change(90, 0.75, 0.77, (-0.02, 0.06), 0.95)
    refused = judge(still, few, Limits(), NAMES)
    assert not refused.passed
    assert "does not lie above 0" in refused.reasons[0]
    assert "about 360 such rows would show it" in refused.reasons[0]  # 90 * (0.04 / 0.02)²

    worse = compare_answers(LABELS, before, changed(before, 0.02, 1 - LABELS, 4))
    forgetful = judge(worse, gain, Limits(), NAMES)
    assert "reaches below the allowed -0.5" in forgetful.reasons[0]
    shaken = compare_answers(LABELS[:400], before[:400], changed(before, 0.02, LABELS, 5)[:400])
    noisy = Change(400, shaken.before, shaken.before, (-0.012, 0.012), 0.95)
    hint = judge(noisy, gain, Limits(), NAMES).reasons[0]
    assert "about 2,400 old held-out rows" in hint  # 400 * (0.012 / 0.005)²
    assert "--max-drop 1.2" in hint
    assert judge(noisy, gain, Limits(max_drop=1.2), NAMES).passed


def test_one_class_may_not_pay_for_the_others() -> None:
    labels = np.repeat([0, 1, 2, 3], 1000)
    before = np.where(np.random.default_rng(1).random(4000) < 0.1, (labels + 1) % 4, labels)
    after = labels.copy()
    lost = np.flatnonzero(labels == 3)[:150]
    after[lost] = 0
    old = compare_answers(labels, before, after)
    assert old.difference > 0
    gain = compare_answers(LABELS, answers(LABELS, 0.8, 1), LABELS)
    assert judge(old, gain, Limits(), "abcd").passed
    after[np.flatnonzero(labels == 3)[:300]] = 0
    verdict = judge(compare_answers(labels, before, after), gain, Limits(), "abcd")
    assert "'d' loses" in " ".join(verdict.reasons)
    assert "--max-class-drop" in " ".join(verdict.reasons)
    assert judge(compare_answers(labels, before, after), gain, Limits(20, 20), "abcd").passed


def test_more_candidates_have_wider_intervals() -> None:
    assert judged_level(1) == 0.95
    assert judged_level(5) == pytest.approx(0.99)
    before, after = answers(LABELS, 0.9, 1), answers(LABELS, 0.9, 2)
    one = compare_answers(LABELS, before, after, level=judged_level(1)).interval
    five = compare_answers(LABELS, before, after, level=judged_level(5)).interval
    assert five[0] < one[0] < one[1] < five[1]


def test_updates_that_change_nothing_pass_in_at_most_five_percent() -> None:
    passed = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        labels = random.integers(0, 2, 300)
        before, after = (np.where(random.random(300) < 0.85, labels, 1 - labels) for _ in range(2))
        change = compare_answers(labels, before, after)
        passed += change.interval[0] > 0
    assert passed <= 5  # 2.5 % expected; more than 5 of 60 would come in 0.4 % of such tests
