"""Content hashes of rows. They decide the split of a row and reveal duplicates.

A hash depends only on the content: not on the file's name or encoding, the label or other rows.
It protects against accidents, not against forgery.
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
"""Two numbers for each row, ``[n, 2]``: the first decides the split, both enter the fingerprint."""

_BYTES = 16


def hash_texts(texts: Any) -> Digests:
    """Returns the hashes of texts, a pyarrow large_string array without nulls, by their UTF-8."""
    if len(texts) == 0:
        return join_digests([])
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64, len(texts) + 1, texts.offset * 8).tolist()
    data = memoryview(data_buffer or b"")
    blake2b = hashlib.blake2b
    return join_digests(
        blake2b(data[start:end], digest_size=_BYTES).digest()
        for start, end in itertools.pairwise(offsets)
    )


def hash_image(pixels: UInt8Array) -> bytes:
    """Returns the hash of one image, ``[h, w, c]``, by its shape and pixels."""
    start = hashlib.blake2b(repr(tuple(pixels.shape)).encode(), digest_size=_BYTES)
    start.update(np.ascontiguousarray(pixels).data)
    return start.digest()


def hash_images(pixels: UInt8Array) -> Digests:
    """Returns the hashes of images ``[n, h, w, c]``, as ``hash_image`` computes them."""
    return join_digests(hash_image(image) for image in pixels)


def join_digests(digests: Iterable[bytes]) -> Digests:
    """Returns hashes of 16 bytes each as one array."""
    words = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
    return words.reshape(-1, 2)


def fingerprint_rows(
    digests: Digests,
    labels: npt.NDArray[np.int64],
    splits: npt.NDArray[np.int8],
    names: Sequence[str],
) -> str:
    """Returns a sha256 over the sorted hashes of all rows with their labels and splits.

    Args:
        digests: Content hashes, ``[n, 2]``.
        labels: Positions in ``names``, ``[n]``.
        splits: Positions in ``core.types.SPLITS``, ``[n]``; rows below 0 are left out.
        names: The labels. The fingerprint depends on them and not on their positions.
    """
    marks = join_digests(
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
