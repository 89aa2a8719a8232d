"""The rows that are kept from one lesson to the next."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.streams.memory import check_keep, empty_memory, remembered, row_limit, select


def test_a_share_grows_with_the_rows_and_a_number_does_not() -> None:
    assert [row_limit(0.05, seen) for seen in (100, 1000)] == [5, 50]
    assert [row_limit(200, seen) for seen in (100, 1000)] == [100, 200]


def test_a_share_that_keeps_no_row_is_refused_with_one_that_does() -> None:
    first = np.arange(8) % 3
    with pytest.raises(ConfigError) as caught:
        check_keep(0.05, first, "hotel", ["replay", "der"])
    said = str(caught.value)
    for text in ("'stream.keep' was given 0.05", "8 training rows of 'hotel'", "replay, der"):
        assert text in said
    assert "a share of at least 0.13 or a number of rows, such as keep = 3" in said
    check_keep(0.13, first, "hotel", ["replay", "der"])
    check_keep(3, first, "hotel", ["replay", "der"])
    check_keep(0.05, first, "hotel", [])


def test_rows_come_from_memory_and_from_the_last_lesson_alone() -> None:
    labels, steps = np.arange(300) % 2, np.repeat([0, 1, 2], 100)
    memory = empty_memory()
    for step in range(3):
        new = np.flatnonzero(steps == step)
        chosen = select(memory, new, labels, steps, 12, seed=0)
        assert len(chosen) == 12
        assert set(chosen) <= {*memory.chosen.tolist(), *new.tolist()}
        fresh = np.intersect1d(chosen, new)
        memory = remembered(memory, chosen, fresh, np.full((len(fresh), 2), step, np.float32))
        # The answers of a row stay those of its own lesson.
        assert memory.outputs[:, 0].tolist() == steps[memory.chosen].tolist()
        assert np.bincount(labels[memory.chosen]).tolist() == [6, 6]
    assert set(steps[memory.chosen]) == {0, 1, 2}


def test_answers_from_before_a_class_came_lack_that_class() -> None:
    first = remembered(
        empty_memory(), np.array([1, 3]), np.array([1, 3]), np.full((2, 2), 0.5, np.float32)
    )
    both = remembered(first, np.array([1, 3, 7]), np.array([7]), np.full((1, 3), 1 / 3, np.float32))
    assert np.isnan(both.outputs[:2, 2]).all()
    assert np.isfinite(both.outputs[:2, :2]).all()
    assert np.isfinite(both.outputs[2]).all()
