from __future__ import annotations

import numpy as np
import pytest

from modelwright.data.image_files import format_of
from modelwright.data.images import decode_image
from modelwright.data.orientation import find_orientation
from modelwright.data.served_images import SERVED_FORMATS, serving_problem
from modelwright.exporting.image_examples import MADE_ROWS, encode_in_every_format


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_are_encoded_in_every_format_that_is_served(channels: int) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (5, 10, 12, channels), dtype=np.uint8)
    files = encode_in_every_format(rows, turned=True)
    assert len(files) == MADE_ROWS
    assert {format_of(file) for file in files} == set(SERVED_FORMATS)
    assert not any(serving_problem(file) for file in files)
    assert np.array_equal(decode_image(files[0], channels=channels), rows[0])
    turned = [decode_image(file).shape for file in files if find_orientation(file) > 1]
    assert turned == [(12, 10, 3)] * 4
    assert not any(find_orientation(f) > 1 for f in encode_in_every_format(rows, turned=False))


def test_one_row_is_enough() -> None:
    assert encode_in_every_format(np.zeros((1, 8, 8, 3), np.uint8), turned=True)
