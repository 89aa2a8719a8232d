"""Outliers: rows far from all others, or rows that no class is sure about."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.auditing import outliers
from modelwright.auditing.outliers import find_outliers, neighbor_distances, normalized_entropy


def test_a_row_in_another_direction_is_the_first_outlier(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    features = random.normal(0, 0.1, (300, 8)).astype(np.float32) + np.eye(8, dtype=np.float32)[0]
    features[123] = np.eye(8)[5]
    probabilities = np.full((300, 2), 0.5, np.float32)
    for most in (5_000, 100):  # all rows as neighbors, or some of them
        monkeypatch.setattr(outliers, "_REFERENCES", most)
        found = find_outliers(probabilities, features)
        assert (found.method, found.rows[0], len(found.rows)) == ("neighbors", 123, 6)
        assert found.scores[0] == max(found.scores)


def test_a_row_is_not_its_own_neighbor() -> None:
    features = np.eye(3, dtype=np.float32)
    assert neighbor_distances(features) == pytest.approx([1, 1, 1])
    assert neighbor_distances(features[:1]) == pytest.approx([0])


def test_without_features_the_least_certain_rows_come_first() -> None:
    probabilities = np.array([[0.99, 0.01], [0.5, 0.5], [0.8, 0.2], [np.nan, np.nan]], np.float32)
    found = find_outliers(probabilities, None)
    assert (found.method, found.rows, found.scores) == ("entropy", (1,), (1.0,))
    assert normalized_entropy(np.array([[1.0, 0.0, 0.0]], np.float32)) == pytest.approx(
        [0], abs=1e-6
    )
