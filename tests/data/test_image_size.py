"""The size in an image's header, read without decoding, agrees with Pillow's."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from modelwright.data.image_size import image_size, is_image_file


def saved(kind: str, size: tuple[int, int] = (37, 23), **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(file, kind, **options)
    return file.getvalue()


def exif() -> Image.Exif:
    data = Image.Exif()
    data[0x010F] = "maker" * 2000
    return data


FILES = {
    "png": saved("PNG"),
    "jpeg": saved("JPEG"),
    "progressive jpeg": saved("JPEG", progressive=True),
    "jpeg with exif": saved("JPEG", exif=exif(), comment=b"a comment"),
    "padded jpeg": saved("JPEG").replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1),
    "gif": saved("GIF"),
    "bmp": saved("BMP"),
    "tiff": saved("TIFF"),
    "webp": saved("WEBP"),
    "lossless webp": saved("WEBP", lossless=True),
    "webp with exif": saved("WEBP", exif=exif()),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_tells_its_size(name: str) -> None:
    assert is_image_file(FILES[name])
    assert image_size(FILES[name]) == (37, 23)


def test_an_image_of_a_phone_that_no_decoder_here_reads_is_an_image_without_a_size() -> None:
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    assert is_image_file(heic) and image_size(heic) is None


@pytest.mark.parametrize(
    "text", ["BMW builds cars", "GIF", "RIFF is a format", "II", "", "很好", "\x89PNG"], ids=repr
)
def test_a_text_is_no_image(text: str) -> None:
    assert not is_image_file(text.encode())
    assert image_size(text.encode()) is None


def test_a_header_is_enough_and_a_part_of_it_is_not() -> None:
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 30_000, 30_000)
    assert image_size(bomb) == (30_000, 30_000)
    for name, content in FILES.items():
        for length in range(0, min(len(content), 60)):
            assert image_size(content[:length]) in (None, (37, 23)), (name, length)
