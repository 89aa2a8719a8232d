"""Reads the bytes of a file inside a TensorFlow graph: headers, segments, tables.

Behind the end of a file there are zeros, so that a torn file is no error of the graph.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def read_bytes(data: Any, at: Any, count: int) -> Any:
    """Returns ``count`` bytes from position ``at``, int64 ``[count]``."""
    start = tf.minimum(tf.cast(at, tf.int64), tf.cast(tf.strings.length(data), tf.int64))
    piece = tf.strings.substr(data, start, tf.constant(count, tf.int64))
    return tf.cast(tf.io.decode_raw(piece, tf.uint8, fixed_length=count), tf.int64)


def little(content: Any) -> Any:
    """Returns the number whose bytes are given, the lowest first."""
    return _number(tf.unstack(content, axis=-1))


def big(content: Any) -> Any:
    """Returns the number whose bytes are given, the highest first."""
    return _number(tf.unstack(content, axis=-1)[::-1])


def contains(data: Any, mark: bytes) -> Any:
    """Returns whether a file has some bytes anywhere, or each of several files."""
    files = tf.reshape(data, [-1])
    return tf.reshape(tf.strings.split(files, mark).row_lengths() > 1, tf.shape(data))


def starts_with(data: Any, mark: bytes) -> Any:
    """Returns whether a file starts with some bytes, or each of several files."""
    return tf.equal(tf.strings.substr(data, 0, len(mark)), mark)


def checked(data: Any, condition: Any, message: str) -> Any:
    """Returns a file unchanged; where the condition is false, reading it is an error."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [message])]):
        return tf.identity(data)


def _number(low_first: list[Any]) -> Any:
    number = low_first[0]
    for place, byte in enumerate(low_first[1:], 1):
        number += byte * (1 << (8 * place))
    return number
