"""Pairs of images that are almost the same, by a perceptual hash.

The hash is pHash (Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions",
2010), by the package imagehash. Two hashes that differ in few bits agree in at least one of several
parts, so only images that share a part are compared.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelwright.auditing.packages import load_package
from modelwright.core.types import Progress, Rows, UInt8Array

BITS = 64
MOST_DIFFERENT = 4
"""Bits of 64 in which the hashes of near duplicates may differ."""
_PARTS = MOST_DIFFERENT + 1
_BATCH = 512
_FLAT = 4.0
"""Standard deviation of gray values below which an image has no structure to compare."""
Hashes = npt.NDArray[np.uint64]


def similar_images(
    rows: Rows, progress: Progress | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yields pairs of positions, the earlier one first, with the share of bits that agree.

    Images of one color are left out: their hashes say nothing.

    Args:
        rows: the images, each content once.
        progress: called after every 512 images.

    Raises:
        MissingDependencyError: imagehash is not installed.
    """
    hashes, usable = hash_rows(rows, progress)
    kept = np.flatnonzero(usable)
    values, first, member = np.unique(hashes[kept], return_index=True, return_inverse=True)
    leaders = kept[first]
    for row, group in zip(kept, member.reshape(-1), strict=True):
        if row != leaders[group]:
            yield int(leaders[group]), int(row), 1.0
    for one, other, bits in close_pairs(values):
        low, high = sorted((int(leaders[one]), int(leaders[other])))
        yield low, high, 1 - bits / BITS


def hash_rows(rows: Rows, progress: Progress | None = None) -> tuple[Hashes, npt.NDArray[np.bool_]]:
    """Returns the hash of each image ``[n]``, and whether the image has structure ``[n]``."""
    imagehash = load_package("imagehash")
    hashes, usable = np.zeros(len(rows), np.uint64), np.zeros(len(rows), bool)
    for start in range(0, len(rows), _BATCH):
        positions = np.arange(start, min(start + _BATCH, len(rows)))
        for row, pixels in zip(positions, rows.take(positions), strict=True):
            image = _gray(pixels)
            usable[row] = np.asarray(image, np.float32).std() >= _FLAT
            bits = imagehash.phash(image).hash.reshape(-1)
            hashes[row] = np.packbits(bits).view(">u8")[0]
        if progress:
            progress("looking for near duplicates", int(positions[-1]) + 1, len(rows))
    return hashes, usable


def close_pairs(values: Hashes) -> Iterator[tuple[int, int, int]]:
    """Yields pairs of positions of different hashes and the number of bits that differ."""
    seen: set[tuple[int, int]] = set()
    edges = np.linspace(0, BITS, _PARTS + 1).astype(int)
    for low, high in itertools.pairwise(edges):
        mask = np.uint64((1 << int(high - low)) - 1)
        part = (values >> np.uint64(low)) & mask
        order = np.argsort(part, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            for place, one in enumerate(bucket[:-1]):
                rest = bucket[place + 1 :]
                bits = np.bitwise_count(values[rest] ^ values[one])
                for at in np.flatnonzero(bits <= MOST_DIFFERENT):
                    pair = (int(min(one, rest[at])), int(max(one, rest[at])))
                    if pair not in seen:
                        seen.add(pair)
                        yield *pair, int(bits[at])


def _gray(pixels: UInt8Array) -> Image.Image:
    image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    return image.convert("L")
