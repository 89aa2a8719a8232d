"""Logistic regression by a solver, against scikit-learn and by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from modelwright.models import logistic_regression
from modelwright.models.logistic_regression import (
    LogisticFit,
    cross_validate,
    fit_logistic,
    mistakes,
    stratified_folds,
)


def blobs(rows: int, classes: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows around one center for each class, and their classes."""
    random = np.random.default_rng(0)
    labels = np.arange(rows) % classes
    centers = random.normal(size=(classes, features))
    values = centers[labels] + 2 * random.normal(size=(rows, features))
    return (values / np.sqrt(features)).astype(np.float32), labels


def fit_one(features: Any, labels: np.ndarray, classes: int, **more: Any) -> LogisticFit:
    [fit] = fit_logistic(features, labels, classes, [3.0], **more)
    return fit


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize(("rows", "features"), [(90, 12), (30, 200)])
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_fit_is_that_of_scikit_learn(classes: int, rows: int, features: int, kind: Any) -> None:
    values, labels = blobs(rows, classes, features)
    expected = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(values, labels)
    fit = fit_one(kind(values), labels, classes)
    found = fit.probabilities(kind(values))
    assert np.abs(found - expected.predict_proba(values)).max() < 2e-3
    assert fit.kernel.shape == (features, 1 if classes == 2 else classes)
    assert fit.kernel.dtype == fit.bias.dtype == np.float32


def test_each_strength_has_its_own_fit() -> None:
    values, labels = blobs(40, 2, 10)
    sizes = [np.abs(fit.kernel).sum() for fit in fit_logistic(values, labels, 2, [0.1, 1, 10])]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("present", [(0, 2), (1, 2, 3)], ids=["two", "three"])
def test_a_class_without_rows_is_never_predicted(present: tuple[int, ...]) -> None:
    values, positions = blobs(60, len(present), 8)
    labels = np.array(present)[positions]
    expected = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(values, labels)
    found = fit_one(values, labels, 4).probabilities(values)
    assert found.shape == (60, 4)
    assert np.abs(found[:, present] - expected.predict_proba(values)).max() < 2e-3
    assert found[:, [label for label in range(4) if label not in present]].max() < 1e-4


@pytest.mark.parametrize(("classes", "only"), [(2, 0), (2, 1), (4, 2)])
def test_rows_of_a_single_class_are_always_that_class(classes: int, only: int) -> None:
    values = np.ones((5, 3), np.float32)
    found = fit_one(values, np.full(5, only), classes).probabilities(values)
    assert found[:, only].min() > 0.999


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_coordinates_in_the_span_of_the_rows_have_the_same_optimum(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, labels = blobs(30, 3, 150)
    values[3] = values[0]  # a copy, so that the rows span one dimension less
    rotated = fit_one(kind(values), labels, 3)
    monkeypatch.setattr(logistic_regression, "rotate", lambda features, _: (features, lambda w: w))
    plain = fit_one(kind(values), labels, 3)
    assert np.abs(rotated.kernel - plain.kernel).max() < 0.01 * np.abs(plain.kernel).max()


def test_the_same_rows_give_the_same_bits_and_their_order_next_to_nothing() -> None:
    values, labels = blobs(50, 3, 20)
    first, again = (fit_one(values, labels, 3) for _ in range(2))
    assert first.kernel.tobytes() == again.kernel.tobytes()
    other = fit_one(values[::-1].copy(), labels[::-1].copy(), 3)
    assert np.abs(first.kernel - other.kernel).max() < 1e-2 * np.abs(first.kernel).max()


def test_the_weight_of_a_row_counts_as_copies_of_it() -> None:
    values, labels = blobs(30, 2, 6)
    counts = np.where(labels == 1, 3, 1)
    weighted = fit_one(values, labels, 2, row_weights=counts.astype(np.float32))
    copied = fit_one(np.repeat(values, counts, axis=0), np.repeat(labels, counts), 2)
    assert np.abs(weighted.kernel - copied.kernel).max() < 1e-2 * np.abs(copied.kernel).max()
    assert weighted.bias[0] > fit_one(values, labels, 2).bias[0]


def test_every_row_is_held_out_once_but_the_only_one_of_its_class() -> None:
    labels = np.array([0] * 20 + [1] * 10 + [2] * 2 + [3])
    pairs = stratified_folds(labels, seed=0)
    held = np.concatenate([held for _, held in pairs])
    assert len(pairs) == 5
    assert sorted(held) == list(range(32))
    for train, rows in pairs:
        assert not set(train) & set(rows)
        assert 32 in train
        assert (labels[rows] == 0).sum() == 4
        assert (labels[rows] == 1).sum() == 2
        assert set(labels[train]) == {0, 1, 2, 3}


@pytest.mark.parametrize(("rows", "folds"), [(1_999, 5), (2_000, 3), (10_000, 1)])
def test_many_rows_need_fewer_folds(rows: int, folds: int) -> None:
    assert len(stratified_folds(np.arange(rows) % 2, seed=0)) == folds


def test_rows_of_classes_with_one_row_leave_nothing_to_hold_out() -> None:
    def never(train: np.ndarray, held: np.ndarray) -> Mapping[Any, Any]:
        raise AssertionError("nothing can be held out")

    found = cross_validate(np.arange(4), [["usual", "other"]], never, seed=0)
    assert (found.key, found.folds, len(found.rows)) == ("usual", 0, 0)


@pytest.mark.parametrize(
    ("gain", "chosen"), [(0.0, "usual"), (0.004, "usual"), (0.5, "other")], ids=str
)
def test_another_group_must_be_clearly_better(gain: float, chosen: str) -> None:
    labels = np.arange(40) % 2
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 40)

    def predict(train: np.ndarray, held: np.ndarray) -> Mapping[str, Any]:
        def given(own: np.ndarray) -> np.ndarray:
            return np.where(np.eye(2)[labels[held]] == 1, own[:, None], 1 - own[:, None])

        usual = np.full(len(held), 0.4)
        return {"usual": given(usual), "other": given(usual + gain + noise[held])}

    found = cross_validate(labels, [["usual"], ["other"]], predict, seed=0)
    assert found.key == chosen
    right = found.predicted == labels[found.rows]
    assert right.all() == (chosen == "other")


def test_mistakes_count_one_each() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    assert mistakes(probabilities, np.array([0, 0, 1])).tolist() == [0, 1, 1]
