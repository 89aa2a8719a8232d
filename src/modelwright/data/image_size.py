"""Reads the width and height of an image from its header, without decoding a pixel.

A few kilobytes can decode to gigabytes, so the size is known before an image is decoded. PNG and
JPEG headers are read here, because a server asks for each image; Pillow reads the others.
"""

from __future__ import annotations

import io
import struct
import warnings

from modelwright.data.images import UNREADABLE

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_HEIF = b"ftyp"
_STARTS = (_PNG, _JPEG, b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_NO_FRAME = frozenset((0xC4, 0xC8, 0xCC))
"""JPEG's markers between the frame headers (C0 to CF) that start no frame."""
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))
"""JPEG's markers without a length."""


def is_image_file(data: bytes) -> bool:
    """Whether bytes begin as an image file does: PNG, JPEG, GIF, BMP, TIFF, WebP, HEIF or AVIF.

    A text may begin with ``BM`` too, so such bytes also need a header with a size.

    >>> is_image_file(b"BMW builds cars")
    False
    """
    if not data.startswith(_STARTS):
        return data[4:8] == _HEIF
    if data.startswith(b"BM"):
        return image_size(data) is not None
    return not data.startswith(b"RIFF") or data[8:12] == b"WEBP"


def image_size(data: bytes) -> tuple[int, int] | None:
    """Returns the width and height in an image file's header.

    Returns:
        None if the bytes are no PNG, JPEG, GIF, BMP, TIFF or WebP file, or the header is damaged.
    """
    if data.startswith(_PNG):
        return struct.unpack(">II", data[16:24]) if len(data) >= 24 else None
    if data.startswith(_JPEG):
        return _jpeg_size(data)
    return _pillow_size(data)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Returns the size in the first frame header."""
    at, end = 2, len(data) - 9
    while at < end:
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # a byte of padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        elif marker in _BARE:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _pillow_size(data: bytes) -> tuple[int, int] | None:
    from PIL import BmpImagePlugin, GifImagePlugin, TiffImagePlugin

    # These classes, unlike Image.open, neither warn of a large image nor try other formats.
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp_size(data)
    for starts, kind in (
        ((b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile),
        ((b"BM",), BmpImagePlugin.BmpImageFile),
        ((b"II*\0", b"MM\0*"), TiffImagePlugin.TiffImageFile),
    ):
        if data.startswith(starts):
            try:
                with warnings.catch_warnings(action="ignore"), kind(io.BytesIO(data)) as image:
                    return image.size
            except UNREADABLE:
                return None
    return None


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Returns the size of the canvas. Pillow would allocate it to read its size."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return None
    if kind == b"VP8X":
        return (
            1 + int.from_bytes(body[4:7], "little"),
            1 + int.from_bytes(body[7:10], "little"),
        )
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    return None
