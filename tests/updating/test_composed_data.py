"""The file with the rows of an updated version is read back by the readers of data, unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hand_made import stored, stored_images

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.load import load_data
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.updating.composed_data import (
    check_label_names,
    composed_config,
    data_file,
    read_rows,
    write_rows,
)

NAMES = ("z", "10", "9", '好, "评"')
"""Neither by name nor by number."""


def test_texts_keep_their_classes_order_and_splits(tmp_path: Path) -> None:
    texts = [f'行 {n}\n, "x"' for n in range(12)]
    sides = [TRAIN] * 8 + [VAL, VAL, TEST, TEST]
    rows = stored(texts, [n % 4 for n in range(12)], sides)
    path = tmp_path / data_file(None)
    write_rows(path, rows, NAMES, None)
    data = load_data(composed_config(str(path), DataConfig(), "text", None))
    assert data.labels == NAMES
    assert data.counts() == {"train": 8, "val": 2, "test": 2}
    assert data.splits["train"].labels.tolist() == [n % 4 for n in range(8)]
    assert data.splits["test"].inputs.raw(1) == texts[11]
    again = read_rows(path, NAMES, "text")
    assert again.contents.to_pylist() == texts
    np.testing.assert_array_equal(again.digests, rows.digests)


@pytest.mark.parametrize("shape", [(9, 9, 3), (9, 7, 3), (28, 28, 1), (240, 240, 3)])
def test_images_keep_every_pixel(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, *shape)).astype(np.uint8)
    rows = stored_images(pixels, [0, 1, 2, 3] * 2, [TRAIN] * 4 + [TEST] * 4)
    path = tmp_path / data_file(shape)
    write_rows(path, rows, NAMES, shape)
    data = load_data(composed_config(str(path), DataConfig(), "image", shape))
    assert (data.labels, data.shape) == (NAMES, shape)
    found = data.splits["train"].inputs.take(np.arange(4))
    np.testing.assert_array_equal(found, pixels[:4])
    assert data.splits["test"].labels.tolist() == [0, 1, 2, 3]
    again = read_rows(path, NAMES, "image")
    np.testing.assert_array_equal(again.rows(shape).take(np.arange(8)), pixels)


def test_a_label_that_readers_would_change_is_refused() -> None:
    check_label_names(NAMES)
    with pytest.raises(DataError, match="spaces or invisible marks"):
        check_label_names(("pos", "neg "))
