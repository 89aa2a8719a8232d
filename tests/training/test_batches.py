from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from modelwright.core.errors import DataError
from modelwright.training import batches as module
from modelwright.training.augmentation import Augmentation, augment
from modelwright.training.batches import (
    Batches,
    TokenIds,
    TrainingBatches,
    encode_rows,
    to_keras_data,
)

ROWS = TokenIds(np.arange(10, dtype=np.int32)[:, None])


def epoch(batches: TrainingBatches) -> list[int]:
    return [int(v) for i in range(len(batches)) for v in batches[i][0][:, 0]]


def shuffled(seed: int = 1) -> TrainingBatches:
    return TrainingBatches(ROWS, np.arange(10)[:, None], 4, seed=seed)


def test_an_epoch_has_every_row_once_with_its_label() -> None:
    batches = shuffled()
    assert len(batches) == 3
    assert sorted(epoch(batches)) == list(range(10))
    rows, labels = batches[2]
    assert len(rows) == 2
    np.testing.assert_array_equal(rows, labels)


def test_the_order_depends_only_on_the_seed_and_the_epoch() -> None:
    one, two = shuffled(), shuffled()
    first = epoch(one)
    one.start_epoch(1)
    two.start_epoch(7)
    two.start_epoch(1)
    assert epoch(one) == epoch(two) != first
    assert epoch(shuffled(seed=2)) != first


def test_an_epoch_of_several_passes_has_every_row_once_in_each() -> None:
    batches = TrainingBatches(ROWS, np.arange(10)[:, None], 4, seed=1, passes=3)
    batches.start_epoch(2)
    found = epoch(batches)
    passes = [found[start : start + 10] for start in (0, 10, 20)]
    assert len(batches) == 9
    assert all(sorted(one) == list(range(10)) for one in passes)
    assert passes[0] != passes[1] != passes[2]
    single = shuffled()
    for number, one in enumerate(passes):  # the order follows from the number of the pass alone
        single.start_epoch(6 + number)
        assert epoch(single) == one


def test_images_are_mirrored_in_every_other_pass() -> None:
    images = np.arange(5 * 4, dtype=np.uint8).reshape(5, 1, 4, 1)
    flip = Augmentation("flip")
    batches = TrainingBatches(
        TokenIds(images), np.arange(5), 5, seed=1, augmentation=flip, passes=2
    )
    sides = []
    for number in range(2):
        batches.start_epoch(number)
        for position in range(2):
            rows, labels = batches[position]
            first = rows[np.argsort(labels), 0, 0, 0]
            sides.append([int(pixel) for pixel in first % 4 == 3])
    assert sides[0] == sides[2] != sides[1] == sides[3]
    assert all(sum(pair) == 1 for pair in zip(*sides[:2], strict=True))


def test_prediction_keeps_the_order_of_rows() -> None:
    parts = Batches(ROWS, 4)
    np.testing.assert_array_equal(np.concatenate([parts[i][0] for i in range(3)]), ROWS.array)


class Watched(TokenIds):
    """Rows that record when they are taken, and by which thread."""

    def __init__(self) -> None:
        super().__init__(ROWS.array)
        object.__setattr__(self, "taken", threading.Semaphore(0))
        object.__setattr__(self, "threads", set())

    def take(self, indices: np.ndarray) -> np.ndarray:
        self.threads.add(threading.current_thread())
        self.taken.release()
        return super().take(indices)


def test_the_next_batches_are_prepared_in_advance() -> None:
    rows = Watched()
    batches = TrainingBatches(rows, np.arange(10)[:, None], 2, seed=1)
    first = batches[0]
    assert all(rows.taken.acquire(timeout=20) for _ in range(3))
    assert not rows.taken.acquire(timeout=0.1)
    assert threading.current_thread() not in rows.threads
    seen = [first, *(batches[position] for position in range(1, 5))]
    assert sorted(int(row) for rows, _ in seen for row in rows[:, 0]) == list(range(10))
    assert all(rows.taken.acquire(timeout=20) for _ in range(2))
    assert not rows.taken.acquire(timeout=0.1)


def test_batches_prepared_in_advance_never_enter_another_epoch() -> None:
    one, other = (TrainingBatches(Watched(), np.arange(10)[:, None], 2, seed=1) for _ in range(2))
    one[0]  # batches 1 and 2 are being prepared now
    for batches in (one, other):
        batches.start_epoch(1)
    assert epoch(one) == epoch(other)


def test_an_error_in_a_batch_is_raised_where_the_batch_is_read() -> None:
    class Broken(TokenIds):
        def take(self, indices: np.ndarray) -> np.ndarray:
            if 4 in indices:
                raise DataError("row 4 is gone")
            return super().take(indices)

    batches = Batches(Broken(ROWS.array), 2)
    assert [batches[position][0][0, 0] for position in (0, 1)] == [0, 2]
    with pytest.raises(DataError, match="row 4 is gone"):
        batches[2]
    assert batches[3][0][0, 0] == 6


class Texts:
    """Texts that record how many were taken at once."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def __len__(self) -> int:
        return 10

    def take(self, indices: np.ndarray) -> list[str]:
        self.taken.append(len(indices))
        return [str(index) for index in indices]


class Lengths:
    """A tokenizer whose ids of a text are the text's number and its square."""

    options = SimpleNamespace(length=2)

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[int(text), int(text) ** 2] for text in texts], np.int32)


def test_texts_are_encoded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ENCODED_AT_ONCE", 4)
    texts, steps = Texts(), []
    ids = encode_rows(texts, Lengths(), lambda *step: steps.append(step))
    np.testing.assert_array_equal(ids.array, [[n, n * n] for n in range(10)])
    assert texts.taken == [4, 4, 2]
    assert steps == [("encoding", done, 10) for done in (4, 8, 10)]


def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (64, 16, 16, 3), dtype=np.uint8)


def varied(kind: str, originals: np.ndarray, seed: int = 1, shift: float = 0.125) -> np.ndarray:
    mirrored = np.arange(len(originals)) % 2 == 0
    random = np.random.default_rng(seed)
    return augment(originals, kind, random, mirrored=mirrored, shift=shift)


def test_flip_mirrors_the_selected_images() -> None:
    originals = images()
    after = varied("flip", originals)
    np.testing.assert_array_equal(after[::2], originals[::2, :, ::-1])
    np.testing.assert_array_equal(after[1::2], originals[1::2])


def test_each_image_is_mirrored_in_every_other_epoch_and_half_of_them_in_the_first() -> None:
    originals = TokenIds(images())
    batches = TrainingBatches(
        originals, np.arange(64)[:, None], 16, seed=3, augmentation=Augmentation("flip")
    )
    sides = []
    for epoch in range(3):
        batches.start_epoch(epoch)
        shown = np.empty(64, bool)
        for rows, labels in (batches[i] for i in range(len(batches))):
            for row, label in zip(rows, labels[:, 0], strict=True):
                original = originals.array[label]
                mirror = np.array_equal(row, original[:, ::-1])
                assert mirror or np.array_equal(row, original)
                shown[label] = mirror
        sides.append(shown)
    np.testing.assert_array_equal(sides[0], ~sides[1])
    np.testing.assert_array_equal(sides[0], sides[2])
    assert 16 < sides[0].sum() < 48


@pytest.mark.parametrize(("shift", "reach"), [(0.125, 2), (0.0625, 1)])
def test_crop_shifts_by_at_most_the_configured_share(shift: float, reach: int) -> None:
    originals = images()
    after = varied("flip+crop", originals, shift=shift)
    assert after.shape == originals.shape
    seen = set()
    for before, image in zip(originals[1::2], after[1::2], strict=True):
        [found] = {
            (y - 8, x - 8)
            for y in range(8 - reach, 9 + reach)
            for x in range(8 - reach, 9 + reach)
            if (before[y, x] == image[8, 8]).all() and (before[y + 1, x] == image[9, 8]).all()
        }
        seen.add(found)
    assert max(abs(step) for found in seen for step in found) == reach


def test_augmentation_equals_shifting_and_mirroring_each_image_by_hand() -> None:
    originals = np.random.default_rng(0).integers(0, 255, (32, 16, 24, 3), dtype=np.uint8)
    random = np.random.default_rng(3)
    down, right = (random.integers(-side // 8, side // 8 + 1, (32, 1)) for side in (16, 24))
    mirrored = random.random(32) < 0.5
    generator = np.random.default_rng(3)
    varied = augment(originals, "flip+crop", generator, mirrored=mirrored, shift=0.125)
    for row, image in enumerate(originals):
        bordered = np.pad(image, ((2, 2), (3, 3), (0, 0)), "reflect")
        y, x = 2 + int(down[row, 0]), 3 + int(right[row, 0])
        moved = bordered[y : y + 16, x : x + 24]
        expected = moved[:, ::-1] if mirrored[row] else moved
        np.testing.assert_array_equal(varied[row], expected)


def test_augmentation_never_changes_its_input_and_repeats_with_its_seed() -> None:
    originals = images()
    copy = originals.copy()
    np.testing.assert_array_equal(
        varied("flip+crop", originals, seed=5), varied("flip+crop", originals, seed=5)
    )
    np.testing.assert_array_equal(originals, copy)
    assert varied("none", originals) is originals


@pytest.mark.parametrize("shift", [-2, 2])
def test_the_border_is_reflect(shift: int) -> None:
    from modelwright.training.augmentation import _reflect

    line = np.arange(5)[None]
    expected = {2: [2, 3, 4, 3, 2], -2: [2, 1, 0, 1, 2]}[shift]
    assert _reflect(line + shift, 5)[0].tolist() == expected


def reviews(count: int = 40) -> TokenIds:
    """Returns rows of 1 to 60 tokens, padded to 64. Row ``i`` starts with token ``i + 1``."""
    lengths = np.random.default_rng(4).integers(1, 61, count)
    ids = np.where(np.arange(64) < lengths[:, None], 7, 0).astype(np.int32)
    ids[:, 0] = np.arange(count) + 1
    return TokenIds(ids)


def test_lengths_exclude_only_the_padding_at_the_end() -> None:
    ids = np.array([[1, 0, 2, 0], [0, 0, 0, 0], [3, 4, 5, 6]], np.int32)
    assert TokenIds(ids).lengths().tolist() == [3, 0, 4]


def test_batches_of_any_length_are_short_and_hold_every_row_complete_once() -> None:
    rows = reviews()
    labels = np.arange(40)[:, None]
    cut = TrainingBatches(rows, labels, 6, seed=1, any_length=True)
    orders = []
    for number in range(2):
        cut.start_epoch(number)
        seen, tokens = [], 0
        for ids, positions in (cut[i] for i in range(len(cut))):
            width = ids.shape[1]
            assert width % 16 == 0
            for row, position in zip(ids, positions[:, 0], strict=True):
                np.testing.assert_array_equal(row, rows.array[position, :width])
                assert not rows.array[position, width:].any()
            seen += positions[:, 0].tolist()
            tokens += ids.size
        assert sorted(seen) == list(range(40))
        assert tokens < 0.8 * rows.array.size
        orders.append(seen)
    assert orders[0] != orders[1]
    again = TrainingBatches(rows, labels, 6, seed=1, any_length=True)
    again.start_epoch(1)
    assert [v for i in range(len(again)) for v in again[i][1][:, 0].tolist()] == orders[1]


def test_keras_data_has_the_batches_of_each_epoch() -> None:
    batches = TrainingBatches(reviews(), np.arange(40)[:, None], 6, seed=1, any_length=True)
    dataset = to_keras_data(batches)
    assert len(dataset) == len(batches)
    for number in range(2):
        batches.start_epoch(number)
        for at, (rows, labels) in enumerate(dataset):
            np.testing.assert_array_equal(rows, batches.make(at)[0])
            np.testing.assert_array_equal(labels, batches.make(at)[1])
