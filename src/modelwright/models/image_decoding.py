"""Decodes image files inside a TensorFlow graph, with the pixels that Pillow would give.

It reads the first frame, turns it as its EXIF orientation says, drops alpha, and resizes to the
model's size with antialiased bilinear interpolation and rounding, so that a servable sees the same
pixels as the training. It refuses the files that ``data/served_images.py`` refuses.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from modelwright.core.image_limits import GIF_NOT_SERVED, MAX_PIXELS, NOT_SERVED, TOO_LARGE
from modelwright.core.types import ImageShape
from modelwright.models.graph_bmp import decode_bmp
from modelwright.models.graph_bytes import big, checked, contains, little, read_bytes, starts_with
from modelwright.models.graph_orientation import EXIF, EXIF_CHUNK, turn_jpeg, turn_png

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_MAX_STEPS = 1024


def decode_in_graph(encoded: Any, shape: ImageShape, *, orient: bool = True) -> Any:
    """Returns pixels uint8 ``[n, *shape]`` of JPEG, PNG, GIF or BMP files.

    Args:
        encoded: The bytes of the files, a string tensor ``[n]``.
        shape: Height, width and channels (1 or 3) of the result.
        orient: Whether images are turned as their EXIF orientation says.
    """

    jpeg, png = starts_with(encoded, _JPEG), starts_with(encoded, _PNG)
    simple = (jpeg & ~contains(encoded, EXIF)) | (png & ~contains(encoded, EXIF_CHUNK))

    def decode_all(decode: Any) -> Any:
        @tf.autograph.experimental.do_not_convert
        def decode_one(data: Any) -> Any:
            return _fit(decode(data), shape)

        return tf.map_fn(decode_one, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))

    # Thumbnails are decoded faster than the rarer cases are told apart, one by one.
    return tf.cond(
        tf.reduce_all(simple),
        lambda: decode_all(_decode_simple),
        lambda: decode_all(lambda data: _decode(data, orient=orient)),
    )


def _decode_simple(data: Any) -> Any:
    """Returns the pixels uint8 ``[h, w, 3]`` of a JPEG or PNG file without orientation."""
    return tf.cond(starts_with(data, _JPEG), lambda: _jpeg(data), lambda: _png(data))


def _decode(data: Any, *, orient: bool) -> Any:
    """Returns the pixels uint8 ``[h, w, 3]`` of any file."""

    def gif() -> Any:
        file = checked(data, _is_plain_gif(data), GIF_NOT_SERVED)
        return tf.io.decode_image(file, channels=3, expand_animations=False)

    def other() -> Any:
        tf.debugging.Assert(tf.constant(value=False), [NOT_SERVED])
        return tf.zeros([1, 1, 3], tf.uint8)

    branches = {
        (_JPEG,): lambda: turn_jpeg(data, _jpeg(data)) if orient else _jpeg(data),
        (_PNG,): lambda: turn_png(data, _png(data)) if orient else _png(data),
        (b"GIF87a", b"GIF89a"): gif,
        (b"BM",): lambda: decode_bmp(data),
        (b"",): other,
    }
    kinds = [tf.reduce_any([starts_with(data, mark) for mark in marks]) for marks in branches]
    first = tf.argmax(tf.cast(tf.stack(kinds), tf.int32), output_type=tf.int32)
    pixels = tf.switch_case(first, list(branches.values()))
    return tf.ensure_shape(pixels, [None, None, 3])


def _jpeg(data: Any) -> Any:
    data = checked(data, _fits(tf.io.extract_jpeg_shape(data)[:2]), TOO_LARGE)
    # Pillow computes the inverse transform like this; decode_image takes a faster way.
    return tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE")


def _png(data: Any) -> Any:
    sides = big(tf.reshape(read_bytes(data, 16, 8), [2, 4]))
    data = checked(data, _fits(sides), TOO_LARGE)
    return tf.io.decode_png(data, channels=3)


def _fit(pixels: Any, shape: ImageShape) -> Any:
    """Returns pixels with the channels, height and width of ``shape``."""
    if shape[2] == 1:
        pixels = _to_gray(pixels)
    same = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], shape[:2]))
    pixels = tf.cond(same, lambda: pixels, lambda: _resize(pixels, shape))
    return tf.ensure_shape(pixels, shape)


def _fits(sides: Any) -> Any:
    """Returns whether an image of this height and width is not too large."""
    return tf.reduce_prod(tf.cast(sides, tf.float64)) <= MAX_PIXELS


def _is_plain_gif(data: Any) -> Any:
    """Returns whether the first frame has colors and covers the whole image."""
    head = read_bytes(data, 6, 5)
    flags = head[4]
    size, has_palette = little(tf.reshape(head[:4], [2, 2])), flags >= 0x80
    colors = tf.bitwise.left_shift(tf.constant(2, tf.int64), flags % 8)
    first = 13 + tf.where(has_palette, 3 * colors, tf.zeros_like(colors))

    def step(at: Any, in_extension: Any, _ended: Any, _good: Any) -> tuple[Any, ...]:
        block = read_bytes(data, at, 10)
        kind = block[0]
        starts = ~in_extension & tf.equal(kind, 0x21)
        found = ~in_extension & tf.equal(kind, 0x2C)
        frame = little(tf.reshape(block[1:9], [4, 2]))
        covers = tf.reduce_all(tf.equal(frame[:2], 0)) & tf.reduce_all(frame[2:] >= size)
        further = tf.where(in_extension, kind + 1, 2 * tf.ones_like(kind))
        return (
            at + further,
            starts | (in_extension & ~tf.equal(kind, 0)),
            ~in_extension & ~starts,
            found & covers & (has_palette | (block[9] >= 0x80)),
        )

    no = tf.constant(value=False)
    *_, good = tf.while_loop(
        lambda _at, _in, ended, _good: ~ended, step, (first, no, no, no),
        maximum_iterations=_MAX_STEPS,
    )  # fmt: skip
    return good & _fits(size)


def _resize(pixels: Any, shape: ImageShape) -> Any:
    resized = tf.image.resize(pixels, shape[:2], "bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def _to_gray(pixels: Any) -> Any:
    # ITU-R 601 luma in 16-bit fixed point, with Pillow's constants.
    weighted = tf.cast(pixels, tf.int32) * tf.constant([19595, 38470, 7471])
    luma = (tf.reduce_sum(weighted, axis=-1, keepdims=True) + 0x8000) // 0x10000
    return tf.cast(luma, tf.uint8)
