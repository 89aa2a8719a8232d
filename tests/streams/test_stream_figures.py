"""Figures of a stream, computed by hand and by scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from modelwright.streams.figures import (
    macro_f1_present,
    measure_domains,
    stream_figures,
    uninformed_f1,
)


def test_figures_of_a_matrix_computed_by_hand() -> None:
    matrix = np.array([[0.9, 0.5, 0.4], [0.95, 0.8, 0.6], [0.7, 0.7, 0.9]])
    found = stream_figures(matrix, np.array([0.3, 0.3, 0.4]))
    assert found.average == pytest.approx((0.7 + 0.7 + 0.9) / 3)
    assert found.learned == pytest.approx((0.9 + 0.8 + 0.9) / 3)
    assert found.forgetting == pytest.approx(((0.95 - 0.7) + (0.8 - 0.7)) / 2)
    assert found.backward == pytest.approx(((0.7 - 0.9) + (0.7 - 0.8)) / 2)
    assert found.decay == -found.backward
    assert found.forward == pytest.approx(((0.5 - 0.3) + (0.6 - 0.4)) / 2)


def test_what_was_known_before_a_domain_came_is_not_forgotten_later() -> None:
    matrix = np.array([[0.5, 0.99, 0.0], [0.5, 0.6, 0.0], [0.5, 0.6, 0.5]])
    assert stream_figures(matrix, np.zeros(3)).forgetting == pytest.approx(0)


def test_macro_f1_is_that_of_scikit_learn_over_the_classes_that_occur() -> None:
    random = np.random.default_rng(0)
    for classes in (2, 3, 7):
        labels = random.integers(0, classes, 200)
        predicted = np.where(random.random(200) < 0.6, labels, random.integers(0, classes, 200))
        expected = f1_score(labels, predicted, average="macro")
        assert macro_f1_present(labels, predicted) == pytest.approx(expected)
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 5, 1, 1])
    assert macro_f1_present(labels, predicted) == pytest.approx((2 / 3 + 1) / 2)


def test_domains_are_measured_apart_and_unknown_classes_are_wrong() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], np.float32)
    f1, accuracy = measure_domains(probabilities, np.array([0, 1, 2, 0]), np.array([0, 0, 1, 1]))
    assert f1[0] == 1.0
    assert accuracy == [1.0, 0.5]
    assert f1[1] == pytest.approx((0 + 2 / 3) / 2)


def test_the_most_frequent_class_of_each_domain() -> None:
    labels, steps = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 0, 1])
    assert uninformed_f1(labels, steps) == pytest.approx([(6 / 7) / 2, 1.0])
