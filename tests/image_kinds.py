"""Image files of every kind that people have, made by hand where Pillow does not write them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

RANDOM = np.random.default_rng(5)
HEIGHT, WIDTH = 11, 9
COLORS = RANDOM.integers(0, 256, (256, 3), dtype=np.uint8)
GRAYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """Returns an image as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(height: int = HEIGHT, width: int = WIDTH) -> Image.Image:
    """Returns a color image of random pixels."""
    return Image.fromarray(RANDOM.integers(0, 256, (height, width, 3), dtype=np.uint8))


def bmp(bits: int, *, header: int = 40, compression: int = 0, **other: Any) -> bytes:
    """Returns a BMP file of random content.

    ``colors`` is the palette, ``count`` its size in the header, ``masks`` the three masks,
    ``down`` makes the first row the top one, ``pixels`` is the content.
    """
    colors, masks = other.get("colors"), other.get("masks", ())
    stride = (WIDTH * bits + 31) // 32 * 4
    pixels = other.get("pixels", RANDOM.integers(0, 256, stride * HEIGHT, dtype=np.uint8).tobytes())
    palette = b"" if colors is None else b"".join(bytes((*c[::-1], 0)) for c in colors)
    more = struct.pack(f"<{len(masks)}I", *masks).ljust(max(header - 40, 0), b"\0")
    height = -HEIGHT if other.get("down") else HEIGHT
    info = struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(pixels),
                       2835, 2835, other.get("count", 0), 0)  # fmt: skip
    start = 14 + len(info) + len(more) + len(palette)
    return (
        struct.pack("<2sIHHI", b"BM", start + len(pixels), 0, 0, start)
        + info
        + more
        + palette
        + pixels
    )


def old_bmp() -> bytes:
    """Returns a BMP file with the header of OS/2."""
    pixels = bytes((WIDTH * 3 + 3) // 4 * 4 * HEIGHT)
    return (
        struct.pack("<2sIHHIIHHHH", b"BM", 26 + len(pixels), 0, 0, 26, 12, WIDTH, HEIGHT, 1, 24)
        + pixels
    )


def png(
    depth: int, kind: int, channels: int, *chunks: tuple[bytes, bytes], interlaced: bool = False
) -> bytes:
    """Returns a PNG file of random content."""
    content = b""
    for left, top, across, down in ADAM7 if interlaced else ((0, 0, 1, 1),):
        width, height = -(-(WIDTH - left) // across), -(-(HEIGHT - top) // down)
        size = (width * channels * depth + 7) // 8
        content += b"".join(b"\0" + RANDOM.bytes(size) for _ in range(height)) if size else b""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, int(interlaced))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(content)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, body) for name, body in parts)


def chunk(name: bytes, body: bytes) -> bytes:
    """Returns a chunk of a PNG file."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
RGB_MASKS = (0xFF0000, 0xFF00, 0xFF)
PALETTE = (b"PLTE", COLORS.tobytes())


def _served() -> dict[str, bytes]:
    palette = noise().quantize(64)
    cmyk = Image.fromarray(RANDOM.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8), "CMYK")
    found = {
        "png 1-bit": encoded(noise().convert("1")),
        "png palette": png(8, 3, 1, PALETTE),
        "png palette of 16": png(4, 3, 1, (b"PLTE", COLORS[:16].tobytes())),
        "png palette with alpha": png(8, 3, 1, PALETTE, (b"tRNS", RANDOM.bytes(256))),
        "png gray and alpha": png(8, 4, 2),
        "png rgba": png(8, 6, 4),
        "png gray with a transparent level": png(8, 0, 1, (b"tRNS", b"\0\7")),
        "png 16-bit gray": png(16, 0, 1),
        "png 16-bit gray and alpha": png(16, 4, 2),
        "png 16-bit rgb": png(16, 2, 3),
        "png interlaced": png(8, 2, 3, interlaced=True),
        "png interlaced 16-bit rgba": png(16, 6, 4, interlaced=True),
        "png animated": encoded(noise(), save_all=True, append_images=[noise()]),
        "bmp 24": bmp(24),
        "bmp 24 from the top": bmp(24, down=True),
        "bmp 24 and bytes behind": bmp(24) + b"more",
        "bmp 24 version 5": bmp(24, header=124),
        "bmp 32": bmp(32),
        "bmp 32 with alpha": bmp(32, header=108, compression=3, masks=(*RGB_MASKS, 0xFF000000)),
        "bmp 32 with masks": bmp(32, compression=3, masks=RGB_MASKS),
        "bmp palette": bmp(8, colors=COLORS),
        "bmp palette from the top": bmp(8, colors=COLORS, down=True),
        "bmp palette too short": bmp(8, colors=COLORS[:16], count=16),
        "bmp gray": bmp(8, colors=GRAYS),
        "bmp gray too short": bmp(8, colors=GRAYS[:16], count=16),
        "bmp 4-bit": bmp(4, colors=COLORS[:16]),
        "bmp 1-bit": bmp(1, colors=GRAYS[[0, 255]]),
        "bmp 1-bit of two colors": bmp(1, colors=COLORS[:2]),
        "gif interlaced": encoded(palette, "GIF", interlace=1),
        "gif transparent": encoded(palette, "GIF", transparency=5),
        "gif animated": encoded(palette, "GIF", save_all=True, append_images=[noise()]),
        "jpeg progressive": encoded(noise(), "JPEG", progressive=True),
        "jpeg 4:4:4": encoded(noise(), "JPEG", subsampling=0),
        "jpeg gray": encoded(noise().convert("L"), "JPEG"),
        "jpeg cmyk": encoded(cmyk, "JPEG", quality=95),
        "jpeg and bytes behind": encoded(noise(), "JPEG") + b"more",
        "jpeg of several images": encoded(noise(), "MPO", save_all=True, append_images=[noise()]),
    }
    found["jpeg ycck"] = found["jpeg cmyk"].replace(b"Adobe\0d\0\0\0\0\0", b"Adobe\0d\0\0\0\0\2")
    return found


def _refused() -> dict[str, bytes]:
    gif = encoded(noise().quantize(64), "GIF")
    end_of_palette = 13 + 3 * 64
    runs = bytes([WIDTH, 3, 0, 0]) * HEIGHT + b"\0\1"
    black, other = GRAYS[[0, 255]], (0xFF, 0xFF00, 0xFF0000, 0xFF000000)
    return {
        "bmp run-length": bmp(8, compression=1, colors=COLORS, pixels=runs),
        "bmp 16-bit": bmp(16),
        "bmp 16-bit with masks": bmp(16, compression=3, masks=(0xF800, 0x7E0, 0x1F)),
        "bmp other masks": bmp(32, header=124, compression=3, masks=other),
        "bmp of OS/2": old_bmp(),
        "bmp 8-bit of two colors": bmp(8, colors=black, count=2, pixels=bytes(12 * HEIGHT)),
        "bmp without the last bytes": bmp(24)[:-1],
        "gif first frame too small": gif[:6] + struct.pack("<HH", WIDTH + 2, HEIGHT + 1) + gif[10:],
        "gif without colors": gif[:10] + b"\0" + gif[11:13] + gif[end_of_palette:],
        "png without end": encoded(noise())[:-12],
        "webp": encoded(noise(), "WEBP"),
        "tiff": encoded(noise(), "TIFF"),
    }  # fmt: skip


SERVED = _served()
"""Files that a servable reads."""
REFUSED = _refused()
"""Files that Pillow reads and a servable refuses."""
