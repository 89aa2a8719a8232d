"""Near duplicates: of texts in any script, and of images, without comparing every pair."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from modelwright.auditing.groups import join_pairs
from modelwright.auditing.image_duplicates import close_pairs, similar_images
from modelwright.auditing.text_duplicates import similar_texts, text_pieces
from modelwright.data.rows import ImageArray

pytest.importorskip("datasketch")
pytest.importorskip("imagehash")

LONG = "The plot is thin, but the cast plays it with so much joy that nobody minds at all."
CHINESE = "物流很快，包装也很好，就是价格比别的店贵了一点，总体来说还是满意的。"


def images(pixels: np.ndarray) -> ImageArray:
    return ImageArray(np.arange(len(pixels)), str, pixels)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LONG, LONG.replace("thin", "weak")),
        (LONG, LONG.upper() + "!!!"),
        (CHINESE, CHINESE.replace("一点", "不少")),
        (CHINESE, CHINESE.replace("，", " ")),
        ("GOOD", "good."),
        ("！！！", "!!!"),
    ],
)
def test_almost_the_same_text_is_found(first: str, second: str) -> None:
    others = ["A waste of two hours.", "酒店位置不错，早餐一般。", "another text about a phone"]
    found = list(similar_texts([first, *others, second]))
    assert [(one, other) for one, other, _ in found] == [(0, 4)]
    assert 0.7 <= found[0][2] <= 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (LONG, "The cast is thin, but the plot has so much joy that nobody at all minds it."),
        ("很好很好", "很差很差"),
        ("the good film", "the bad film"),
        ("", "。"),
    ],
)
def test_other_texts_are_not(first: str, second: str) -> None:
    assert list(similar_texts([first, second])) == []


def test_a_text_in_broken_unicode_is_read() -> None:
    assert text_pieces("\ud800 abc")


def test_images_that_differ_a_little_are_found() -> None:
    random = np.random.default_rng(0)
    pixels = np.stack(
        [
            np.asarray(
                Image.fromarray(random.integers(0, 255, (4, 4, 3), np.uint8)).resize((32, 32))
            )
            for _ in range(40)
        ]
    )
    brighter = np.clip(pixels[:3].astype(int) + 6, 0, 255).astype(np.uint8)
    black = np.zeros((2, 32, 32, 3), np.uint8)
    black[1] += 1
    found = list(similar_images(images(np.concatenate([pixels, brighter, black]))))
    assert {(one, other) for one, other, _ in found} == {(0, 40), (1, 41), (2, 42)}
    assert all(0.93 <= similarity <= 1 for _, _, similarity in found)


def test_gray_images_are_hashed_too() -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (3, 28, 28, 1), np.uint8)
    pixels[2] = pixels[0]
    assert [pair[:2] for pair in similar_images(images(pixels))] == [(0, 2)]


def test_every_close_pair_of_hashes_is_found() -> None:
    random = np.random.default_rng(2)
    values = random.integers(0, 2**63, 150, np.uint64)
    for row in range(60):  # copies with up to six changed bits
        for bit in random.choice(64, row % 7, replace=False):
            values[90 + row] = values[row] ^ np.uint64(0) if bit == 64 else values[90 + row]
        flips = sum(1 << int(bit) for bit in random.choice(64, row % 7, replace=False))
        values[90 + row] = values[row] ^ np.uint64(flips)
    values = np.unique(values)
    expected = {
        (one, other): bits
        for one in range(len(values))
        for other in range(one + 1, len(values))
        if (bits := int(np.bitwise_count(values[one] ^ values[other]))) <= 4
    }
    found = {(one, other): bits for one, other, bits in close_pairs(values)}
    assert found == expected
    assert len(found) >= 30


def test_pairs_are_joined_to_groups_with_their_lowest_similarity() -> None:
    groups = join_pairs(8, [(5, 6, 0.9), (1, 2, 0.8), (2, 4, 0.95), (0, 7, 1.0)])
    assert groups == [((0, 7), 1.0), ((1, 2, 4), 0.8), ((5, 6), 0.9)]
