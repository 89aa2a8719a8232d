"""Decodes image files inside a TensorFlow graph, with the pixels that Pillow would give.

It reads the first frame, drops alpha, and resizes to the model's size with antialiased bilinear
interpolation and rounding, so that a servable sees the same pixels as the training.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from modelwright.core.types import ImageShape


def decode_in_graph(encoded: Any, shape: ImageShape) -> Any:
    """Returns pixels uint8 ``[n, *shape]`` of JPEG, PNG, GIF or BMP files.

    Args:
        encoded: The bytes of the files, a string tensor ``[n]``.
        shape: Height, width and channels (1 or 3) of the result.
    """

    @tf.autograph.experimental.do_not_convert
    def decode_one(data: Any) -> Any:
        pixels = tf.cond(
            tf.io.is_jpeg(data),
            # Pillow computes the inverse transform like this; decode_image takes a faster way.
            lambda: tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"),
            lambda: tf.io.decode_image(data, channels=3, expand_animations=False),
        )
        if shape[2] == 1:
            pixels = _to_gray(pixels)
        same = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], shape[:2]))
        pixels = tf.cond(same, lambda: pixels, lambda: _resize(pixels, shape))
        return tf.ensure_shape(pixels, shape)

    return tf.map_fn(decode_one, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))


def _resize(pixels: Any, shape: ImageShape) -> Any:
    resized = tf.image.resize(pixels, shape[:2], "bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def _to_gray(pixels: Any) -> Any:
    # ITU-R 601 luma in 16-bit fixed point, with Pillow's constants.
    weighted = tf.cast(pixels, tf.int32) * tf.constant([19595, 38470, 7471])
    luma = (tf.reduce_sum(weighted, axis=-1, keepdims=True) + 0x8000) // 0x10000
    return tf.cast(luma, tf.uint8)
