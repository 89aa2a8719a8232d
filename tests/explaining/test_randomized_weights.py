"""The sanity check passes a method that reads the network and fails one that does not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from explaining.hand_made_rows import LinearRow, RightMethod
from modelwright.explaining.evaluation import ExplainedRow
from modelwright.explaining.method import Weights
from modelwright.explaining.randomized_weights import (
    ALL,
    LAST,
    check_randomization,
    rank_correlation,
    shuffle_weights,
)


class EdgeDetector(RightMethod):
    """A method that reads the row and not the network."""

    name = "edges"

    def weigh(self, row: LinearRow, label: int, seed: int) -> Weights:
        return Weights(np.arange(len(row.weights), dtype=np.float32))


def test_a_method_that_ignores_the_network_fails_and_one_that_reads_it_passes() -> None:
    random = np.random.default_rng(0)
    rows = [ExplainedRow(LinearRow(random.normal(size=12).tolist()), 1) for _ in range(12)]
    other = {
        LAST: [one.row for one in rows],
        ALL: [LinearRow(random.normal(size=12).tolist()) for _ in rows],
    }
    told: list[tuple[str, int, int]] = []
    right, edges = check_randomization(
        rows,
        lambda layers: other[layers].__getitem__,
        [RightMethod(), EdgeDetector()],
        progress=lambda *step: told.append(step),
    )
    assert right.passed and not edges.passed
    assert right.correlation[LAST].mean == pytest.approx(1)
    assert abs(right.correlation[ALL].mean) < 0.4
    assert edges.correlation[ALL].mean == pytest.approx(1)
    assert edges.to_dict()["changes_with_weights"] is False
    assert told[-1] == ("randomizing weights", 24, 24)


def test_rank_correlation_reads_ranks_and_is_0_without_any() -> None:
    one = np.array([1, 2, 3, 4], np.float32)
    assert rank_correlation(one, one**5) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, np.array([1, 3, 2, 4], np.float32)) == pytest.approx(0.8)
    assert rank_correlation(one, np.zeros(4, np.float32)) == 0


@pytest.mark.parametrize("layers", [LAST, ALL])
def test_weights_keep_their_values_in_another_order(layers: Any) -> None:
    network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), keras.layers.Dense(4)])
    before = network.get_weights()
    shuffle_weights(network, layers, 0)
    after = network.get_weights()
    for one, other in zip(before, after, strict=True):
        assert np.array_equal(np.sort(one, axis=None), np.sort(other, axis=None))
    changed = [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    assert changed[2] and changed[0] == (layers == ALL)
