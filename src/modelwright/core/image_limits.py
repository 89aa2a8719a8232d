"""What a servable reads as an image, and what it says of others, in every engine."""

from __future__ import annotations

MAX_PIXELS = 64_000_000
"""Largest width times height. A larger image is rejected as a decompression bomb."""

NOT_SERVED = "the image is not a PNG, JPEG, GIF or BMP file"
BMP_NOT_SERVED = (
    "the BMP file is compressed, has 16 bits a pixel, or an old or unusual header; save it as PNG"
)
GIF_NOT_SERVED = (
    "the GIF file has a first frame smaller than the image, or no colors; save it as PNG"
)
PNG_NOT_SERVED = "the PNG file is cut off: it has no end"
TOO_LARGE = f"the image is too large (at most {MAX_PIXELS // 1_000_000} megapixels)"
