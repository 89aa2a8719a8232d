"""Reads and writes TFRecord files, without TensorFlow.

Each record is a length, the checksum of the length, the bytes, and the checksum of the bytes. The
format is TensorFlow's (``tensorflow/core/lib/io/record_writer.h``): little-endian, with CRC-32C
checksums that are rotated and shifted ("masked"). Compressed files are not supported.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

_POLYNOMIAL = 0x82F63B78  # Castagnoli's polynomial with its bits reversed
_MASK = 0xA282EAD8
_BLOCK = 2**16  # bytes that numpy processes at once
_SHORT = 64  # bytes for which a plain loop is as fast as numpy
_Words = npt.NDArray[np.uint32]


def read_records(path: Path, most: int) -> Iterator[bytes]:
    """Yields the records of a file in order.

    Args:
        path: the file.
        most: most records that the file may have.

    Raises:
        ValueError: the file has more records, is cut off, or has a wrong checksum.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        number = 0
        while header := file.read(12):
            where = f"record {number} of {path}, at byte {file.tell() - len(header)},"
            if number == most:
                raise ValueError(f"{path} has more than {most} records.")
            if len(header) < 12:
                raise ValueError(f"{where} is cut off.")
            length, checksum = struct.unpack("<QI", header)
            if checksum != masked_crc32c(header[:8]):
                raise ValueError(f"{where} has a length with a wrong checksum.")
            if length + 4 > size - file.tell():
                raise ValueError(f"{where} is cut off: it should have {length} bytes.")
            record = file.read(length)
            if struct.unpack("<I", file.read(4))[0] != masked_crc32c(record):
                raise ValueError(f"{where} has a wrong checksum.")
            yield record
            number += 1


def write_records(path: Path, records: Iterable[bytes]) -> None:
    """Writes a file of these records."""
    with path.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + struct.pack("<I", masked_crc32c(length)))
            file.write(record + struct.pack("<I", masked_crc32c(record)))


def masked_crc32c(data: bytes) -> int:
    """Returns the checksum as the file stores it."""
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + _MASK) & 0xFFFFFFFF


def crc32c(data: bytes) -> int:
    """Returns the CRC-32C (RFC 3720) of ``data``.

    The checksum is linear in the bytes. Long data is therefore folded pairwise in numpy: one half
    of the values, shifted past the bytes of the other half, is added to it, until one is left.
    """
    state, position = 0xFFFFFFFF, 0
    while len(data) - position > _SHORT:
        block = data[position : position + _BLOCK]
        head = int.from_bytes(block[:4], "little") ^ state  # the state so far changes 4 bytes
        state = _fold(np.frombuffer(head.to_bytes(4, "little") + block[4:], np.uint8))
        position += len(block)
    return _plain(data[position:], state) ^ 0xFFFFFFFF


def _plain(data: bytes, state: int) -> int:
    table = _table()
    for byte in data:
        state = (state >> 8) ^ int(table[(state ^ byte) & 0xFF])
    return state


def _fold(data: npt.NDArray[np.uint8]) -> int:
    levels = max(len(data) - 1, 1).bit_length()
    words = np.zeros(1 << levels, np.uint32)  # leading zeros change nothing
    words[-len(data) :] = _table()[data]
    for level in range(levels):
        words = _past(words[0::2], level) ^ words[1::2]
    return int(words[0])


def _past(words: _Words, level: int) -> _Words:
    """Returns the checksums after ``2**level`` more bytes of zeros."""
    tables = _shift(level)
    shifted: _Words = tables[0][words & 0xFF]
    for byte in (1, 2, 3):
        shifted = shifted ^ tables[byte][(words >> np.uint32(8 * byte)) & 0xFF]
    return shifted


@functools.cache
def _table() -> _Words:
    words = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        words = np.where(words & 1, (words >> 1) ^ np.uint32(_POLYNOMIAL), words >> 1)
    return words.astype(np.uint32)


@functools.cache
def _shift(level: int) -> tuple[_Words, ...]:
    """Returns, for each of a word's four bytes, its value after ``2**level`` bytes of zeros."""
    single = [np.arange(256, dtype=np.uint32) << np.uint32(8 * byte) for byte in range(4)]
    if level == 0:
        return tuple((words >> 8) ^ _table()[words & 0xFF] for words in single)
    return tuple(_past(_past(words, level - 1), level - 1) for words in single)
