"""Finds the EXIF orientation of an image file inside a TensorFlow graph, and turns its pixels.

The rules are those of ``data/orientation.py``; a test compares both on random bytes.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from modelwright.models.graph_bytes import big, contains, little, read_bytes

_MAX_STEPS = 1024
EXIF = b"Exif\0\0"
"""Mark of the EXIF segment of a JPEG file."""
EXIF_CHUNK = b"eXIf"
"""Name of the EXIF chunk of a PNG file."""
_TAG = 0x0112
_SHORT, _LONG = 3, 4


def turn_jpeg(data: Any, pixels: Any) -> Any:
    """Returns the pixels ``[h, w, c]`` of a JPEG file, turned as its orientation says."""
    return tf.cond(
        contains(data, EXIF),
        lambda: _turn(pixels, _read_orientation(_exif_of_jpeg(data))),
        lambda: pixels,
    )


def turn_png(data: Any, pixels: Any) -> Any:
    """Returns the pixels ``[h, w, c]`` of a PNG file, turned as its orientation says."""

    def turned() -> Any:
        block = _exif_of_png(data)
        start = tf.where(tf.equal(tf.strings.substr(block, 0, len(EXIF)), EXIF), len(EXIF), 0)
        return _turn(pixels, _read_orientation(tf.strings.substr(block, start, 2**31 - 1)))

    return tf.cond(contains(data, EXIF_CHUNK), turned, lambda: pixels)


def _turn(pixels: Any, orientation: Any) -> Any:
    def one_of(*values: int) -> Any:
        return tf.reduce_any(tf.equal(orientation, tf.constant(values, tf.int64)))

    pixels = tf.cond(
        orientation >= 5, lambda: tf.transpose(pixels, [1, 0, 2]), lambda: tf.identity(pixels)
    )
    standing = pixels
    pixels = tf.cond(
        one_of(3, 4, 7, 8), lambda: tf.reverse(standing, [0]), lambda: tf.identity(standing)
    )
    lying = pixels
    return tf.cond(one_of(2, 3, 6, 7), lambda: tf.reverse(lying, [1]), lambda: tf.identity(lying))


def _read_orientation(tiff: Any) -> Any:
    """Returns the orientation, int64 from 1 to 8, in an EXIF block."""
    head = read_bytes(tiff, 0, 8)
    is_little = tf.reduce_all(tf.equal(head[:4], tf.constant([0x49, 0x49, 42, 0], tf.int64)))
    is_big = tf.reduce_all(tf.equal(head[:4], tf.constant([0x4D, 0x4D, 0, 42], tf.int64)))

    def number(content: Any) -> Any:
        return tf.where(is_little, little(content), big(content))

    start = number(head[4:8])
    count = tf.minimum(number(read_bytes(tiff, start, 2)), _MAX_STEPS)
    left = (tf.cast(tf.strings.length(tiff), tf.int64) - start - 2) // 12
    entries = tf.reshape(read_bytes(tiff, start + 2, 12 * _MAX_STEPS), [_MAX_STEPS, 12])
    kind = number(entries[:, 2:4])
    fits = tf.range(_MAX_STEPS, dtype=tf.int64) < tf.minimum(count, left)
    fits &= tf.equal(number(entries[:, 0:2]), _TAG) & tf.equal(number(entries[:, 4:8]), 1)
    fits &= tf.equal(kind, _SHORT) | tf.equal(kind, _LONG)
    values = tf.where(tf.equal(kind, _SHORT), number(entries[:, 8:10]), number(entries[:, 8:12]))
    found = tf.concat([tf.ones([1], tf.int64), tf.boolean_mask(values, fits)], axis=0)[-1]
    valid = (is_little | is_big) & (found >= 1) & (found <= 8)
    return tf.where(valid, found, tf.ones_like(found))


def _exif_of_jpeg(data: Any) -> Any:
    """Returns the first EXIF segment of a JPEG file, without its mark; empty if there is none."""

    def step(at: Any, start: Any, size: Any, _: Any) -> tuple[Any, Any, Any, Any]:
        head = read_bytes(data, at, 10)
        kind, length = head[1], big(head[2:4])
        filler = tf.equal(kind, 0xFF)
        alone = tf.equal(kind, 0x01) | ((kind >= 0xD0) & (kind < 0xD8))
        ended = ~tf.equal(head[0], 0xFF) | tf.equal(kind, 0xD9) | tf.equal(kind, 0xDA)
        ended |= ~filler & ~alone & (length < 2)
        mark = tf.constant(list(EXIF), tf.int64)
        found = ~ended & tf.equal(kind, 0xE1) & tf.reduce_all(tf.equal(head[4:10], mark))
        start, size = tf.where(found, at + 10, start), tf.where(found, length - 8, size)
        further = tf.where(
            filler, tf.ones_like(at), tf.where(alone, 2 * tf.ones_like(at), length + 2)
        )
        return at + further, start, size, ended | found

    return _walk(data, step, 2)


def _exif_of_png(data: Any) -> Any:
    """Returns the first eXIf chunk of a PNG file; empty if there is none."""

    def step(at: Any, start: Any, size: Any, _: Any) -> tuple[Any, Any, Any, Any]:
        head = read_bytes(data, at, 8)
        length = big(head[:4])
        found = tf.reduce_all(tf.equal(head[4:], tf.constant(list(EXIF_CHUNK), tf.int64)))
        ended = tf.reduce_all(tf.equal(head[4:], tf.constant(list(b"IEND"), tf.int64)))
        ended |= at + 8 > tf.cast(tf.strings.length(data), tf.int64)
        found &= ~ended
        start, size = tf.where(found, at + 8, start), tf.where(found, length, size)
        return at + length + 12, start, size, ended | found

    return _walk(data, step, 8)


def _walk(data: Any, step: Any, first: int) -> Any:
    """Returns the piece of a file that ``step`` finds on its way through the file."""
    zero = tf.zeros([], tf.int64)
    _, start, size, _ = tf.while_loop(
        lambda at, start, size, ended: ~ended,
        step,
        (zero + first, zero, zero, tf.zeros([], tf.bool)),
        maximum_iterations=_MAX_STEPS,
    )
    length = tf.cast(tf.strings.length(data), tf.int64)
    return tf.strings.substr(data, tf.minimum(start, length), tf.maximum(size, 0))
