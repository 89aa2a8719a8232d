"""CIFAR-10's official batches, which are pickles, read without unpickling them.

The opcodes are listed (``pickletools.genops`` runs none of them) and two things are taken: the
whole numbers that follow the text ``labels``, and the one string of bytes that is as long as that
many pictures. Anything else in the file is passed over.
"""

from __future__ import annotations

import pickletools

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import IntArray, UInt8Array

_NUMBERS = {"BININT", "BININT1", "BININT2", "INT"}
_TEXTS = {"BINSTRING", "SHORT_BINSTRING", "BINUNICODE", "SHORT_BINUNICODE", "SHORT_BINBYTES"}
_BYTES = {"BINSTRING", "BINBYTES", "BINBYTES8"}


def parse_cifar_batch(content: bytes, name: str) -> tuple[UInt8Array, IntArray]:
    """Pictures, uint8 ``[n, 32, 32, 3]``, and labels, int64 ``[n]``.

    Raises:
        DataError: a file that is not such a batch; ``name`` says which.
    """
    labels: list[int] = []
    pixels = b""
    inside = False
    try:
        for opcode, value, _ in pickletools.genops(content):
            if value is None:
                continue
            if opcode.name in _BYTES and len(value) > len(pixels):
                pixels = value.encode("latin-1") if isinstance(value, str) else value
            if opcode.name in _TEXTS:
                inside = value in ("labels", b"labels")
            elif inside and opcode.name in _NUMBERS:
                labels.append(value)
    except (ValueError, IndexError, UnicodeError) as error:
        raise DataError(
            f"{name} is not a batch of CIFAR-10 ({error}); expected the official python version."
        ) from error
    if not labels or len(pixels) != 3072 * len(labels):
        raise DataError(
            f"{name} has {len(labels)} labels and {len(pixels)} bytes of pixels; expected a batch "
            "of the official python version, 3,072 bytes for each label."
        )
    # Stored as three planes of 32x32, red first.
    planes = np.frombuffer(pixels, np.uint8).reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.asarray(labels, dtype=np.int64)
