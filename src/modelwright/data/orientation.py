"""Finds the EXIF orientation of an image file, and turns its pixels accordingly.

Only JPEG and PNG files are read here, by the same rules as ``models/graph_orientation.py`` reads
them in a graph, so that a torn or hostile file gives the same answer on both sides: the first
EXIF segment counts, and what is not well-formed does not turn the image.
"""

from __future__ import annotations

import struct

from modelwright.core.types import UInt8Array

MAX_STEPS = 1024
"""Segments or chunks that are looked at, and entries of the table."""

_TAG = 0x0112
_SHORT, _LONG = 3, 4
_END_OF_SEGMENTS = (0xD9, 0xDA)
_WITHOUT_LENGTH = (0x01, *range(0xD0, 0xD8))


def find_orientation(data: bytes) -> int:
    """Returns the orientation, 1 to 8, of a JPEG or PNG file; 1 if it has none."""
    if data.startswith(b"\xff\xd8") and b"Exif\0\0" in data:
        return read_orientation(_exif_of_jpeg(data))
    if data.startswith(b"\x89PNG\r\n\x1a\n") and b"eXIf" in data:
        return read_orientation(_exif_of_png(data).removeprefix(b"Exif\0\0"))
    return 1


def read_orientation(tiff: bytes) -> int:
    """Returns the orientation in an EXIF block, which is a TIFF file without pixels."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    (start,) = struct.unpack(f"{order}I", _bytes(tiff, 4, 4))
    (count,) = struct.unpack(f"{order}H", _bytes(tiff, start, 2))
    found = 1
    for entry in range(min(count, MAX_STEPS)):
        content = tiff[start + 2 + 12 * entry :][:12]
        if len(content) < 12:
            break
        tag, kind, number = struct.unpack_from(f"{order}HHI", content)
        if tag == _TAG and number == 1 and kind in (_SHORT, _LONG):
            (found,) = struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", content, 8)
    return found if 1 <= found <= 8 else 1


def turn_pixels(pixels: UInt8Array, orientation: int) -> UInt8Array:
    """Returns pixels ``[h, w, c]`` turned as an orientation says; they may be a view."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _exif_of_jpeg(data: bytes) -> bytes:
    at = 2
    for _ in range(MAX_STEPS):
        mark, kind, high, low = _bytes(data, at, 4)
        length = high * 256 + low
        if mark != 0xFF or kind in _END_OF_SEGMENTS:
            break
        if kind == 0xFF:
            at += 1
        elif kind in _WITHOUT_LENGTH:
            at += 2
        elif length < 2:
            break
        elif kind == 0xE1 and data[at + 4 : at + 10] == b"Exif\0\0":
            return data[at + 10 : at + 2 + length]
        else:
            at += 2 + length
    return b""


def _exif_of_png(data: bytes) -> bytes:
    at = 8
    for _ in range(MAX_STEPS):
        (length,) = struct.unpack(">I", _bytes(data, at, 4))
        kind = data[at + 4 : at + 8]
        if kind == b"eXIf":
            return data[at + 8 : at + 8 + length]
        if kind == b"IEND" or len(kind) < 4:
            break
        at += 12 + length
    return b""


def _bytes(data: bytes, at: int, count: int) -> bytes:
    """Returns bytes of a file, and zeros behind its end."""
    return data[at : at + count].ljust(count, b"\0")
