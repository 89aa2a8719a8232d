from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from modelwright.core.errors import DataError
from modelwright.data import images


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


@pytest.fixture
def rgb() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_lossless_formats_keep_their_pixels(rgb: np.ndarray) -> None:
    for kind in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(images.decode_image(encoded(Image.fromarray(rgb), kind)), rgb)
    webp = encoded(Image.fromarray(rgb), "WEBP", lossless=True)
    assert np.array_equal(images.decode_image(webp), rgb)


def test_alpha_is_dropped_and_not_painted_over(rgb: np.ndarray) -> None:
    alpha = np.zeros((5, 7, 1), np.uint8)
    data = encoded(Image.fromarray(np.concatenate([rgb, alpha], axis=-1)))
    assert np.array_equal(images.decode_image(data), rgb)


def test_gray_is_repeated_and_a_palette_expanded() -> None:
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    decoded = images.decode_image(encoded(Image.fromarray(gray)))
    assert np.array_equal(decoded, np.repeat(gray[..., None], 3, axis=-1))
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([1, 0])
    for data in (encoded(palette), encoded(palette, transparency=b"\x00\x80")):
        assert images.decode_image(data).tolist() == [[[0, 0, 255], [255, 0, 0]]]


def test_transparent_pixels_of_a_gif_are_black_as_in_tensorflow() -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putdata([1, 0])
    assert images.decode_image(encoded(palette, "GIF", transparency=1)).tolist() == [
        [[0, 0, 0], [255, 0, 0]]
    ]


def test_sixteen_bit_gray_keeps_its_high_byte() -> None:
    deep = np.array([[0, 255, 256, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        decoded = images.decode_image(encoded(Image.fromarray(deep), kind), channels=1)
        assert decoded[0, :, 0].tolist() == [0, 0, 1, 255]


def test_an_animation_gives_its_first_frame() -> None:
    red, blue = (Image.new("RGB", (4, 4), color) for color in ("red", "blue"))
    gif = encoded(red, "GIF", save_all=True, append_images=[blue])
    assert images.decode_image(gif)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_does(
    rgb: np.ndarray, kind: str, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(rgb), kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert np.array_equal(images.decode_image(data), np.asarray(expected))
    stored = np.asarray(Image.open(io.BytesIO(data)))  # Pillow turns TIFF in any case
    assert np.array_equal(images.decode_image(data, orient=False), stored)


def test_cmyk_becomes_rgb() -> None:
    data = encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")
    assert np.allclose(images.decode_image(data)[4, 4], [255, 0, 0], atol=4)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "the image is empty"),
        (b"not an image at all", "not a PNG, JPEG, BMP, GIF, WebP or TIFF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a PNG"),
        (encoded(Image.effect_noise((64, 64), 80))[:900], "damaged or cut off"),
        (encoded(Image.effect_noise((64, 64), 80), "JPEG")[:900], "damaged or cut off"),
        (encoded(Image.new("F", (4, 4)), "TIFF"), "floating-point"),
    ],
)
def test_unreadable_files_are_explained(data: bytes, text: str) -> None:
    with pytest.raises(DataError, match=text):
        images.decode_image(data)


@pytest.mark.parametrize("side", [9_000, 12_000, 60_000])
def test_a_decompression_bomb_is_rejected_before_it_is_decoded(side: int) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(DataError, match=r"too large"):
        images.decode_image(bomb)


def test_resize_averages_when_it_shrinks_and_keeps_every_channel() -> None:
    board = np.indices((8, 8)).sum(axis=0) % 2 * 255
    for channels in (1, 2, 3):
        pixels = np.repeat(board[..., None], channels, axis=-1).astype(np.uint8)
        small = images.resize_image(pixels, (2, 4))
        assert small.shape == (2, 4, channels)
        assert np.abs(small.astype(int) - 127).max() < 40
    assert images.resize_image(pixels, (8, 8)) is pixels


def test_channels_convert_between_gray_and_rgb(rgb: np.ndarray) -> None:
    gray = images.convert_channels(rgb, 1)
    assert np.array_equal(gray[..., 0], np.asarray(Image.fromarray(rgb).convert("L")))
    assert images.convert_channels(gray, 3).shape == (5, 7, 3)
    with pytest.raises(DataError, match=r"4 channels and 3 are expected"):
        images.convert_channels(np.zeros((2, 2, 4), np.uint8), 3)


def test_png_round_trip(rgb: np.ndarray) -> None:
    assert np.array_equal(images.decode_image(images.encode_png(rgb)), rgb)
    gray = rgb[..., :1]
    assert np.array_equal(images.decode_image(images.encode_png(gray), channels=1), gray)
