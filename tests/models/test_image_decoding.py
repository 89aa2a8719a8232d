"""The graph decodes like Pillow, or refuses. Decoding with Pillow is tested in tests/data."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from image_kinds import REFUSED, SERVED
from modelwright.data.images import decode_image, portable_image, resize_image
from modelwright.data.orientation import find_orientation
from modelwright.data.served_images import serving_problem
from modelwright.models import image_decoding
from modelwright.models.graph_orientation import turn_jpeg, turn_png

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


Decode = Callable[[bytes], np.ndarray]


@pytest.fixture(scope="module")
def decode() -> Decode:
    """The graph for one file of any size, without resizing."""

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def graph(data: tf.Tensor) -> tf.Tensor:
        return image_decoding._decode(data, orient=True)

    return lambda data: graph(tf.constant(data)).numpy()


@pytest.mark.parametrize("name", SERVED)
def test_every_served_kind_gives_the_pixels_of_pillow(name: str, decode: Decode) -> None:
    expected = decode_image(SERVED[name])
    assert serving_problem(SERVED[name]) is None
    assert portable_image(SERVED[name]) == SERVED[name]
    levels = 1 if name in ("jpeg cmyk", "jpeg ycck") else 0
    assert np.abs(decode(SERVED[name]).astype(int) - expected).max() <= levels


@pytest.mark.parametrize("name", REFUSED)
def test_every_other_kind_is_refused_by_the_graph_and_by_the_other_engines(
    name: str, decode: Decode
) -> None:
    expected = decode_image(REFUSED[name])
    problem = serving_problem(REFUSED[name])
    assert problem
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        decode(REFUSED[name])
    if name not in ("bmp without the last bytes", "png without end"):  # TensorFlow's own words
        assert problem in str(raised.value)
    assert np.array_equal(decode(portable_image(REFUSED[name])), expected)


def test_files_of_every_kind_in_one_batch() -> None:
    names = ("png rgba", "bmp palette", "jpeg gray", "gif transparent")
    expected = np.stack([decode_image(SERVED[name], channels=1) for name in names])
    batch = tf.constant([SERVED[name] for name in names])
    decoded = image_decoding.decode_in_graph(batch, expected.shape[1:])
    assert np.array_equal(decoded.numpy(), expected)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(decode: Decode) -> None:
    bomb = bytearray(SERVED["png rgba"])
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(tf.errors.InvalidArgumentError, match="at most 64 megapixels"):
        decode(bytes(bomb))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_graph_turns_images_as_pillow_does(kind: str, decode: Decode) -> None:
    image = Image.fromarray(RANDOM.integers(0, 255, (10, 14, 3), dtype=np.uint8))
    for orientation, order in itertools.product(range(1, 9), "<>"):
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif.endian = order
        data = encoded(image, kind, exif=exif.tobytes())
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        assert np.array_equal(decode(data), expected)
        assert np.array_equal(decode_image(data), expected)
    batch = tf.constant([data])
    stored = image_decoding.decode_in_graph(batch, (10, 14, 3), orient=False).numpy()[0]
    assert np.array_equal(stored, decode_image(data, orient=False))
    turned = image_decoding.decode_in_graph(batch, expected.shape).numpy()[0]
    assert np.array_equal(turned, expected)


def hostile_files() -> list[bytes]:
    """Returns small files whose EXIF is valid, torn, changed at random, or endless."""
    random = np.random.default_rng(3)
    exif = Image.Exif()
    exif[0x0100], exif[0x0131] = 9, "a camera"
    found = []
    for number in range(300):
        kind = ("JPEG", "PNG")[number % 2]
        exif[0x0112] = int(random.integers(0, 10))
        exif.endian = "<>"[number // 2 % 2]
        torn = bytearray(encoded(Image.new("RGB", (2, 3)), kind, exif=exif.tobytes()))
        start = torn.index(b"Exif" if kind == "JPEG" else b"eXIf") - 10
        for _ in range(random.integers(0, 4)):
            torn[random.integers(start, start + 70)] = random.choice([0, 1, 6, 18, 255])
        found.append(bytes(torn[: random.choice([len(torn), random.integers(4, len(torn))])]))
    found.append(b"\xff\xd8" + b"\xff" * 5000 + b"Exif\0\0")
    found.append(b"\xff\xd8" + b"\xff\xe0\0\2" * 3000 + b"\xff\xe1\0\x20Exif\0\0II*\0")
    found.append(b"\x89PNG\r\n\x1a\n" + b"\xff\xff\xff\xffeXIfII*\0\xff\xff\xff\xff")
    found.append(b"\x89PNG\r\n\x1a\n" + (bytes(4) + b"abcd" + bytes(4)) * 2000 + b"eXIf")
    return found


def test_hostile_exif_gives_the_same_orientation_on_both_sides() -> None:
    marks = tf.constant(np.arange(24, dtype=np.uint8).reshape(2, 4, 3))

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def turn(data: tf.Tensor) -> tf.Tensor:
        is_jpeg = tf.equal(tf.strings.substr(data, 0, 2), b"\xff\xd8")
        turned = tf.cond(is_jpeg, lambda: turn_jpeg(data, marks), lambda: turn_png(data, marks))
        return turned[0, 0, 0] + tf.cast(100 * tf.shape(turned)[0], tf.uint8)

    # The first pixel and the height tell all eight orientations apart.
    corners = {1: 200, 2: 209, 3: 221, 4: 212, 5: 144, 6: 156, 7: 165, 8: 153}
    seen = set()
    for data in hostile_files():
        orientation = find_orientation(data)
        seen.add(orientation)
        assert int(turn(tf.constant(data))) == corners[orientation], data
    assert seen == set(range(1, 9))
