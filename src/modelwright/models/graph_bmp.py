"""Decodes BMP files inside a TensorFlow graph.

TensorFlow's own operation returns the numbers of a palette instead of its colors, ignores masks and
refuses files with bytes behind the pixels.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from modelwright.core.image_limits import BMP_NOT_SERVED, MAX_PIXELS, TOO_LARGE
from modelwright.models.graph_bytes import checked, little, read_bytes

_COLOR_MASKS = [0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0xFF, 0, 0, 0]
_DEPTHS = (1, 4, 8, 24, 32)


def decode_bmp(data: Any) -> Any:
    """Returns the pixels uint8 ``[h, w, 3]`` of an uncompressed BMP file of 1 to 32 bits a pixel.

    Any other file is an ``InvalidArgumentError`` of the graph.
    """
    head = read_bytes(data, 0, 66)
    offset, size, width = little(head[10:14]), little(head[14:18]), little(head[18:22])
    upside_down = tf.equal(head[25], 0xFF)
    height = little(head[22:26])
    height = tf.where(upside_down, 2**32 - height, height)
    bits = little(head[28:30])
    data, colors = _check(data, head, offset, size, bits)
    fits = (width > 0) & (height > 0) & (width < 2**31) & (width * height <= MAX_PIXELS)
    data = checked(data, fits, TOO_LARGE)
    stride = (width * bits + 31) // 32 * 4
    content = tf.strings.substr(data, offset, stride * height)
    rows = tf.reshape(tf.io.decode_raw(content, tf.uint8), tf.stack([height, stride]))
    palette = _palette(data, 14 + size, bits, colors)
    branch = tf.argmax(tf.cast(tf.equal(bits, tf.constant(_DEPTHS, tf.int64)), tf.int32))
    pixels = tf.switch_case(
        tf.cast(branch, tf.int32),
        [
            *(lambda depth=depth: tf.gather(palette, _indices(rows, width, depth))
              for depth in _DEPTHS[:3]),
            *(lambda depth=depth: _colors(rows, width, depth // 8) for depth in _DEPTHS[3:]),
        ],
    )  # fmt: skip
    return tf.cond(upside_down, lambda: pixels, lambda: tf.reverse(pixels, [0]))


def _check(data: Any, head: Any, offset: Any, size: Any, bits: Any) -> tuple[Any, Any]:
    """Checks the header. Returns the file and the number of colors in its palette."""
    compression, colors = little(head[30:34]), little(head[46:50])
    most = tf.bitwise.left_shift(tf.ones_like(bits), tf.minimum(bits, 8))
    indexed = (colors <= most) & (~tf.equal(colors, 2) | tf.equal(bits, 1))
    colors = tf.where(bits > 8, tf.zeros_like(colors), tf.where(tf.equal(colors, 0), most, colors))
    plain = tf.reduce_any(tf.equal(bits, tf.constant(_DEPTHS, tf.int64)))
    plain &= tf.equal(compression, 0) & ((bits > 8) | indexed)
    masked = tf.reduce_all(tf.equal(head[54:66], tf.constant(_COLOR_MASKS, tf.int64)))
    masked &= tf.equal(compression, 3) & tf.equal(bits, 32)
    in_order = (size >= 40) & (offset >= 14 + size + 4 * colors)
    return checked(data, in_order & (plain | masked), BMP_NOT_SERVED), colors


def _palette(data: Any, start: Any, bits: Any, count: Any) -> Any:
    """Returns 256 colors, uint8 ``[256, 3]``.

    Pillow takes a palette of growing grays for none: a number is then a gray, also one behind the
    end of the palette, where other palettes are black.
    """
    table = tf.reshape(read_bytes(data, start, 1024), [256, 4])[:, 2::-1]
    grays = tf.range(256, dtype=tf.int64)[:, None] * tf.ones([1, 3], tf.int64)
    known = grays < count
    is_gray = tf.reduce_all(tf.equal(table, grays) | ~known) & ~tf.equal(count, 2)
    table = tf.where(known, table, tf.where(is_gray, grays, tf.zeros_like(grays)))
    table = checked(table, ~is_gray | (bits >= 8), BMP_NOT_SERVED)
    return tf.cast(table, tf.uint8)


def _indices(rows: Any, width: Any, bits: int) -> Any:
    """Returns the numbers of colors, int32 ``[h, w]``, of packed rows."""
    shifts = tf.range(8 - bits, -1, -bits, dtype=tf.int32)
    numbers = tf.bitwise.right_shift(tf.cast(rows, tf.int32)[..., None], shifts) & ((1 << bits) - 1)
    return tf.reshape(numbers, tf.stack([tf.shape(rows)[0], -1]))[:, : tf.cast(width, tf.int32)]


def _colors(rows: Any, width: Any, size: int) -> Any:
    """Returns the colors, uint8 ``[h, w, 3]``, of rows with ``size`` bytes a pixel."""
    used = rows[:, : tf.cast(width, tf.int32) * size]
    return tf.reshape(used, tf.stack([tf.shape(rows)[0], -1, size]))[..., 2::-1]
