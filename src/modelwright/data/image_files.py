"""Recognizes the format of an image file by its first bytes, and by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FORMATS: Mapping[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe", ".pjpeg", ".pjp"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "WebP": (".webp",),
    "TIFF": (".tif", ".tiff"),
}
"""The formats that can be read, each with the extensions of its files."""

IMAGE_EXTENSIONS = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

_STARTS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "Photoshop",
    b"%PDF-": "PDF",
}
_BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"), "HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
}
_LENGTH = 16


def format_of(data: bytes) -> str | None:
    """Returns the format that the first bytes of a file show; None if it is no image."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12])
    return next((name for start, name in _STARTS.items() if data.startswith(start)), None)


def misnamed(encoded: Path | bytes) -> str | None:
    """Returns why a file is not read although it is an image; None if it is none.

    Args:
        encoded: A file whose name is not that of an image that can be read.
    """
    try:
        data = encoded[:_LENGTH] if isinstance(encoded, bytes) else _first_bytes(encoded)
    except OSError:
        return None
    kind = format_of(data)
    if kind is None or kind in ("PDF", "BMP"):  # two letters are no proof
        return None
    if kind in FORMATS:
        return f"is a {kind} image under another name; rename it to {FORMATS[kind][0]}"
    return f"is a {kind} file, which is not read; save it as JPEG or PNG"


def other_format(name: str, data: bytes) -> str | None:
    """Returns the format of an image whose name promises another one."""
    kind = format_of(data)
    suffix = f".{name.rpartition('.')[2].lower()}"
    if kind is None or suffix not in IMAGE_EXTENSIONS or suffix in FORMATS.get(kind, (suffix,)):
        return None
    return kind


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LENGTH)
