"""Metrics equal scikit-learn's, and the calibration error is that computed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from modelwright.core.metrics import compute_metrics, confidence_bins, macro_f1
from modelwright.core.statistics import bootstrap_interval

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize("classes", [2, 5])
def test_metrics_agree_with_scikit_learn(classes: int) -> None:
    probabilities = RANDOM.dirichlet(np.ones(classes), 400).astype(np.float32)
    labels = RANDOM.integers(0, classes - (classes > 2), 400)
    found = compute_metrics(probabilities, labels)
    predicted = probabilities.argmax(1)
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


def test_calibration_error_computed_by_hand() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]], np.float32)
    labels = np.array([0, 1, 1, 1])
    # Two rows have 0.9 and half are right; two have 0.6 and both are right: 0.4 off each time.
    assert compute_metrics(probabilities, labels).calibration_error == pytest.approx(0.4)
    assert [
        (part.count, round(part.accuracy, 2)) for part in confidence_bins(probabilities, labels)
    ] == [
        (2, 1.0),
        (2, 0.5),
    ]


def test_a_row_with_probability_1_has_a_bin() -> None:
    assert confidence_bins(np.array([[0.0, 1.0]], np.float32), np.array([1]))[0].count == 1


def test_the_interval_of_macro_f1_covers_the_truth_as_often_as_it_says() -> None:
    """Macro-F1 of many samples of one population, against the population's own."""
    population = np.array([[30, 8, 2], [5, 40, 5], [1, 4, 5]]) * 1000
    truth = float(macro_f1(population))
    random = np.random.default_rng(1)
    shares = population.reshape(-1) / population.sum()
    covered = 0
    for drawn in random.multinomial(400, shares, 200).reshape(-1, 3, 3):
        low, high = bootstrap_interval(drawn, macro_f1)
        assert low < float(macro_f1(drawn)) < high
        covered += low <= truth <= high
    assert 0.9 <= covered / 200 <= 0.99


def test_the_interval_of_macro_f1_is_repeatable_and_narrows_with_more_rows() -> None:
    few = np.array([[40, 10], [5, 45]])
    first, again, more = (bootstrap_interval(m, macro_f1) for m in (few, few, few * 100))
    assert first == again
    assert more[1] - more[0] < (first[1] - first[0]) / 8
