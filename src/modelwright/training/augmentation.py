"""Random augmentation of whole batches of images, in numpy, so that it works with any backend."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import UInt8Array


def augment(
    images: UInt8Array,
    kind: str,
    random: np.random.Generator,
    *,
    mirrored: npt.NDArray[np.bool_],
    shift: float,
) -> UInt8Array:
    """Returns an augmented copy of a batch.

    Args:
        images: uint8 ``[n, h, w, c]``; not changed.
        kind: ``none``, ``flip`` (mirrors some images left to right), or ``flip+crop`` (also
            shifts each image and reflects its border).
        random: the only source of randomness.
        mirrored: bool ``[n]``, the images to mirror.
        shift: the largest shift, as a share of each side.
    """
    if kind == "none":
        return images
    count, height, width, channels = images.shape
    columns = np.broadcast_to(np.arange(width), (count, width))
    rows = np.broadcast_to(np.arange(height), (count, height))
    if kind == "flip+crop":
        rows = _reflect(rows + _random_shifts(random, count, int(height * shift)), height)
        columns = _reflect(columns + _random_shifts(random, count, int(width * shift)), width)
    columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    # One flat index takes a fifth of the time that one index for each axis takes.
    lines = (np.arange(count)[:, None] * height + rows) * width
    pixels = (lines[:, :, None] + columns[:, None, :]).reshape(-1)
    augmented: UInt8Array = images.reshape(-1, channels).take(pixels, axis=0)
    return augmented.reshape(images.shape)


def _random_shifts(random: np.random.Generator, count: int, largest: int) -> np.ndarray:
    return random.integers(-largest, largest + 1, size=(count, 1))


def _reflect(positions: np.ndarray, side: int) -> np.ndarray:
    positions = np.abs(positions)
    return np.where(positions >= side, 2 * (side - 1) - positions, positions)
