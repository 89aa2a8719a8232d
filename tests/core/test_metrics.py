from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from modelwright.core.metrics import bins, measure, wilson

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("classes", [2, 5])
def test_figures_agree_with_scikit_learn(classes: int) -> None:
    chances = RANDOM.dirichlet(np.ones(classes), 400).astype(np.float32)
    labels = RANDOM.integers(0, classes - (classes > 2), 400)
    found = measure(chances, labels)
    predicted = chances.argmax(1)
    everything = list(range(classes))
    assert found.accuracy == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found.macro_f1 == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    np.testing.assert_array_equal(
        found.confusion, reference.confusion_matrix(labels, predicted, labels=everything)
    )
    precision, recall, _, support = reference.precision_recall_fscore_support(
        labels, predicted, labels=everything, zero_division=0
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_array_equal(found.support, support)
    assert found.majority_accuracy == np.bincount(labels).max() / 400


def test_the_interval_of_a_share_worked_by_hand() -> None:
    # 81 of 263, Newcombe (1998), table I: 0.2553 to 0.3662.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 10)[0] == 0
    assert wilson(10, 10)[1] == pytest.approx(1)


def test_calibration_error_worked_by_hand() -> None:
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], np.float32)
    labels = np.array([0, 1, 1, 1])
    # Two rows said 0.9 and half were right; two said 0.6 and all were: 0.4 off both times.
    assert measure(chances, labels).calibration_error == pytest.approx(0.4)
    assert [(part.count, round(part.accuracy, 2)) for part in bins(chances, labels)] == [
        (2, 1.0),
        (2, 0.5),
    ]


def test_a_perfectly_sure_row_has_a_bin() -> None:
    assert bins(np.array([[0.0, 1.0]], np.float32), np.array([1]))[0].count == 1
