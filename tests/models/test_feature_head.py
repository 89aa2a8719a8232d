"""The dense layer on features."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modelwright.models.feature_head import STRENGTHS, solve_head


def blobs(rows: int, classes: int, features: int = 30) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    labels = np.arange(rows) % classes
    centers = random.normal(size=(classes, features))
    values = centers[labels] + random.normal(size=(rows, features))
    return (5 + 3 * values).astype(np.float32), labels


@pytest.mark.parametrize(("rows", "classes"), [(20, 2), (24, 3), (200, 2), (200, 4)])
def test_the_layer_on_raw_features_answers_as_the_solver_on_standardized_ones(
    rows: int, classes: int
) -> None:
    features, labels = blobs(rows, classes)
    head = solve_head(features[None], labels)
    variance = features.var(axis=0, dtype=np.float64)
    scale = np.sqrt(variance + 0.1 * variance.mean())
    standardized = (features - features.mean(axis=0, dtype=np.float64)) / scale
    solver = LogisticRegression(C=head.strength, max_iter=500).fit(standardized, labels)
    expected = solver.decision_function(standardized)
    scores = features.astype(np.float64) @ head.kernel + head.bias
    scores = scores[:, 0] if classes == 2 else scores - scores.mean(axis=1, keepdims=True)
    if classes > 2:
        expected = expected - expected.mean(axis=1, keepdims=True)
    assert np.abs(scores - expected).max() < 0.02
    assert head.kernel.dtype == head.bias.dtype == np.float32
    assert head.kernel.shape == (30, 1 if classes == 2 else classes)


def test_the_accuracy_is_that_of_rows_that_were_left_out() -> None:
    features, _ = blobs(60, 2)
    labels = np.random.default_rng(1).integers(0, 2, 60)
    head = solve_head(features[None], labels)  # labels without meaning
    assert head.accuracy is not None
    assert head.accuracy < 0.75
    assert head.folds == 5
    assert head.strength in STRENGTHS


def test_a_class_with_one_row_leaves_nothing_to_compare_penalties_on() -> None:
    features, labels = blobs(9, 3)
    labels[labels == 2] = 1
    labels[0] = 2
    head = solve_head(features[None], labels)
    assert (head.accuracy, head.folds) == (None, 0)


def test_balanced_classes_and_changed_copies_count() -> None:
    features, labels = blobs(60, 2)
    features, labels = features[6:], labels[6:]
    few = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:5]])
    plain = solve_head(features[None, few], labels[few])
    balanced = solve_head(features[None, few], labels[few], balanced=True)
    assert balanced.bias[0] > plain.bias[0]
    noise = np.random.default_rng(0).normal(size=features.shape).astype(np.float32)
    both = solve_head(np.stack([features, features + noise]), labels)
    assert not np.allclose(both.kernel, solve_head(features[None], labels).kernel)
