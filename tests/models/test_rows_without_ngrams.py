"""Rows without any feature are fitted by the shares of their classes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import sparse

from modelwright.models.logistic_regression import fit_logistic
from modelwright.models.ngram_features import NgramRows, WeightedNgrams, Weighting


@pytest.mark.parametrize("columns", [0, 5])
@pytest.mark.parametrize("classes", [2, 3])
def test_without_a_feature_the_shares_of_the_classes_are_the_answer(
    columns: int, classes: int
) -> None:
    labels = np.array([0] * 30 + [1] * 10)
    for features in (sparse.csr_array((40, columns)), np.zeros((40, columns), np.float32)):
        fitted = fit_logistic(features, labels, classes, [1.0])[0]
        assert fitted.kernel.shape == (columns, 1 if classes == 2 else 3)
        answered = fitted.probabilities(features)[0]
        np.testing.assert_allclose(answered[:2], [0.75, 0.25], atol=0.01)


def test_no_known_ngram_warns_of_nothing() -> None:
    nothing = np.zeros(0, np.int64)
    rows = NgramRows(sparse.csr_array((4, 0), dtype=np.float32), nothing, nothing)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = WeightedNgrams(rows, np.arange(4), np.array([0, 1, 0, 1]), Weighting(0.1, 1.0))
    assert found.weights.shape == (0,)
