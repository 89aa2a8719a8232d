"""The estimate of class shares: it undoes the mistakes of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.monitoring.label_shift import estimate_shares, solve_shares
from monitoring.small_references import text_reference


def test_shares_of_a_known_mix_are_found() -> None:
    answered = np.array([[0.8, 0.15, 0.05], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])
    confusion = np.round(answered * [[2000], [1000], [500]]).astype(int)
    truth = np.array([0.1, 0.3, 0.6])
    answers = np.round(truth @ answered * 10_000).astype(int)
    assert solve_shares(confusion[None], answers[None])[0] == pytest.approx(truth, abs=1e-3)


def test_no_share_is_below_0() -> None:
    confusion = np.array([[[70, 30], [30, 70]]])
    for answers in ([[100, 0]], [[0, 100]]):
        found = solve_shares(confusion, np.array(answers))[0]
        assert found.sum() == pytest.approx(1)
        assert (found >= 0).all()
        assert found.max() == pytest.approx(1, abs=0.01)


def test_the_interval_holds_the_truth_and_narrows_with_rows() -> None:
    reference = replace(text_reference(), rows=1000, confusion=np.array([[420, 80], [60, 440]]))
    truth = np.array([0.3, 0.7])
    widths = []
    for rows in (100, 10_000):
        answers = np.round(truth @ [[0.84, 0.16], [0.12, 0.88]] * rows).astype(int)
        found = estimate_shares(reference, answers)
        assert [one.label for one in found] == ["neg", "pos"]
        assert found[0].before == 0.5
        assert found[0].low < 0.3 < found[0].high
        widths.append(found[0].high - found[0].low)
    assert widths[1] < widths[0] / 2


def test_a_class_without_reference_rows_has_no_estimate() -> None:
    reference = replace(text_reference(), confusion=np.array([[4, 0], [0, 0]]))
    assert estimate_shares(reference, np.array([3, 1])) == ()


def test_answers_that_do_not_depend_on_the_class_say_nothing() -> None:
    reference = replace(text_reference(), rows=200, confusion=np.array([[50, 50], [50, 50]]))
    found = estimate_shares(reference, np.array([50, 50]))
    assert all(np.isfinite((one.share, one.low, one.high)).all() for one in found)
