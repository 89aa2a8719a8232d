from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright.core.types import SPLITS
from modelwright.data.digests import fingerprint_rows, hash_image, hash_images, hash_texts
from modelwright.data.splits import NO_SPLIT, TEST, TRAIN, VAL, count_leaked, limit_rows, split_rows

ROWS = st.lists(
    st.tuples(st.text("abc", min_size=1, max_size=4), st.integers(0, 2)), min_size=1, max_size=120
)


def digests(texts: list[str]) -> np.ndarray:
    return hash_texts(pa.array(texts, pa.large_string()))


def sides(rows: list[tuple[str, int]], val: float = 0.2, test: float = 0.2) -> list[int]:
    texts, labels = [text for text, _ in rows], np.array([label for _, label in rows])
    given = np.full(len(rows), NO_SPLIT, np.int8)
    return split_rows(digests(texts), labels, given, val, test).tolist()


@given(ROWS, st.randoms())
@settings(deadline=None)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, int]], random) -> None:
    before = dict(zip(rows, sides(rows), strict=True))
    random.shuffle(rows)
    assert dict(zip(rows, sides(rows), strict=True)) == before


@given(ROWS)
@settings(deadline=None)
def test_a_content_is_on_one_side_under_any_label(rows: list[tuple[str, int]]) -> None:
    found: dict[str, set[int]] = {}
    for (text, _), side in zip(rows, sides(rows), strict=True):
        found.setdefault(text, set()).add(side)
    assert all(len(one) == 1 for one in found.values())


@given(ROWS)
@example([("a", 0), *((text, 1) for text in ("a", "b", "c", "aa", "ca", "aaa"))])
@settings(deadline=None)
def test_each_class_with_enough_own_contents_is_in_each_split(rows: list[tuple[str, int]]) -> None:
    got = sides(rows)
    for label in range(3):
        own = {text for text, one in rows if one == label}
        shared = {text for text, one in rows if one != label}
        if len(own - shared) >= 5:
            present = {side for (_, one), side in zip(rows, got, strict=True) if one == label}
            assert present == {TRAIN, VAL, TEST}


@given(ROWS)
@settings(deadline=None)
def test_every_class_has_training_rows(rows: list[tuple[str, int]]) -> None:
    got = sides(rows, val=0.5, test=0.5)
    learned = {label for (_, label), side in zip(rows, got, strict=True) if side == TRAIN}
    assert learned == {label for _, label in rows}


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=20)
def test_added_rows_move_no_others(seed: int) -> None:
    rows = [(f"{seed} {at}", at % 2) for at in range(600)]
    assert sides(rows)[:300] == sides(rows[:300])


def test_shares_hold_in_every_class() -> None:
    rows = [(str(at), at % 4) for at in range(8_000)]
    got = np.array(sides(rows, val=0.1, test=0.2)).reshape(-1, 4)
    assert np.abs((got == TEST).mean(axis=0) - 0.2).max() < 0.03
    assert np.abs((got == VAL).mean(axis=0) - 0.08).max() < 0.03


def test_a_share_of_zero_makes_no_split() -> None:
    rows = [(str(at), at % 2) for at in range(50)]
    assert set(sides(rows, val=0, test=0)) == {TRAIN}
    assert set(sides(rows, val=0.2, test=0)) == {TRAIN, VAL}


def test_a_small_class_gets_rows_in_every_split() -> None:
    rows = [(str(at), 0) for at in range(200)] + [("x", 1), ("y", 1), ("z", 1)]
    assert sorted(sides(rows)[-3:]) == sorted([TRAIN, VAL, TEST])


def test_splits_of_the_source_stay_and_missing_ones_come_from_train() -> None:
    texts = [str(at) for at in range(300)]
    given_sides = np.array([TRAIN] * 200 + [TEST] * 100, np.int8)
    got = split_rows(digests(texts), np.arange(300) % 2, given_sides, 0.2, 0.5)
    assert (got[200:] == TEST).all()
    assert set(got[:200].tolist()) == {TRAIN, VAL}


def test_leaks_are_counted_by_row() -> None:
    got = np.array([TRAIN, TEST, TEST, VAL], np.int8)
    assert count_leaked(digests(["a", "a", "a", "b"]), got, "test") == 2
    assert count_leaked(digests(["a", "a", "a", "b"]), got, "val") == 0


def test_a_limit_keeps_the_shares_in_any_order() -> None:
    texts = [str(at) for at in range(1_000)]
    labels = np.array([0] * 900 + [1] * 100)
    rows = limit_rows(digests(texts), labels, np.arange(1_000), 100)
    assert np.bincount(labels[rows]).tolist() == [90, 10]
    order = np.random.default_rng(0).permutation(1_000)
    again = limit_rows(digests([texts[at] for at in order]), labels[order], np.arange(1_000), 100)
    assert sorted(order[again]) == rows.tolist()
    few = limit_rows(digests(texts), labels, np.arange(1_000), 2)
    assert sorted(labels[few]) == [0, 1]


def test_a_fingerprint_follows_content_label_and_split_and_not_the_order() -> None:
    texts, labels = ["a", "b", "c"], np.array([0, 1, 0])
    own = np.array([TRAIN, VAL, TEST], np.int8)
    first = fingerprint_rows(digests(texts), labels, own, ("x", "y"))
    turned = fingerprint_rows(digests(texts[::-1]), labels[::-1], own[::-1], ("x", "y"))
    renumbered = fingerprint_rows(digests(texts), 1 - labels, own, ("y", "x"))
    assert first == turned == renumbered
    others = {
        fingerprint_rows(digests(["a", "b", "d"]), labels, own, ("x", "y")),
        fingerprint_rows(digests(texts), 1 - labels, own, ("x", "y")),
        fingerprint_rows(digests(texts), labels, own[::-1], ("x", "y")),
        fingerprint_rows(digests(texts), labels, np.array([0, 1, NO_SPLIT], np.int8), ("x", "y")),
    }
    assert len(others | {first}) == 5
    assert len(SPLITS) == 3


def test_hashes_are_of_the_content() -> None:
    sliced = hash_texts(pa.array(["zz", "a", "", "中文"], pa.large_string()).slice(1))
    assert np.array_equal(sliced, digests(["a", "", "中文"]))
    flat = np.zeros((2, 2, 8, 3), np.uint8)
    assert hash_image(flat[0]) != hash_image(flat[0].reshape(4, 4, 3))
    assert hash_images(flat).shape == (2, 2)
