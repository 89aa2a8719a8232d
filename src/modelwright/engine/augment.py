"""Random variations of whole batches of pictures, in numpy, so that any backend can train."""

from __future__ import annotations

import numpy as np

from modelwright.core.types import UInt8Array


def augment(pictures: UInt8Array, kind: str, random: np.random.Generator) -> UInt8Array:
    """A varied copy of a batch.

    Args:
        pictures: uint8 ``[n, h, w, c]``, left as they are.
        kind: ``none``, ``flip`` (half of them mirrored left to right), or ``flip+crop`` (also
            shifted by up to an eighth of each side, the border reflected).
        random: the only source of chance.
    """
    if kind == "none":
        return pictures
    count, height, width = pictures.shape[:3]
    columns = np.broadcast_to(np.arange(width), (count, width))
    rows = np.broadcast_to(np.arange(height), (count, height))
    if kind == "flip+crop":
        rows = _reflected(rows + _shifts(random, count, height), height)
        columns = _reflected(columns + _shifts(random, count, width), width)
    mirrored = random.random((count, 1)) < 0.5
    columns = np.where(mirrored, columns[:, ::-1], columns)
    varied: UInt8Array = pictures[
        np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return varied


def _shifts(random: np.random.Generator, count: int, side: int) -> np.ndarray:
    reach = side // 8
    return random.integers(-reach, reach + 1, size=(count, 1))


def _reflected(positions: np.ndarray, side: int) -> np.ndarray:
    positions = np.abs(positions)
    return np.where(positions >= side, 2 * (side - 1) - positions, positions)
