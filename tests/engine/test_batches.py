from __future__ import annotations

import numpy as np
import pytest

from modelwright.engine.augment import augment
from modelwright.engine.batches import Batches, Ids, TrainingBatches

ROWS = Ids(np.arange(10, dtype=np.int32)[:, None])


def epoch(batches: TrainingBatches) -> list[int]:
    return [int(v) for i in range(len(batches)) for v in batches[i][0][:, 0]]


def shuffled(seed: int = 1) -> TrainingBatches:
    return TrainingBatches(ROWS, np.arange(10)[:, None], 4, seed=seed, variation="none")


def test_every_row_once_an_epoch_with_its_own_label() -> None:
    batches = shuffled()
    assert len(batches) == 3
    assert sorted(epoch(batches)) == list(range(10))
    rows, labels = batches[2]
    assert len(rows) == 2
    np.testing.assert_array_equal(rows, labels)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    one, two = shuffled(), shuffled()
    first = epoch(one)
    one.start_epoch(1)
    two.start_epoch(7)
    two.start_epoch(1)
    assert epoch(one) == epoch(two) != first
    assert epoch(shuffled(seed=2)) != first


def test_rows_to_predict_keep_their_order() -> None:
    parts = Batches(ROWS, 4)
    np.testing.assert_array_equal(np.concatenate([parts[i][0] for i in range(3)]), ROWS.array)


def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (64, 16, 16, 3), dtype=np.uint8)


def test_flipping_mirrors_about_half_and_leaves_the_rest() -> None:
    given = pictures()
    varied = augment(given, "flip", np.random.default_rng(1))
    same = (varied == given).all(axis=(1, 2, 3))
    mirrored = (varied == given[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 16 < mirrored.sum() < 48


def test_cropping_shifts_by_at_most_an_eighth() -> None:
    given = pictures()
    varied = augment(given, "flip+crop", np.random.default_rng(1))
    assert varied.shape == given.shape
    for before, after in zip(given, varied, strict=True):
        centres = {after[8, 8].tobytes(), after[8, 7].tobytes()}
        near = {before[y, x].tobytes() for y in range(6, 11) for x in range(5, 11)}
        assert centres <= near
    assert not (varied == given).all(axis=(1, 2, 3)).all()


def test_augmentation_never_changes_its_input_and_repeats_with_its_seed() -> None:
    given = pictures()
    copy = given.copy()
    one = augment(given, "flip+crop", np.random.default_rng(5))
    two = augment(given, "flip+crop", np.random.default_rng(5))
    np.testing.assert_array_equal(given, copy)
    np.testing.assert_array_equal(one, two)
    assert augment(given, "none", np.random.default_rng(5)) is given


@pytest.mark.parametrize("shift", [-2, 2])
def test_the_border_is_reflected(shift: int) -> None:
    from modelwright.engine.augment import _reflected

    line = np.arange(5)[None]
    expected = {2: [2, 3, 4, 3, 2], -2: [2, 1, 0, 1, 2]}[shift]
    assert _reflected(line + shift, 5)[0].tolist() == expected
