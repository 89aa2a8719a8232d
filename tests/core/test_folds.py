"""Folds keep the classes in proportion and copies together."""

import numpy as np

from modelwright.core.folds import (
    NEVER_HELD_OUT,
    assign_folds,
    number_copies,
    stratified_order,
)


def test_each_fold_has_the_classes_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], (50, 25, 7))
    fold = assign_folds(labels, 5, seed=1)
    counts = np.array([np.bincount(labels[fold == one], minlength=3) for one in range(5)])
    assert (counts[:, :2] == [10, 5]).all()
    assert set(counts[:, 2]) == {1, 2}
    assert (fold == assign_folds(labels, 5, seed=1)).all()
    assert (fold != assign_folds(labels, 5, seed=2)).any()


def test_copies_are_in_one_fold() -> None:
    random = np.random.default_rng(0)
    different = random.integers(0, 2**63, (40, 2)).astype(np.uint64)
    chosen = random.integers(0, 40, 200)
    copies = number_copies(different[chosen])
    assert copies is not None
    fold = assign_folds(chosen % 2, 5, 0, copies)
    for one in range(40):
        assert len(set(fold[chosen == one])) <= 1
    assert set(fold) == set(range(5))


def test_without_copies_their_numbers_change_nothing() -> None:
    labels = np.arange(60) % 3
    digests = np.random.default_rng(3).permutation(120).astype(np.uint64).reshape(60, 2)
    without = assign_folds(labels, 5, 7)
    assert (assign_folds(labels, 5, 7, number_copies(digests)) == without).all()
    assert number_copies(None) is None


def test_a_class_of_one_different_row_is_never_held_out() -> None:
    labels = np.array([0, 0, 0, 0, 1, 2, 2, 2])
    copies = np.array([0, 1, 2, 3, 4, 5, 5, 5])
    fold = assign_folds(labels, 5, 0, copies)
    assert (fold[4:] == NEVER_HELD_OUT).all()
    assert (fold[:4] >= 0).all()


def test_a_class_of_two_rows_is_held_out_in_two_folds() -> None:
    labels = np.repeat(np.arange(30), 2)
    fold = assign_folds(labels, 5, 0)
    assert all(len(set(fold[labels == one])) == 2 for one in range(30))
    assert (np.bincount(fold) == 12).all()


def test_every_beginning_of_an_order_is_stratified() -> None:
    labels = np.repeat([0, 1], (90, 10))
    order = stratified_order(labels, 0)
    assert sorted(order) == list(range(100))
    for end in (10, 20, 50):
        assert labels[order[:end]].sum() == end // 10
