"""The graph decodes like Pillow. Decoding with Pillow is tested in tests/data."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from modelwright.data.images import decode_image, resize_image
from modelwright.models import image_decoding

RANDOM = np.random.default_rng(0)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def color(side: int = 24) -> Image.Image:
    return Image.fromarray(RANDOM.integers(0, 255, (side, side, 3), dtype=np.uint8))


def smooth(side: int = 24) -> Image.Image:
    ramp = np.linspace(20, 220, side).astype(np.uint8)
    return Image.fromarray(np.stack([np.tile(ramp, (side, 1))] * 3, axis=-1))


def rgba() -> Image.Image:
    image = color()
    image.putalpha(Image.fromarray(RANDOM.integers(0, 255, (24, 24), dtype=np.uint8)))
    return image


CASES: dict[str, tuple[Callable[[], bytes], int]] = {
    "png": (lambda: encoded(color()), 0),
    "bmp": (lambda: encoded(color(), "BMP"), 0),
    "gray": (lambda: encoded(color().convert("L")), 0),
    "palette": (lambda: encoded(color().convert("P")), 0),
    "alpha": (lambda: encoded(rgba()), 0),
    "16-bit": (
        lambda: encoded(Image.fromarray(RANDOM.integers(0, 65535, (24, 24), dtype=np.uint16))),
        0,
    ),
    "animated gif": (
        lambda: encoded(
            color().convert("P"), "GIF", save_all=True, append_images=[color().convert("P")]
        ),
        0,
    ),
    "jpeg": (lambda: encoded(smooth(), "JPEG", quality=90), 0),
    "cmyk jpeg": (lambda: encoded(smooth().convert("CMYK"), "JPEG", quality=95), 4),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("channels", [3, 1])
def test_the_graph_and_pillow_give_the_same_pixels(name: str, channels: int) -> None:
    make, levels = CASES[name]
    data = make()
    expected = decode_image(data, channels=channels)
    decoded = image_decoding.decode_in_graph(tf.constant([data]), expected.shape).numpy()[0]
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - expected).max() <= levels


@pytest.mark.parametrize("side", [8, 17, 24, 61])
def test_resizing_agrees_to_one_gray_level(side: int) -> None:
    data = encoded(color())
    expected = resize_image(decode_image(data, channels=3), (side, side))
    decoded = image_decoding.decode_in_graph(tf.constant([data, data]), (side, side, 3)).numpy()
    assert decoded.shape == (2, side, side, 3)
    assert np.abs(decoded[1].astype(int) - expected).max() <= 1
