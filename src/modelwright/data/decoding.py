"""Decodes all images of a source once: their pixels, hashes, common size, and the unreadable ones.

It does not know labels or splits. Pixels that would not fit into memory are decoded, hashed and
dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import IntArray, Progress, Rejected, UInt8Array
from modelwright.data import images
from modelwright.data.digests import Digests, hash_image, join_digests
from modelwright.data.image_notes import ImageFacts, ImageNotes, find_facts
from modelwright.data.records import Encoded
from modelwright.data.rows import decoding_threads

AUTO_SHARED = 224
"""Largest side, in pixels, at which a size that all images share is kept."""
AUTO_SIDE = DataConfig().auto_side
"""Side, in pixels, to which images of several sizes, or of a larger size, are usually resized."""

Size = tuple[int, int]
"""Height and width, in pixels."""

_CHUNK = 64


@dataclass(frozen=True)
class Decoded:
    """The decoded images, ``n`` of them.

    Attributes:
        pixels: uint8 ``[n, h, w, c]``; None if they would take too much memory.
        digests: Hashes of the pixels before resizing, ``[n, 2]``.
        readable: Positions of the readable images, ``[n]``.
        size: Height and width of every image.
        shared: Whether all files have the size ``size``.
        rejected: The unreadable images.
        notes: What is unusual about the files.
    """

    pixels: UInt8Array | None
    digests: Digests
    readable: IntArray
    size: Size
    shared: bool
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Image:
    digest: bytes
    pixels: UInt8Array
    original: Size
    facts: ImageFacts


@dataclass
class _Store:
    """Collects images. With ``auto`` the size follows from them and may change once.

    ``auto`` is the size of images that share none; None for a fixed size.
    """

    total: int
    channels: int
    limit: int
    auto: Size | None
    size: Size | None = None
    pixels: UInt8Array | None = None
    positions: list[int] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    originals: set[Size] = field(default_factory=set)

    def allocate(self, size: Size) -> None:
        """Makes room for all images at a size, if that fits into memory."""
        self.size = size
        shape = (self.total, *size, self.channels)
        self.pixels = np.empty(shape, np.uint8) if np.prod(shape) <= self.limit else None

    def change_size(self, size: Size) -> None:
        """Makes room at another size and resizes the collected images."""
        before = self.pixels
        self.allocate(size)
        if self.pixels is not None and before is not None:
            for slot in range(len(self.positions)):
                self.pixels[slot] = images.resize_image(before[slot], size)
        elif self.positions:
            self.pixels = None

    def choose_size(self, original: Size) -> None:
        """Chooses the size after the first image, and again after one of another size."""
        if self.auto is None:
            return
        if self.size is None:
            self.allocate(original if max(original) <= AUTO_SHARED else self.auto)
        elif original != self.size and self.originals == {self.size}:
            self.change_size(self.auto)

    def add(self, position: int, image: _Image) -> None:
        self.choose_size(image.original)
        if self.pixels is not None and self.size is not None:
            self.pixels[len(self.positions)] = images.resize_image(image.pixels, self.size)
        self.positions.append(position)
        self.digests.append(image.digest)
        self.originals.add(image.original)


def decode_all(
    encoded: Sequence[Encoded],
    origin: Callable[[int], str],
    *,
    size: Size | int | Literal["auto"],
    channels: int = 3,
    memory_mib: int = 2048,
    orient: bool = True,
    progress: Progress | None = None,
) -> Decoded:
    """Decodes every image.

    Args:
        encoded: Image files, or their bytes.
        origin: Maps a position to where the image came from.
        size: Height and width to resize to. A single number keeps a size that all images share,
            up to ``AUTO_SHARED``; otherwise it is the side of a square. auto is ``AUTO_SIDE``.
        channels: 3 for RGB, 1 for gray.
        memory_mib: Pixels that take more memory are not kept.
        orient: Whether images are turned as their EXIF orientation says.
        progress: Called after every chunk.
    """
    if size == "auto":
        size = AUTO_SIDE
    auto = (size, size) if isinstance(size, int) else None
    store = _Store(len(encoded), channels, memory_mib * 2**20, auto)
    if not isinstance(size, int):
        store.allocate(size)
    rejected: list[Rejected] = []
    notes = ImageNotes(orient)

    def decode_chunk(chunk: range) -> list[_Image | str]:
        target = None if store.auto else store.size
        return [decode(position, target) for position in chunk]

    def decode(position: int, target: Size | None) -> _Image | str:
        image = encoded[position]
        name = origin(position) if isinstance(image, bytes) else image.name
        return _decode(image, name, channels, target, auto, orient=orient)

    done = 0
    for chunk, decoded in _in_order(decode_chunk, len(encoded), decoding_threads(encoded)):
        for position, image in zip(chunk, decoded, strict=True):
            if isinstance(image, str):
                rejected.append(Rejected(origin(position), image))
            else:
                store.add(position, image)
                notes.add(origin(position), image.facts)
        done += len(chunk)
        if progress is not None:
            progress("reading images", done, len(encoded))

    final = store.size or auto or (AUTO_SHARED, AUTO_SHARED)
    return Decoded(
        pixels=_final_pixels(store, final, decode, origin),
        digests=join_digests(store.digests),
        readable=np.array(store.positions, np.int64),
        size=final,
        shared=store.originals == {final},
        rejected=tuple(rejected),
        notes=tuple(notes.notes()),
    )


def _final_pixels(
    store: _Store,
    size: Size,
    decode: Callable[[int, Size | None], _Image | str],
    origin: Callable[[int], str],
) -> UInt8Array | None:
    """Returns the collected pixels.

    If only the first size did not fit into memory, the images are decoded a second time.
    """
    count = len(store.positions)
    if store.pixels is not None:
        return store.pixels[:count]
    if count * size[0] * size[1] * store.channels > store.limit:
        return None
    pixels = np.empty((count, *size, store.channels), np.uint8)
    for slot, position in enumerate(store.positions):
        image = decode(position, size)
        if isinstance(image, str):
            raise DataError(f"{origin(position)}: {image}; it changed while it was read")
        pixels[slot] = image.pixels
    return pixels


def _decode(
    encoded: Encoded,
    name: str,
    channels: int,
    size: Size | None,
    large: Size | None,
    *,
    orient: bool,
) -> _Image | str:
    """Returns a decoded image, or why it is not readable. ``large`` is the size of large ones."""
    try:
        data = images.read_encoded(encoded)
        pixels, orientation = images.decode_oriented(data, channels=channels, orient=orient)
    except DataError as error:
        return str(error)
    original = (pixels.shape[0], pixels.shape[1])
    digest = hash_image(pixels)
    if size is None and max(original) > AUTO_SHARED:
        size = large
    resized = pixels if size is None else images.resize_image(pixels, size)
    return _Image(digest, resized, original, find_facts(name, data, orientation))


def _in_order(
    decode_chunk: Callable[[range], list[_Image | str]], total: int, threads: int
) -> Iterator[tuple[range, list[_Image | str]]]:
    """Yields chunks and their images in order. Only a few chunks are decoded in advance."""
    chunks = [range(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)]
    if threads == 1:
        for chunk in chunks:
            yield chunk, decode_chunk(chunk)
        return
    waiting: deque[tuple[range, Future[list[_Image | str]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for chunk in chunks:
            waiting.append((chunk, pool.submit(decode_chunk, chunk)))
            if len(waiting) > 2 * threads:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
