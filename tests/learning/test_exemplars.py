"""Rows to keep: shares of classes and times, chance that is repeatable, and herding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.learning.exemplars import herd, select_rows

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=60)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(0, 70), st.integers(0, 3), st.booleans())
def test_the_limit_is_used_and_shared_equally(
    rows: list[tuple[int, int]], limit: int, seed: int, herding: bool
) -> None:
    labels, times = columns(rows)
    features = np.random.default_rng(0).normal(size=(len(rows), 3)) if herding else None
    kept = select_rows(labels, times, limit, seed=seed, features=features)
    assert len(kept) == min(limit, len(rows))
    assert (np.diff(kept) > 0).all()
    assert (kept == select_rows(labels, times, limit, seed=seed, features=features)).all()
    # A class has at most one row less than another, unless it has no more. So have times in it.
    groups = [(labels, np.arange(len(labels)))]
    groups += [(times, np.flatnonzero(labels == one)) for one in np.unique(labels)]
    for values, members in groups:
        counts = {
            one: (
                np.isin(members[values[members] == one], kept).sum(),
                (values[members] == one).sum(),
            )
            for one in np.unique(values[members])
        }
        most = max((chosen for chosen, _ in counts.values()), default=0)
        assert all(chosen >= min(there, most - 1) for chosen, there in counts.values())


def test_a_rare_class_keeps_all_its_rows_and_others_share_the_rest() -> None:
    labels = np.repeat([0, 1, 2], [500, 300, 4])
    times = np.zeros(804, np.int64)
    times[:10] = 1
    kept = select_rows(labels, times, 100, seed=0)
    assert np.bincount(labels[kept]).tolist() == [48, 48, 4]
    assert (times[kept] == 1).sum() == 10


def test_chance_takes_every_row_equally_often_also_after_a_second_choice() -> None:
    labels, times = np.zeros(20, np.int64), np.zeros(20, np.int64)
    counts = np.zeros(20)
    for seed in range(2000):
        first = select_rows(labels, times, 10, seed=seed)
        second = select_rows(labels[first], times[first], 5, seed=seed + 1)
        counts[first[second]] += 1
    assert np.abs(counts / 2000 - 0.25).max() < 0.05  # five standard errors


def test_herding_follows_the_mean() -> None:
    angles = np.array([0.0, 0.3, -0.3, 1.5, -1.5])
    features = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # The mean is (0.61, 0). After (1, 0) a row near 2 * (0.61, 0) - (1, 0) = (0.22, 0) is needed,
    # which is (0.96, 0.30), and after it one near (-0.13, -0.30), which is (0.07, -1.00).
    assert herd(features, 3).tolist() == [0, 1, 4]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 30), st.integers(0, 99))
def test_herding_begins_the_same_for_any_size_and_is_near_the_mean(rows: int, seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(rows, 4)) + 1
    order = herd(features, rows)
    assert sorted(order) == list(range(rows))
    size = (rows + 1) // 2
    assert (herd(features, size) == order[:size]).all()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    steps = [
        np.linalg.norm(unit[order[: k + 1]].mean(axis=0) - unit.mean(axis=0)) for k in range(rows)
    ]
    chosen: list[int] = []
    for step in range(rows):  # each row is the best next one, by trying all
        tries = {
            one: np.linalg.norm(unit[[*chosen, one]].mean(axis=0) - unit.mean(axis=0))
            for one in range(rows)
            if one not in chosen
        }
        assert steps[step] <= min(tries.values()) + 1e-9
        chosen.append(int(order[step]))


def test_equal_rows_are_not_taken_twice() -> None:
    assert sorted(herd(np.ones((5, 2)), 5)) == [0, 1, 2, 3, 4]
    assert sorted(herd(np.zeros((3, 2)), 3)) == [0, 1, 2]


def test_wrong_arguments_are_named() -> None:
    labels = np.zeros(3, np.int64)
    with pytest.raises(ValueError, match="3 labels, 2 times"):
        select_rows(labels, labels[:2], 1, seed=0)
    with pytest.raises(ValueError, match="limit -1"):
        select_rows(labels, labels, -1, seed=0)
