"""Held-out images in every format that a servable reads, to check each engine on them.

The rows of one source often have one format. A client may send any of the others.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from modelwright.core.types import UInt8Array

_ROWS = 2
"""Rows of each kind of file."""
_TURNED = 6
_KINDS: tuple[tuple[str, str | None, dict[str, Any]], ...] = (
    ("PNG", None, {}),
    ("PNG", "P", {}),
    ("JPEG", None, {"quality": 90}),
    ("JPEG", None, {"quality": 90, "progressive": True}),
    ("BMP", None, {}),
    ("BMP", "P", {}),
    ("BMP", "1", {}),
    ("GIF", "P", {}),
)
"""Format, mode of the pixels, and options of Pillow."""
MADE_ROWS = _ROWS * (len(_KINDS) + 2)
"""The most files that ``encode_in_every_format`` makes."""


def encode_in_every_format(rows: UInt8Array, *, turned: bool) -> tuple[bytes, ...]:
    """Returns a few rows, each as a file of every kind.

    Args:
        rows: pixels uint8 ``[n, h, w, c]``, where c is 1 or 3.
        turned: whether files with an EXIF orientation belong to them.
    """
    positions = np.unique(np.linspace(0, len(rows) - 1, _ROWS).astype(int))
    drawn = [_draw(rows[position]) for position in positions]
    files = [
        _encode(image, format_, mode, options)
        for format_, mode, options in _KINDS
        for image in drawn
    ]
    if turned:
        exif = Image.Exif()
        exif[0x0112] = _TURNED
        for format_ in ("PNG", "JPEG"):
            files += [_encode(image, format_, None, {"exif": exif}) for image in drawn]
    return tuple(files)


def _draw(pixels: UInt8Array) -> Image.Image:
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return Image.fromarray(np.ascontiguousarray(plane))


def _encode(image: Image.Image, format_: str, mode: str | None, options: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    # Colors of a palette, where the default would be those of the web.
    changed = image.quantize(64) if mode == "P" else image.convert(mode) if mode else image
    changed.save(file, format_, **options)
    return file.getvalue()
