"""Random variations of whole batches of pictures, in numpy, so that any backend can train."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import UInt8Array


def augment(
    pictures: UInt8Array,
    kind: str,
    random: np.random.Generator,
    *,
    mirrored: npt.NDArray[np.bool_],
    shift: float,
) -> UInt8Array:
    """A varied copy of a batch.

    Args:
        pictures: uint8 ``[n, h, w, c]``, left as they are.
        kind: ``none``, ``flip`` (some mirrored left to right), or ``flip+crop`` (also shifted,
            the border reflected).
        random: the only source of chance.
        mirrored: bool ``[n]``, which of them.
        shift: at most this share of each side.
    """
    if kind == "none":
        return pictures
    count, height, width, channels = pictures.shape
    columns = np.broadcast_to(np.arange(width), (count, width))
    rows = np.broadcast_to(np.arange(height), (count, height))
    if kind == "flip+crop":
        rows = _reflected(rows + _shifts(random, count, int(height * shift)), height)
        columns = _reflected(columns + _shifts(random, count, int(width * shift)), width)
    columns = np.where(mirrored[:, None], columns[:, ::-1], columns)
    # One flat index takes a fifth of the time that an index for each axis takes.
    lines = (np.arange(count)[:, None] * height + rows) * width
    pixels = (lines[:, :, None] + columns[:, None, :]).reshape(-1)
    varied: UInt8Array = pictures.reshape(-1, channels).take(pixels, axis=0)
    return varied.reshape(pictures.shape)


def _shifts(random: np.random.Generator, count: int, reach: int) -> np.ndarray:
    return random.integers(-reach, reach + 1, size=(count, 1))


def _reflected(positions: np.ndarray, side: int) -> np.ndarray:
    positions = np.abs(positions)
    return np.where(positions >= side, 2 * (side - 1) - positions, positions)
