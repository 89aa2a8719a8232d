"""Confident learning: what is suspected is what cleanlab suspects, and rows are never invented."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.auditing.label_quality import judge_labels

CLEANLAB = pytest.importorskip("cleanlab.filter")


def planted(classes: int = 3, rows: int = 300, wrong: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which the first ``wrong`` are changed, and good probabilities."""
    random = np.random.default_rng(0)
    true = random.integers(0, classes, rows)
    scores = random.normal(0, 1, (rows, classes))
    scores[np.arange(rows), true] += 8
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    labels = true.copy()
    labels[:wrong] = (labels[:wrong] + 1) % classes
    return labels, probabilities.astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_the_suspects_are_those_of_cleanlab(classes: int) -> None:
    labels, probabilities = planted(classes)
    found = judge_labels(labels, probabilities)
    scaled = probabilities.astype(np.float64)
    scaled /= scaled.sum(axis=1, keepdims=True)
    assert (found.suspects == CLEANLAB.find_label_issues(labels, scaled)).all()
    assert found.suspects[:20].mean() > 0.9
    assert found.suspects[20:].mean() < 0.05
    assert found.noise == pytest.approx(20 / 300, abs=0.03)


def test_a_score_is_the_probability_of_the_label_and_the_suggestion_is_another_class() -> None:
    labels = np.array([0, 0, 0, 1, 1, 1])
    high = np.array([0.9, 0.8, 0.1, 0.1, 0.2, 0.3])
    found = judge_labels(labels, np.stack([high, 1 - high], axis=1).astype(np.float32))
    assert found.scores == pytest.approx([0.9, 0.8, 0.1, 0.9, 0.8, 0.7])
    assert found.suggested.tolist() == [1, 1, 1, 0, 0, 0]
    assert found.accuracy == pytest.approx(5 / 6)
    assert found.suspects.tolist() == [False, False, True, False, False, False]


def test_a_row_without_probabilities_is_not_judged() -> None:
    labels, probabilities = planted()
    probabilities[5] = np.nan
    found = judge_labels(labels, probabilities)
    assert np.isnan(found.scores[5])
    assert not found.suspects[5]
    assert np.isfinite(np.delete(found.scores, 5)).all()


def test_classes_that_are_mixed_up_come_first() -> None:
    labels, probabilities = planted(4, 400, 0)
    ones = np.flatnonzero(labels == 1)[:30]
    labels[ones] = 3
    first = judge_labels(labels, probabilities).overlaps()[0]
    assert {first.first, first.second} == {1, 3}
    assert first.share == pytest.approx(30 / 400, abs=0.04)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_few_rows_are_judged_too(rows: int) -> None:
    labels = np.array([0, 1, 1])[:rows]
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)[:rows]
    assert len(judge_labels(labels, probabilities).scores) == rows
