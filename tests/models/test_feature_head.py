"""The dense layer on features."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modelwright.models.adaptation import AdaptationData
from modelwright.models.feature_head import STRENGTHS
from modelwright.models.feature_head import solve_head as solve_rows
from modelwright.models.logistic_regression import LogisticFit
from modelwright.models.solution import Solution
from modelwright.training.batches import TokenIds


def solve_head(
    features: np.ndarray, labels: np.ndarray, row_weights: np.ndarray | None = None
) -> tuple[LogisticFit, Solution]:
    """Solves the layer on features ``[views, n, d]``."""
    rows = AdaptationData(
        TokenIds(np.zeros((len(labels), 1), np.int32)), labels, features=features,
        row_weights=row_weights,
    )  # fmt: skip
    return solve_rows(rows, int(labels.max()) + 1, seed=0)


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
    head, solution = solve_head(features[None], labels)
    variance = features.var(axis=0, dtype=np.float64)
    scale = np.sqrt(variance + 0.1 * variance.mean())
    standardized = (features - features.mean(axis=0, dtype=np.float64)) / scale
    solver = LogisticRegression(C=solution.choice["strength"], max_iter=500).fit(
        standardized, labels
    )
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
    _, solution = solve_head(features[None], labels)  # labels without meaning
    assert solution.accuracy is not None
    assert solution.accuracy < 0.75
    assert solution.choice["strength"] in STRENGTHS


def test_weights_of_rows_and_changed_copies_count() -> None:
    features, labels = blobs(60, 2)
    few = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:5]])
    weights = np.where(labels[few] == 1, 6.0, 1.0)
    plain, _ = solve_head(features[None, few], labels[few])
    balanced, _ = solve_head(features[None, few], labels[few], weights)
    assert balanced.bias[0] != plain.bias[0]
    noise = np.random.default_rng(0).normal(size=features.shape).astype(np.float32)
    both, _ = solve_head(np.stack([features, features + noise]), labels)
    alone, _ = solve_head(features[None], labels)
    assert not np.allclose(both.kernel, alone.kernel)
