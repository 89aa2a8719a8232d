"""Decodes, resizes and encodes single images. Pillow is the reference for the whole project.

``models/image_decoding.py`` gives the same pixels in a TensorFlow graph, for the files that
``served_images.py`` names. An image is turned as its EXIF orientation says, an alpha channel is
dropped, and nothing is cropped.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from modelwright.core.errors import DataError
from modelwright.core.image_limits import MAX_PIXELS
from modelwright.core.types import UInt8Array
from modelwright.data.image_files import FORMATS, format_of
from modelwright.data.orientation import find_orientation, read_orientation, turn_pixels
from modelwright.data.served_images import SERVED_FORMATS, serving_problem

# Pillow's other formats start programs (EPS) or are rarely tested against malicious files.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)
"""What Pillow raises for bytes that are damaged, cut off or hostile."""


def decode_image(data: bytes, *, channels: int = 3, orient: bool = True) -> UInt8Array:
    """Returns the pixels of the first frame, uint8 ``[height, width, channels]``.

    Args:
        data: The bytes of a PNG, JPEG, BMP, GIF, WebP or TIFF file.
        channels: 3 for RGB (gray is repeated), 1 for gray.
        orient: Whether the image is turned as its EXIF orientation says.

    Raises:
        DataError: The bytes are empty, not an image or cut off, or decode to more than
            ``MAX_PIXELS``. The message starts with "the image", so that a caller can add its name.
    """
    return decode_oriented(data, channels=channels, orient=orient)[0]


def decode_oriented(
    data: bytes, *, channels: int = 3, orient: bool = True
) -> tuple[UInt8Array, int]:
    """Returns the same pixels as ``decode_image``, and the orientation, 1 to 8, of the file.

    Raises:
        DataError: See ``decode_image``.
    """
    if not data:
        raise DataError("the image is empty (0 bytes)")
    try:
        with _open(io.BytesIO(data), data) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DataError(_too_large(f"{image.width}x{image.height} pixels"))
            converted = _convert(image, "RGB" if channels == 3 else "L")
            pixels = np.frombuffer(converted.tobytes(), np.uint8)
            pixels = pixels.reshape(converted.height, converted.width, channels)
            orientation = _orientation(image, data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("too many pixels")) from None
    except UnidentifiedImageError:
        raise DataError(_not_readable(data)) from None
    except UNREADABLE as error:
        raise DataError(f"the image is damaged or cut off ({_first_line(error)})") from None
    if not orient or orientation == 1:
        return pixels, orientation
    return np.ascontiguousarray(turn_pixels(pixels, orientation)), orientation


def read_encoded(encoded: Path | bytes) -> bytes:
    """Returns the bytes of an encoded image.

    Raises:
        DataError: The file cannot be read.
    """
    if isinstance(encoded, bytes):
        return encoded
    try:
        with open(encoded, "rb", buffering=0) as file:  # noqa: PTH123 - twice as fast as Path's
            return file.read()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"the image's file cannot be read ({reason})") from None


def resize_image(pixels: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Returns pixels ``[h, w, c]`` at ``size`` (height, width): antialiased bilinear, no crop."""
    height, width = size
    if pixels.shape[:2] == (height, width):
        return pixels
    if pixels.shape[2] == 3:
        drawn = Image.fromarray(np.ascontiguousarray(pixels))
        return np.asarray(drawn.resize((width, height), Image.Resampling.BILINEAR))
    planes = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(pixels[..., plane])).resize(
                (width, height), Image.Resampling.BILINEAR
            )
        )
        for plane in range(pixels.shape[2])
    ]
    return np.stack(planes, axis=-1)


def convert_channels(pixels: UInt8Array, channels: int) -> UInt8Array:
    """Returns pixels ``[..., c]`` as gray (1) or RGB (3). Gray is repeated; color becomes luma.

    Raises:
        DataError: The conversion is not between 1 and 3 channels.
    """
    current = pixels.shape[-1]
    if current == channels:
        return pixels
    if (current, channels) == (1, 3):
        return np.repeat(pixels, 3, axis=-1)
    if (current, channels) == (3, 1):
        # Pillow's integer weights for "L", ITU-R 601-2.
        luma = pixels.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
        return (((luma + 0x8000) >> 16).astype(np.uint8))[..., None]
    raise DataError(
        f"the images have {current} channels and {channels} are expected; convert them to RGB"
    )


def encode_png(pixels: UInt8Array) -> bytes:
    """Returns the bytes of a PNG file of pixels ``[h, w, c]``, where c is 1 or 3."""
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(file, format="PNG")
    return file.getvalue()


def portable_image(
    data: bytes, *, orient: bool = True, formats: Sequence[str] = SERVED_FORMATS
) -> bytes:
    """Returns an image file that every engine reads: the file itself, or a new PNG.

    Args:
        data: The bytes of an image file.
        orient: Whether the servable turns images as their EXIF orientation says.
        formats: Formats of which the servable reads every file without a ``serving_problem``.

    Raises:
        DataError: The file is not a readable image (see ``decode_image``).
    """
    pixels = decode_image(data, channels=3, orient=orient)
    served = format_of(data) in formats and serving_problem(data) is None
    return data if served else encode_png(pixels)


def _open(file: io.BytesIO, data: bytes) -> Image.Image:
    # Image.open tries every plugin in turn, a tenth of the time to decode a thumbnail.
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(file)
    return Image.open(file, formats=_FORMATS)


def _convert(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        image.load()
        return image
    if image.mode == "F":
        raise DataError("the image has floating-point pixels; save it with 8 bits a channel")
    if image.mode.startswith("I"):
        # Pillow clips 16-bit gray to 255; libpng and TensorFlow keep the high byte.
        gray = np.asarray(image).astype(np.int64)
        if gray.min() < 0 or gray.max() > 0xFFFF:
            raise DataError("the image has 32-bit pixels; save it with 8 bits a channel")
        return Image.fromarray((gray >> 8).astype(np.uint8)).convert(mode)
    if image.mode == "P" and "transparency" in image.info:
        # Through RGBA, so that Pillow neither warns nor paints over transparent pixels.
        rgba = image.convert("RGBA")
        if image.format == "GIF":
            # TensorFlow paints the transparent pixels of a GIF black.
            black = Image.new("RGBA", rgba.size)
            rgba = Image.composite(rgba, black, rgba.getchannel("A"))
        return rgba.convert("RGB").convert(mode)
    return image.convert(mode)


def _orientation(image: Image.Image, data: bytes) -> int:
    """Returns the EXIF orientation. Pillow turns TIFF files itself."""
    if image.format != "WEBP":
        return find_orientation(data)
    return read_orientation(image.info.get("exif", b"").removeprefix(b"Exif\0\0"))


def _not_readable(data: bytes) -> str:
    kind = format_of(data)
    if kind in FORMATS:
        return (
            f"the image is a {kind} file of an unusual kind, such as one with 12 bits a channel, "
            "or damaged; save it again as PNG or JPEG"
        )
    found = "" if kind is None else f", but {kind}; save it as JPEG or PNG"
    return f"the image is not a PNG, JPEG, BMP, GIF, WebP or TIFF file{found}"


def _too_large(size: str) -> str:
    return f"the image is too large ({size}; at most {MAX_PIXELS // 1_000_000} megapixels)"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:100] if lines else type(error).__name__
