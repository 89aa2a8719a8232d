"""Content hashes: what decides on which side of a split a row falls, and finds duplicates.

A hash depends on nothing but the content: not on the file's name, its encoding, the label or
the other rows. It protects against accidents; it is no proof against a forger.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import SPLITS, UInt8Array

Digests = npt.NDArray[np.uint64]
"""Two words a row, ``[n, 2]``: the first decides the side, both make the fingerprint."""

_BYTES = 16


def of_texts(texts: Any) -> Digests:
    """Hashes of a pyarrow large_string array without nulls: of the UTF-8 bytes of each text."""
    if len(texts) == 0:
        return join([])
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64, len(texts) + 1, texts.offset * 8).tolist()
    data = memoryview(data_buffer or b"")
    blake2b = hashlib.blake2b
    return join(
        blake2b(data[start:end], digest_size=_BYTES).digest()
        for start, end in itertools.pairwise(offsets)
    )


def of_image(pixels: UInt8Array) -> bytes:
    """The hash of one picture, ``[h, w, c]``: of its shape and pixels."""
    start = hashlib.blake2b(repr(tuple(pixels.shape)).encode(), digest_size=_BYTES)
    start.update(np.ascontiguousarray(pixels).data)
    return start.digest()


def of_images(pixels: UInt8Array) -> Digests:
    """Hashes of pictures ``[n, h, w, c]``; each as ``of_image``."""
    return join(of_image(picture) for picture in pixels)


def join(digests: Iterable[bytes]) -> Digests:
    """Hashes of 16 bytes each as one array."""
    words = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
    return words.reshape(-1, 2)


def fingerprint(
    digests: Digests,
    labels: npt.NDArray[np.int64],
    splits: npt.NDArray[np.int8],
    names: Sequence[str],
) -> str:
    """A sha256 over the sorted hashes of every row with its label and split.

    Args:
        digests: ``[n, 2]``.
        labels: Positions in ``names``, ``[n]``.
        splits: Positions in ``core.types.SPLITS``, ``[n]``; rows below 0 are left out.
        names: The labels. They, and not their positions, are what counts.
    """
    marks = join(
        hashlib.blake2b(f"{split}\0{name}".encode(), digest_size=_BYTES).digest()
        for split in SPLITS
        for name in names
    )
    used = splits >= 0
    rows = np.concatenate(
        [digests[used], marks[splits[used].astype(np.int64) * len(names) + labels[used]]], axis=1
    )
    rows = rows[np.lexsort(rows.T[::-1])]
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
