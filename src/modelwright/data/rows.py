"""The inputs of a split: texts, pictures in memory, pictures read when asked for.

Each is a view, by position, of a source that its splits share; nothing is copied until rows
are taken. It does not decode for the first time: ``decoding.py`` has found the bad ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import ImageShape, IntArray, UInt8Array
from modelwright.data import images
from modelwright.data.records import Encoded

Origin = Callable[[int], str]
Read = TypeVar("Read")

# Decoding a thumbnail holds the interpreter's lock most of the time: threads only get in
# each other's way (measured: 17 thousand CIFAR PNGs a second with one, 9 with two).
_SMALL_FILE = 16_384
_LOOKED_AT = 64


@dataclass(frozen=True)
class Texts:
    """Rows of text: ``values`` is a pyarrow large_string array that the splits share."""

    values: Any
    positions: IntArray
    origins: Origin

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, indices: IntArray) -> list[str]:
        """The texts at ``indices``."""
        wanted = pa.array(self.positions[np.asarray(indices, np.int64)])
        return cast("list[str]", self.values.take(wanted).to_pylist())

    def raw(self, index: int) -> str:
        """One text."""
        return cast("str", self.values[int(self.positions[index])].as_py())

    def origin(self, index: int) -> str:
        """Where one text came from."""
        return self.origins(int(self.positions[index]))


@dataclass(frozen=True)
class ImageArray:
    """Pictures in memory: ``pixels`` is uint8 ``[n, h, w, c]`` that the splits share.

    ``encoded`` are the files they were decoded from, in the order of ``pixels``; None for
    pictures that never were files.
    """

    pixels: UInt8Array
    positions: IntArray
    origins: Origin
    encoded: Sequence[Encoded] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, indices: IntArray) -> UInt8Array:
        """The pictures at ``indices``, uint8 ``[n, h, w, c]``, a copy."""
        return self.pixels[self.positions[np.asarray(indices, np.int64)]]

    def raw(self, index: int) -> bytes:
        """The bytes of one picture's own file, or else of a PNG."""
        position = int(self.positions[index])
        if self.encoded is None:
            return images.encode_png(self.pixels[position])
        return _named(self.origins(position), images.read, self.encoded[position])

    def origin(self, index: int) -> str:
        """Where one picture came from."""
        return self.origins(int(self.positions[index]))


@dataclass(frozen=True)
class ImageFiles:
    """Pictures too many for the memory: decoded, in a few threads, each time they are taken."""

    encoded: Sequence[Encoded]
    shape: ImageShape
    positions: IntArray
    origins: Origin

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, indices: IntArray) -> UInt8Array:
        """The pictures at ``indices``, uint8 ``[n, *shape]``.

        Raises:
            DataError: a file was removed or changed since it was first read.
        """
        positions = self.positions[np.asarray(indices, np.int64)]
        taken = np.empty((len(positions), *self.shape), np.uint8)

        def fill(slot: int) -> None:
            position = int(positions[slot])
            taken[slot] = _named(self.origins(position), self._decode, self.encoded[position])

        count = workers([self.encoded[int(at)] for at in positions])
        if count == 1 or len(positions) < 2:
            for slot in range(len(positions)):
                fill(slot)
        else:
            with ThreadPoolExecutor(count) as pool:
                for _ in pool.map(fill, range(len(positions))):
                    pass
        return taken

    def raw(self, index: int) -> bytes:
        """The bytes of one picture's own file."""
        position = int(self.positions[index])
        return _named(self.origins(position), images.read, self.encoded[position])

    def origin(self, index: int) -> str:
        """Where one picture came from."""
        return self.origins(int(self.positions[index]))

    def _decode(self, encoded: Encoded) -> UInt8Array:
        decoded = images.decode(images.read(encoded), channels=self.shape[2])
        return images.resize(decoded, self.shape[:2])


def workers(encoded: Sequence[Encoded]) -> int:
    """Threads that decode such pictures, at most eight: more wait for each other."""
    sizes = []
    for one in encoded[:_LOOKED_AT]:
        try:
            sizes.append(len(one) if isinstance(one, bytes) else one.stat().st_size)
        except OSError:
            continue
    if not sizes or sum(sizes) / len(sizes) <= _SMALL_FILE:
        return 1
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


def _named(origin: str, read: Callable[[Encoded], Read], encoded: Encoded) -> Read:
    try:
        return read(encoded)
    except DataError as error:
        raise DataError(f"{origin}: {error}; it was readable before, restore it") from None
