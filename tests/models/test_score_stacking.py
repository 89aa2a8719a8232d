"""Sums of the scores of two models."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.logistic_regression import scores_to_probabilities
from modelwright.models.score_stacking import _loss, fit_stack, stack_out_of_fold


def scores(count: int, columns: int, quality: float, seed: int) -> tuple[FloatArray, IntArray]:
    """Returns scores that know the class of each row as well as ``quality`` says."""
    classes = max(columns, 2)
    labels = np.random.default_rng(99).integers(0, classes, count)
    own = np.eye(classes)[labels]
    own = own[:, 1:] - own[:, :1] if columns == 1 else own
    noise = np.random.default_rng(seed).normal(size=(count, columns))
    return (quality * own + noise).astype(np.float32), labels


@pytest.mark.parametrize("columns", [1, 3])
def test_the_gradient_is_that_of_the_loss(columns: int) -> None:
    (first, labels), (second, _) = scores(30, columns, 1, 0), scores(30, columns, 2, 1)
    weights = np.linspace(0.5, 2, 30, dtype=np.float32)
    values = np.random.default_rng(1).normal(size=2 + columns)
    _, gradient = _loss(first, second, labels, weights, values)
    for position in range(len(values)):
        step = np.zeros(len(values))
        step[position] = 1e-4
        up, down = (
            _loss(first, second, labels, weights, values + sign * step)[0] for sign in (1, -1)
        )
        assert gradient[position] == pytest.approx((up - down) / 2e-4, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("columns", [1, 3])
def test_scores_that_say_nothing_lose_their_weight(columns: int) -> None:
    (good, labels), (bad, _) = scores(400, columns, 1.5, 0), scores(400, columns, 0, 1)
    ones = np.ones(400, np.float32)
    for stack, useful, useless in (
        (fit_stack(good, bad, labels, ones), "first", "second"),
        (fit_stack(bad, good, labels, ones), "second", "first"),
    ):
        assert getattr(stack, useful) > 4 * getattr(stack, useless)


def test_both_together_know_more_than_each_alone() -> None:
    (first, labels), (second, _) = scores(600, 1, 1, 0), scores(600, 1, 1, 1)
    stacked = stack_out_of_fold(first, second, labels, np.ones(600, np.float32))
    alone = [scores_to_probabilities(one).argmax(axis=1) == labels for one in (first, second)]
    right = stacked.argmax(axis=1) == labels
    assert right.mean() > max(one.mean() for one in alone) + 0.02


def test_a_weight_is_never_negative() -> None:
    first, labels = scores(200, 1, 2, 0)
    assert fit_stack(first, -first, labels, np.ones(200, np.float32)).second == 0


def test_without_rows_the_first_model_stays_as_it_is() -> None:
    none = np.zeros((0, 3), np.float32)
    stack = fit_stack(none, none, np.zeros(0, np.int64), np.zeros(0, np.float32))
    assert (stack.first, stack.second, stack.bias.tolist()) == (1, 0, [0, 0, 0])
    assert stack_out_of_fold(none, none, np.zeros(0, np.int64), none[:, 0]).shape == (0, 3)


def test_a_class_without_rows_stays_as_likely_as_the_scores_say() -> None:
    (first, labels), (second, _) = scores(300, 3, 3, 0), scores(300, 3, 1, 1)
    seen = labels < 2
    stack = fit_stack(first[seen], second[seen], labels[seen], np.ones(seen.sum(), np.float32))
    assert stack.bias[2] == 0
    assert stack.bias.sum() == pytest.approx(0, abs=1e-3)
    found = stack.scores(first, second).argmax(axis=1)
    assert (found[~seen] == 2).mean() > 0.9


@pytest.mark.parametrize("columns", [1, 3])
def test_rows_of_one_class_leave_the_first_model_as_it_is(columns: int) -> None:
    first, _ = scores(30, columns, 1, 0)
    ones = np.ones(30, np.float32)
    stack = fit_stack(first, first - 3, np.zeros(30, np.int64), ones)
    assert (stack.first, stack.second, stack.bias.tolist()) == (1, 0, [0] * columns)
