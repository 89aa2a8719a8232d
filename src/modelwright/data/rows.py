"""The inputs of a split: texts, images in memory, and images that are read when needed.

Each is a view, by position, of a source that several splits share. Nothing is copied until rows
are taken. All images were decoded once before: ``decoding.py`` rejects the unreadable ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import ImageShape, IntArray, Rows, UInt8Array
from modelwright.data import images
from modelwright.data.records import Encoded

Origin = Callable[[int], str]
Result = TypeVar("Result")

# Decoding a thumbnail holds the interpreter's lock most of the time, so threads only wait for
# each other (measured: 17 thousand CIFAR PNGs a second with one thread, 9 with two).
_SMALL_FILE = 16_384
_SAMPLE = 64


@dataclass(frozen=True)
class _View:
    """Rows of a source, by position."""

    positions: IntArray
    origins: Origin

    def __len__(self) -> int:
        return len(self.positions)

    def origin(self, index: int) -> str:
        """Returns where one row came from."""
        return self.origins(int(self.positions[index]))

    def _chosen(self, indices: IntArray) -> IntArray:
        chosen: IntArray = self.positions[np.asarray(indices, np.int64)]
        return chosen


def pool_rows(parts: Sequence[Rows], indices: IntArray | None = None) -> Rows:
    """Returns rows of one source as one view.

    Args:
        parts: Views that ``load_data`` made of one source.
        indices: Positions among the rows of all parts; all rows by default.
    """
    views = cast("Sequence[_View]", parts)
    positions = np.concatenate([view.positions for view in views])
    chosen = positions if indices is None else positions[indices]
    return cast("Rows", replace(views[0], positions=chosen))


def source_order(parts: Sequence[Rows]) -> IntArray:
    """Returns the order in which the rows of all parts stand in their source, ``[n]``."""
    positions = np.concatenate([view.positions for view in cast("Sequence[_View]", parts)])
    return np.asarray(np.argsort(positions, kind="stable"))


def file_of(rows: Rows, index: int) -> Path | None:
    """Returns the file that one row is; None for rows that are no files of their own."""
    encoded = getattr(rows, "encoded", None)
    if encoded is None:
        return None
    found = encoded[int(cast("_View", rows).positions[index])]
    return found if isinstance(found, Path) else None


@dataclass(frozen=True)
class Texts(_View):
    """Rows of text. ``values`` is a pyarrow large_string array that the splits share."""

    values: Any

    def take(self, indices: IntArray) -> list[str]:
        """Returns the texts at ``indices``."""
        return cast("list[str]", self.values.take(pa.array(self._chosen(indices))).to_pylist())

    def raw(self, index: int) -> str:
        """Returns one text."""
        return cast("str", self.values[int(self.positions[index])].as_py())


@dataclass(frozen=True)
class ImageArray(_View):
    """Images in memory.

    Attributes:
        pixels: uint8 ``[n, h, w, c]``, shared by the splits.
        encoded: The files that the images come from, in the order of ``pixels``; None if they
            were not files.
    """

    pixels: UInt8Array
    encoded: Sequence[Encoded] | None = None

    def take(self, indices: IntArray) -> UInt8Array:
        """Returns a copy of the images at ``indices``, uint8 ``[n, h, w, c]``."""
        return self.pixels[self._chosen(indices)]

    def raw(self, index: int) -> bytes:
        """Returns the bytes of one image's file, or of a new PNG."""
        position = int(self.positions[index])
        if self.encoded is None:
            return images.encode_png(self.pixels[position])
        return _reread(self.origins(position), images.read_encoded, self.encoded[position])


@dataclass(frozen=True)
class ImageFiles(_View):
    """Images that do not fit into memory. They are decoded, in a few threads, when taken."""

    encoded: Sequence[Encoded]
    shape: ImageShape
    orient: bool = True

    def take(self, indices: IntArray) -> UInt8Array:
        """Returns the images at ``indices``, uint8 ``[n, *shape]``.

        Raises:
            DataError: A file was removed or changed since it was first read.
        """
        positions = self._chosen(indices)
        pixels = np.empty((len(positions), *self.shape), np.uint8)

        def fill(slot: int) -> None:
            position = int(positions[slot])
            pixels[slot] = _reread(self.origins(position), self._decode, self.encoded[position])

        threads = decoding_threads([self.encoded[int(position)] for position in positions])
        if threads == 1 or len(positions) < 2:
            for slot in range(len(positions)):
                fill(slot)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(fill, range(len(positions))):
                    pass
        return pixels

    def raw(self, index: int) -> bytes:
        """Returns the bytes of one image's file."""
        position = int(self.positions[index])
        return _reread(self.origins(position), images.read_encoded, self.encoded[position])

    def _decode(self, encoded: Encoded) -> UInt8Array:
        pixels = images.decode_image(
            images.read_encoded(encoded), channels=self.shape[2], orient=self.orient
        )
        return images.resize_image(pixels, self.shape[:2])


def decoding_threads(encoded: Sequence[Encoded]) -> int:
    """Returns the number of threads to decode images with: at most eight, more do not help."""
    sizes = []
    for image in encoded[:_SAMPLE]:
        try:
            sizes.append(len(image) if isinstance(image, bytes) else image.stat().st_size)
        except OSError:
            continue
    if not sizes or sum(sizes) / len(sizes) <= _SMALL_FILE:
        return 1
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def _reread(origin: str, read: Callable[[Encoded], Result], encoded: Encoded) -> Result:
    try:
        return read(encoded)
    except DataError as error:
        raise DataError(f"{origin}: {error}; it was readable before, restore it") from None
