"""Encoded pictures to pixels inside a TensorFlow graph, as Pillow would decode them.

The first frame, alpha dropped, resized to the model's size with antialiased bilinear
interpolation and rounded, so that what is served sees what was trained on.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from modelwright.core.types import ImageShape


def decode(encoded: Any, shape: ImageShape) -> Any:
    """Pixels uint8 ``[n, *shape]`` of JPEG, PNG, GIF or BMP files in a string tensor ``[n]``."""

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def one(data: Any) -> Any:
        pixels = tf.cond(
            tf.io.is_jpeg(data),
            # Pillow's way to compute the inverse transform; decode_image takes a faster one.
            lambda: tf.io.decode_jpeg(data, channels=3, dct_method="INTEGER_ACCURATE"),
            lambda: tf.io.decode_image(data, channels=3, expand_animations=False),
        )
        if shape[2] == 1:
            pixels = _grey(pixels)
        same = tf.reduce_all(tf.equal(tf.shape(pixels)[:2], shape[:2]))
        pixels = tf.cond(same, lambda: pixels, lambda: _resize(pixels, shape))
        return tf.ensure_shape(pixels, shape)

    return tf.map_fn(one, encoded, fn_output_signature=tf.TensorSpec(shape, tf.uint8))


def _resize(pixels: Any, shape: ImageShape) -> Any:
    resized = tf.image.resize(pixels, shape[:2], "bilinear", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)


def _grey(pixels: Any) -> Any:
    # ITU-R 601 luma in 16-bit fixed point, Pillow's own constants.
    weighted = tf.cast(pixels, tf.int32) * tf.constant([19595, 38470, 7471])
    luma = (tf.reduce_sum(weighted, axis=-1, keepdims=True) + 0x8000) // 0x10000
    return tf.cast(luma, tf.uint8)
