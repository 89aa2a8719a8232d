"""One picture: decode, resize, encode. Pillow is the reference for the whole product.

TensorFlow's ``decode_image(channels=3, expand_animations=False)`` and
``tf.image.resize(method="bilinear", antialias=True)`` agree with what is done here, but that for
JPEG TensorFlow needs ``decode_jpeg(dct_method="INTEGER_ACCURATE")`` to be exact, and that it reads
WebP with alpha only with four channels. The
orientation in EXIF is not applied, an alpha channel is dropped, nothing is cropped.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from modelwright.core.errors import DataError
from modelwright.core.types import UInt8Array

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
MAX_PIXELS = 64_000_000
"""Largest width times height that is decoded; more is taken for a decompression bomb."""

# Pillow's other formats start programs (EPS) or are rarely tested against hostile files.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
_IN_GRAPH = ("PNG", "JPEG", "BMP", "GIF")
_UNREADABLE = (
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


def decode(data: bytes, *, channels: int = 3) -> UInt8Array:
    """The pixels of the first frame, uint8 ``[height, width, channels]``.

    Args:
        data: The bytes of a PNG, JPEG, BMP, GIF, WebP or TIFF file.
        channels: 3 for RGB (grey is repeated), 1 for grey.

    Raises:
        DataError: the bytes are empty, no picture, cut off, or decode to more than
            ``MAX_PIXELS``. It starts with "the picture", so that a caller can add which.
    """
    if not data:
        raise DataError("the picture is empty (0 bytes)")
    try:
        with _open(io.BytesIO(data), data) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise DataError(_too_large(f"{picture.width}x{picture.height} pixels"))
            converted = _convert(picture, "RGB" if channels == 3 else "L")
            pixels = np.frombuffer(converted.tobytes(), np.uint8)
            return pixels.reshape(converted.height, converted.width, channels)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(_too_large("too many pixels")) from None
    except UnidentifiedImageError:
        raise DataError("the picture is not a PNG, JPEG, BMP, GIF, WebP or TIFF file") from None
    except _UNREADABLE as error:
        raise DataError(f"the picture is damaged or cut off ({_first_line(error)})") from None


def read(encoded: Path | bytes) -> bytes:
    """The bytes of a picture that is not decoded yet.

    Raises:
        DataError: its file cannot be read.
    """
    if isinstance(encoded, bytes):
        return encoded
    try:
        with open(encoded, "rb", buffering=0) as file:  # noqa: PTH123 - twice as fast as Path's
            return file.read()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"the picture's file cannot be read ({reason})") from None


def resize(pixels: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Pixels ``[h, w, c]`` at ``size`` (height, width): bilinear with antialiasing, no crop."""
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


def with_channels(pixels: UInt8Array, channels: int) -> UInt8Array:
    """Pixels ``[..., c]`` as grey (1) or RGB (3): grey is repeated, colour becomes luma.

    Raises:
        DataError: the change is not between 1 and 3 channels.
    """
    have = pixels.shape[-1]
    if have == channels:
        return pixels
    if (have, channels) == (1, 3):
        return np.repeat(pixels, 3, axis=-1)
    if (have, channels) == (3, 1):
        # Pillow's own integer weights for "L", ITU-R 601-2.
        luma = pixels.astype(np.uint32) @ np.array([19595, 38470, 7471], np.uint32)
        return (((luma + 0x8000) >> 16).astype(np.uint8))[..., None]
    raise DataError(
        f"the pictures have {have} channels and {channels} are expected; convert them to RGB"
    )


def encode_png(pixels: UInt8Array) -> bytes:
    """Pixels ``[h, w, c]``, c being 1 or 3, as the bytes of a PNG file."""
    plane = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(plane)).save(file, format="PNG")
    return file.getvalue()


def portable(data: bytes) -> bytes:
    """A readable picture's own bytes where a TensorFlow graph decodes its kind, else as PNG.

    Raises:
        DataError: it is not a readable picture, as ``decode`` says.
    """
    pixels = decode(data, channels=3)
    with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
        return data if picture.format in _IN_GRAPH else encode_png(pixels)


def _open(file: io.BytesIO, data: bytes) -> Image.Image:
    # Image.open asks every plugin in turn, which costs a tenth of a thumbnail's time.
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile(file)
    return Image.open(file, formats=_FORMATS)


def _convert(picture: Image.Image, mode: str) -> Image.Image:
    if picture.mode == mode:
        picture.load()
        return picture
    if picture.mode == "F":
        raise DataError("the picture has floating-point pixels; save it with 8 bits a channel")
    if picture.mode.startswith("I"):
        # Pillow clips 16-bit grey to 255; the high byte is what libpng and TensorFlow keep.
        grey = np.asarray(picture).astype(np.int64)
        if grey.min() < 0 or grey.max() > 0xFFFF:
            raise DataError("the picture has 32-bit pixels; save it with 8 bits a channel")
        return Image.fromarray((grey >> 8).astype(np.uint8)).convert(mode)
    if picture.mode == "P" and "transparency" in picture.info:
        # Through RGBA, so that Pillow neither warns nor paints over what is transparent.
        whole = picture.convert("RGBA")
        if picture.format == "GIF":
            # In a GIF, TensorFlow paints what is transparent black.
            black = Image.new("RGBA", whole.size)
            whole = Image.composite(whole, black, whole.getchannel("A"))
        return whole.convert("RGB").convert(mode)
    return picture.convert(mode)


def _too_large(size: str) -> str:
    return f"the picture is too large ({size}; at most {MAX_PIXELS // 1_000_000} megapixels)"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0][:100] if lines else type(error).__name__
