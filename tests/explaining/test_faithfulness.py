"""The figures of an order of segments equal those computed by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from explaining.hand_made_rows import LinearRow
from modelwright.explaining.faithfulness import (
    FIGURES,
    FRACTIONS,
    gain,
    measure_orders,
    order_segments,
    random_orders,
    top_overlap,
)


def sigmoid(value: float) -> float:
    return float(1 / (1 + np.exp(-value)))


def test_the_figures_of_four_segments_computed_by_hand() -> None:
    """Shares of 1 to 20 % of four segments are one segment, 50 % are two."""
    row = LinearRow([4.0, 2.0, 0.0, -1.0])
    found = dict(zip(FIGURES, measure_orders(row, 1, [[0, 1, 2, 3]])[0], strict=True))
    whole, without_one, without_two = sigmoid(5), sigmoid(1), sigmoid(-1)
    first, two = sigmoid(4), sigmoid(6)
    assert found["comprehensiveness"] == pytest.approx(
        (4 * (whole - without_one) + whole - without_two) / 5, abs=1e-6
    )
    assert found["sufficiency"] == pytest.approx((4 * (whole - first) + whole - two) / 5, abs=1e-6)
    deleted = [sigmoid(value) for value in (5, 1, -1, -1, 0)]
    inserted = [sigmoid(value) for value in (0, 4, 6, 6, 5)]
    for name, curve in (("deletion", deleted), ("insertion", inserted)):
        area = sum((one + other) / 2 for one, other in pairwise(curve)) / 4
        assert found[name] == pytest.approx(area, abs=1e-6)
    difference = found["insertion"] - found["deletion"]
    assert found["insertion_less_deletion"] == pytest.approx(difference, abs=1e-6)


def test_the_first_label_has_the_opposite_order() -> None:
    row = LinearRow([4.0, 2.0, 0.0, -1.0])
    best, worst = measure_orders(row, 0, [[3, 2, 1, 0], [0, 1, 2, 3]])[:, 0]
    assert best > worst


def test_the_right_order_is_the_best_of_all_random_ones() -> None:
    random = np.random.default_rng(3)
    row = LinearRow(random.normal(size=30).tolist())
    right = order_segments(np.asarray(row.weights, np.float32))
    found = measure_orders(row, 1, [right, *random_orders(30, 1, 20)])
    for at, name in enumerate(FIGURES):
        assert (gain(name, found[:1, at], found[1:, at]) > 0).all(), name


def test_orders_share_the_answers_of_equal_inputs() -> None:
    row = LinearRow([1.0] * 40)
    one = np.arange(40)
    measure_orders(row, 1, [one])
    measure_orders(row, 1, [one, one, one])
    assert row.asked[0] == row.asked[1]
    assert row.asked[0] <= 2 * len(FRACTIONS) + 2 * 17


def test_a_single_segment_and_a_long_row_have_figures() -> None:
    assert np.isfinite(measure_orders(LinearRow([2.0]), 1, [[0]])).all()
    row = LinearRow([0.01] * 1000)
    assert np.isfinite(measure_orders(row, 1, [np.arange(1000)])).all()
    assert row.asked[0] < 50


def test_segments_of_equal_weight_come_in_no_fixed_order() -> None:
    weights = np.zeros(50, np.float32)
    assert order_segments(weights, 0).tolist() == order_segments(weights, 0).tolist()
    assert order_segments(weights, 0).tolist() != order_segments(weights, 1).tolist()
    assert order_segments(weights, 0).tolist() != list(range(50))
    weights[7] = 1.0
    assert order_segments(weights, 5)[0] == 7


def test_random_orders_follow_from_the_seed_and_hold_each_segment_once() -> None:
    one, other = random_orders(12, 4), random_orders(12, 4)
    assert np.array_equal(one, other)
    assert not np.array_equal(one, random_orders(12, 5))
    assert (np.sort(one, axis=1) == np.arange(12)).all()


def test_the_overlap_of_top_segments() -> None:
    one = np.array([9, 8, 7, 6, -5, 0, 0, 0], np.float32)
    shared_three = np.array([9, 8, 7, 0, 0, 6, 5, 0], np.float32)
    assert top_overlap([one, one, one]) == 1.0
    assert top_overlap([one, shared_three]) == pytest.approx(3 / 5)
    assert top_overlap([one, one, shared_three]) == pytest.approx((1 + 3 / 5 + 3 / 5) / 3)
    assert top_overlap([one[:2], -one[:2]]) == 1.0
