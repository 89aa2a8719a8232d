"""Which image files a servable reads, exactly as the graph of its SavedModel does.

Training reads more kinds of files, since Pillow does. A client that wants to send one of those
converts it first (``images.portable_image``).
"""

from __future__ import annotations

import struct

from modelwright.core.image_limits import (
    BMP_NOT_SERVED,
    GIF_NOT_SERVED,
    NOT_SERVED,
    PNG_NOT_SERVED,
)
from modelwright.data.image_files import format_of

SERVED_FORMATS = ("PNG", "JPEG", "GIF", "BMP")
_MAX_STEPS = 1024
_COLOR_MASKS = struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)


def serving_problem(data: bytes) -> str | None:
    """Returns why a servable refuses an image file; None if it reads the file."""
    kind = format_of(data)
    if kind not in SERVED_FORMATS:
        return NOT_SERVED
    if kind == "BMP":
        return None if _is_plain_bmp(data) else BMP_NOT_SERVED
    if kind == "GIF":
        return None if _is_plain_gif(data) else GIF_NOT_SERVED
    if kind == "PNG":
        return None if b"IEND" in data else PNG_NOT_SERVED
    return None


def _is_plain_bmp(data: bytes) -> bool:
    """Returns whether a BMP file has 1, 4, 8, 24 or 32 bits a pixel, uncompressed and complete."""
    header = data[:66].ljust(66, b"\0")
    offset, size, width, height = struct.unpack_from("<IIIi", header, 10)
    bits, compression = struct.unpack_from("<HI", header, 28)
    (colors,) = struct.unpack_from("<I", header, 46)
    most = 1 << bits if bits <= 8 else 0
    if compression == 3:
        plain = bits == 32 and header[54:66] == _COLOR_MASKS
    elif bits <= 8:
        # Pillow takes any file of two colors for one bit a pixel.
        plain = bits in (1, 4, 8) and colors <= most and (colors != 2 or bits == 1)
    else:
        plain = bits in (24, 32)
    stride = (width * bits + 31) // 32 * 4
    return (
        plain
        and compression in (0, 3)
        and size >= 40
        and offset >= 14 + size + (4 * (colors or most) if bits <= 8 else 0)
        and len(data) >= offset + stride * abs(height)
    )


def _is_plain_gif(data: bytes) -> bool:
    """Returns whether the first frame of a GIF file has colors and covers the whole image."""
    width, height, flags = struct.unpack("<HHB", data[6:11].ljust(5, b"\0"))
    at = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    in_extension = False
    for _ in range(_MAX_STEPS):
        (kind,) = data[at : at + 1] or b"\0"
        if in_extension:
            at += kind + 1
            in_extension = kind != 0
        elif kind == 0x21:
            at += 2
            in_extension = True
        elif kind == 0x2C:
            frame = struct.unpack("<HHHHB", data[at + 1 : at + 10].ljust(9, b"\0"))
            left, top, frame_width, frame_height, frame_flags = frame
            covers = left == top == 0 and frame_width >= width and frame_height >= height
            return covers and bool((flags | frame_flags) & 0x80)
        else:
            return False
    return False
