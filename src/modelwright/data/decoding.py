"""All pictures of a source, decoded once: their pixels, hashes, one size, and the bad ones.

It does not know labels or splits. Pixels that would not fit are decoded, hashed and dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import IntArray, Progress, Rejected, UInt8Array
from modelwright.data import digests as hashing
from modelwright.data import images
from modelwright.data.records import Encoded
from modelwright.data.rows import workers

AUTO_SHARED = 224
"""Largest side, in pixels, at which a size that all pictures share is kept."""
AUTO_SIDE = 96
"""Side, in pixels, that pictures of several sizes, or of a larger one, are resized to."""

Size = tuple[int, int]

_CHUNK = 64


@dataclass(frozen=True)
class Decoded:
    """What became of the pictures.

    Attributes:
        pixels: uint8 ``[kept, h, w, c]``; None where they would take too much memory.
        digests: ``[kept, 2]``, of the pixels before resizing.
        kept: Positions of the readable pictures, ``[kept]``.
        size: Height and width of every picture.
        shared: Whether ``size`` is that of the files.
        rejected: The unreadable ones.
    """

    pixels: UInt8Array | None
    digests: hashing.Digests
    kept: IntArray
    size: Size
    shared: bool
    rejected: tuple[Rejected, ...]


@dataclass
class _Result:
    digest: bytes
    pixels: UInt8Array
    original: Size


@dataclass
class _Store:
    """Pixels as they come in, at a size that may still change once."""

    total: int
    channels: int
    limit: int
    size: Size | None
    pixels: UInt8Array | None = None
    kept: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    originals: set[Size] = field(default_factory=set)

    def open(self, size: Size) -> None:
        self.size = size
        wanted = (self.total, *size, self.channels)
        self.pixels = np.empty(wanted, np.uint8) if np.prod(wanted) <= self.limit else None

    def change(self, size: Size) -> None:
        """Make room at another size and bring what is there to it."""
        before = self.pixels
        self.open(size)
        if self.pixels is not None and before is not None:
            for slot in range(len(self.kept)):
                self.pixels[slot] = images.resize(before[slot], size)
        elif self.kept:
            self.pixels = None

    def add(self, position: int, result: _Result) -> None:
        if self.pixels is not None and self.size is not None:
            self.pixels[len(self.kept)] = images.resize(result.pixels, self.size)
        self.kept.append(position)
        self.digests.append(result.digest)
        self.originals.add(result.original)


def decode_all(
    encoded: Sequence[Encoded],
    origin: Callable[[int], str],
    *,
    size: Size | Literal["auto"],
    channels: int = 3,
    memory_mib: int = 2048,
    progress: Progress | None = None,
) -> Decoded:
    """Decode every picture.

    Args:
        encoded: Files, or their bytes.
        origin: From a position to where the picture came from.
        size: Height and width to resize to; auto keeps the size that all of them share, up
            to ``AUTO_SHARED``, and is else a square of ``AUTO_SIDE``.
        channels: 3 for RGB, 1 for grey.
        memory_mib: Pixels that take more are not kept.
        progress: Told after every chunk.
    """
    auto = size == "auto"
    store = _Store(len(encoded), channels, memory_mib * 2**20, None)
    if not isinstance(size, str):
        store.open(size)
    rejected: list[Rejected] = []

    def work(chunk: range) -> list[_Result | str]:
        return [_decode(encoded[at], channels, None if auto else store.size) for at in chunk]

    done = 0
    for chunk, results in _ordered(work, len(encoded), workers(encoded)):
        for position, result in zip(chunk, results, strict=True):
            if isinstance(result, str):
                rejected.append(Rejected(origin(position), result))
                continue
            if auto:
                _settle(store, result.original)
            store.add(position, result)
        done += len(chunk)
        if progress is not None:
            progress("reading pictures", done, len(encoded))

    final = store.size or (AUTO_SIDE, AUTO_SIDE)
    kept = np.array(store.kept, np.int64)
    pixels = store.pixels
    if pixels is None and len(kept) * final[0] * final[1] * channels <= store.limit:
        # The first size did not fit and the final one does: decode again, into an array.
        pixels = np.empty((len(kept), *final, channels), np.uint8)
        for slot, at in enumerate(kept):
            again = _decode(encoded[at], channels, final)
            if isinstance(again, str):
                raise DataError(f"{origin(int(at))}: {again}; it changed while it was read")
            pixels[slot] = again.pixels
    elif pixels is not None:
        pixels = pixels[: len(kept)]
    return Decoded(
        pixels=pixels,
        digests=hashing.join(store.digests),
        kept=kept,
        size=final,
        shared=store.originals == {final},
        rejected=tuple(rejected),
    )


def _settle(store: _Store, original: Size) -> None:
    if store.size is None:
        fits = max(original) <= AUTO_SHARED
        store.open(original if fits else (AUTO_SIDE, AUTO_SIDE))
    elif original != store.size and store.originals == {store.size}:
        store.change((AUTO_SIDE, AUTO_SIDE))


def _decode(encoded: Encoded, channels: int, size: Size | None) -> _Result | str:
    try:
        pixels = images.decode(images.read(encoded), channels=channels)
    except DataError as error:
        return str(error)
    original = (pixels.shape[0], pixels.shape[1])
    digest = hashing.of_image(pixels)
    if size is None and max(original) > AUTO_SHARED:
        size = (AUTO_SIDE, AUTO_SIDE)
    return _Result(digest, pixels if size is None else images.resize(pixels, size), original)


def _ordered(
    work: Callable[[range], list[_Result | str]], total: int, threads: int
) -> Iterator[tuple[range, list[_Result | str]]]:
    """Chunks and their results in order, only a few of them ahead of the reader."""
    chunks = [range(at, min(at + _CHUNK, total)) for at in range(0, total, _CHUNK)]
    if threads == 1:
        for chunk in chunks:
            yield chunk, work(chunk)
        return
    waiting: deque[tuple[range, Future[list[_Result | str]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(work, chunk)))
            if len(waiting) > 2 * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
