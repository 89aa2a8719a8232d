"""The strategy counts: exact counts, and weights that they hold."""

from __future__ import annotations

from typing import Any

import ngram_lessons
import numpy as np
import pytest
from ngram_lessons import lesson, texts

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning import ngram_counts
from modelwright.learning.answers import answers
from modelwright.learning.bucket_table import BucketTable
from modelwright.learning.growth import grow_network
from modelwright.learning.joined_rows import join
from modelwright.learning.lesson import LessonRows
from modelwright.learning.ngram_counts import NgramCounts, count_rows
from modelwright.learning.registry import find_strategy

OLD, NEW = texts(0, 160), texts(1, 120)
COUNTS = find_strategy("counts")


def f1(network: Any, rows: LessonRows) -> float:
    return float((answers(network, rows).argmax(axis=1) == rows.labels).mean())


@pytest.fixture(scope="module")
def network() -> Any:
    return ngram_lessons.solved(OLD)


@pytest.fixture(scope="module")
def state(network: Any) -> Any:
    return COUNTS.remember(lesson(network, OLD))


def test_counts_after_two_lessons_equal_those_of_all_rows_anew(network: Any, state: Any) -> None:
    second = COUNTS.remember(lesson(network, NEW, state=state))
    anew = COUNTS.remember(lesson(network, join([NEW, OLD])))
    assert second.keys() == anew.keys()
    for key in ("buckets", "values", "rows", "vocabulary"):
        np.testing.assert_array_equal(second[key], anew[key])
    np.testing.assert_allclose(second["unsure"], anew["unsure"], rtol=1e-5)


def test_a_count_is_the_number_of_rows_of_a_class_with_the_n_gram(state: Any) -> None:
    table = BucketTable.from_state(state, vocabulary=ngram_lessons.TOKENS, columns=2)
    for token in (3, 22, 23, 35):
        there = (OLD.inputs.take(np.arange(len(OLD))) == token).any(axis=1)
        expected = np.bincount(OLD.labels[there], minlength=2)
        np.testing.assert_array_equal(table.at(np.array([token]))[0], expected)
    np.testing.assert_array_equal(state["rows"], np.bincount(OLD.labels))
    assert table.at(np.array([4095, 1])).sum() in (0, table.at(np.array([4095])).sum())


def test_counts_that_are_added_up_on_the_way_are_the_same(
    network: Any, state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ngram_counts, "_CHUNK", 16)
    monkeypatch.setattr(ngram_counts, "_MOST_CELLS", 50)
    again = COUNTS.remember(lesson(network, OLD))
    for key in ("buckets", "values", "rows"):
        np.testing.assert_array_equal(again[key], state[key])
    none = count_rows(network, texts(0, 0))
    assert (len(none.table.buckets), none.rows.tolist()) == (0, [0.0, 0.0])


def test_counts_learn_the_new_kind_and_keep_the_old_one(network: Any, state: Any) -> None:
    held_old, held_new = texts(0, 300, seed=1), texts(1, 300, seed=1)
    one = lesson(network, NEW, state=state)
    COUNTS.learn(one)
    assert f1(network, held_new) < 0.75
    assert f1(one.network, held_new) > 0.85
    assert f1(one.network, held_old) > f1(network, held_old) - 0.02
    assert "280 rows in all" in one.notes[-1]
    np.testing.assert_array_equal(answers(one.before(), OLD), answers(network, OLD))


def test_counts_hold_weights_that_new_rows_contradict(network: Any, state: Any) -> None:
    flipped = LessonRows(texts(0, 30).inputs, 1 - texts(0, 30).labels)
    held, free = lesson(network, flipped, state=state), lesson(network, flipped)
    COUNTS.learn(held)
    find_strategy("naive").learn(free)
    assert f1(held.network, OLD) > f1(free.network, OLD) + 0.2


def test_an_n_gram_becomes_known_when_old_and_new_rows_together_have_it_often_enough() -> None:
    table = BucketTable(np.array([5, 9]), np.array([[1.0, 1.0], [0.0, 1.0]]), 40)
    counts = NgramCounts(table, np.array([4000.0, 2001.0]), np.zeros((2, 1)))
    known = counts.frequent(64, min_count=4)
    assert not known.any()  # with 6,001 rows, 4 of them are asked for
    more = NgramCounts(BucketTable(np.array([5]), np.array([[2.0, 0.0]]), 40), np.ones(2), 0)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.flatnonzero((counts + more).frequent(64, 4)), [5])
    np.testing.assert_array_equal(np.flatnonzero((counts + more).frequent(64, 1)), [5, 9])


def test_counts_move_with_the_vocabulary_and_grow_with_the_classes(
    network: Any, state: Any
) -> None:
    names = ["bad", "good", "new"]
    grown = grow_network(
        network, ngram_lessons.MODEL, labels_before=names[:2], labels=names,
        tokens_before=ngram_lessons.TOKENS, tokens=ngram_lessons.TOKENS + 5,
    )  # fmt: skip
    moved = NgramCounts.from_state(state, vocabulary=ngram_lessons.TOKENS + 5, classes=3)
    anew = count_rows(grown.network, OLD)
    np.testing.assert_array_equal(moved.table.buckets, anew.table.buckets)
    np.testing.assert_array_equal(moved.table.values, anew.table.values)
    np.testing.assert_array_equal(moved.rows, anew.rows)
    rows = texts(1, 90, classes=3)
    one = lesson(grown.network, rows, grown.model, state=state)
    COUNTS.learn(one)
    assert f1(one.network, rows) > 0.85
    assert f1(one.network, OLD) > 0.85


def test_counts_are_refused_without_a_state_and_for_other_networks(network: Any) -> None:
    with pytest.raises(ConfigError, match="needs the counts of the old rows"):
        COUNTS.learn(lesson(network, NEW))
    assert COUNTS.unfit(ngram_lessons.MODEL) == ""
    assert "has no counts; take closed-form" in COUNTS.unfit(ModelConfig(builder="bilstm"))


def test_tables_are_added_by_bucket() -> None:
    first = BucketTable(np.array([2, 5]), np.array([[1.0, 0.0], [2.0, 3.0]]), 9)
    second = BucketTable(np.array([0, 5, 7]), np.array([[4.0, 4.0], [1.0, 1.0], [0.0, 6.0]]), 9)
    empty = BucketTable(np.zeros(0, np.int64), np.zeros((0, 2)), 9)
    both = first + second
    np.testing.assert_array_equal(both.buckets, [0, 2, 5, 7])
    np.testing.assert_array_equal(both.values, [[4, 4], [1, 0], [3, 4], [0, 6]])
    np.testing.assert_array_equal((empty + first).values, first.values)
    assert (empty + empty).values.shape == (0, 2)
