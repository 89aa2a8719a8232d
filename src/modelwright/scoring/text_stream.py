"""Reads a text file of any size in blocks: uncompressed, decoded, as UTF-8.

Bytes that the codec cannot decode are marked, so that only their rows are rejected. A file whose
first block is mostly in another codec is an error at once.
"""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from modelwright.core.errors import DataError
from modelwright.data.readers.encodings import find_codec, not_utf8

BLOCK = 2**18
"""Larger ones would leave holes in the memory that the allocator never gives back."""
REPLACED = "\ufffd\ufdd0\ufdd1"
"""Stands for bytes that cannot be decoded. The last two code points are never characters."""
MARK = "\ufdd0\ufdd1"
MARK_BYTES = MARK.encode()
_HANDLER = "modelwright.mark"


class TextStream:
    """One pass over a file, and how far it is."""

    def __init__(self, path: Path, encoding: str = "auto") -> None:
        """Takes a file, which may be compressed with gzip, and a codec or ``auto``."""
        self._path = path
        self._encoding = encoding
        self._size = max(path.stat().st_size, 1)
        self.fraction = 0.0
        """The part of the file that has been read, from 0 to 1."""

    def blocks(self) -> Iterator[bytes]:
        """Yields the text in blocks of UTF-8, without a byte order mark.

        Raises:
            ConfigError: The codec is unknown.
            DataError: The file is in another codec, or damaged.
        """
        codecs.register_error(_HANDLER, _mark)
        with self._path.open("rb") as raw:
            packed = self._path.suffix.lower() == ".gz"
            content = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
            decoder: codecs.IncrementalDecoder | None = None
            while True:
                try:
                    data = content.read(BLOCK)
                except (EOFError, gzip.BadGzipFile, OSError) as error:
                    raise DataError(f"{self._path.name} cannot be read ({error})") from None
                first = decoder is None
                if decoder is None:
                    codec = find_codec(data, self._encoding, self._path.name)
                    decoder = codecs.getincrementaldecoder(codec)(_HANDLER)
                text = decoder.decode(data, not data)
                if first:
                    text = text.removeprefix("\ufeff")
                    check_codec(text, data, self._encoding, self._path.name)
                self.fraction = raw.tell() / self._size
                if text:
                    yield text.encode("utf-8", "replace")
                if not data:
                    return


def check_codec(text: str, data: bytes, encoding: str, name: str) -> None:
    """Refuses a codec that cannot decode most of the lines that are not plain ASCII.

    Args:
        text: The decoded start of a file, with marks.
        data: Its bytes.
        encoding: The codec that the user named, or ``auto``.
        name: The file, for messages.

    Raises:
        DataError: See above.
    """
    if MARK not in text:
        return
    lines = [line for line in text.split("\n") if not line.isascii()]
    marked = sum(MARK in line for line in lines)
    if marked * 2 <= len(lines):
        return
    if encoding == "auto":
        raise not_utf8(data, name)
    raise DataError(
        f"{name} is not {encoding}: {marked:,} of its first {len(lines):,} lines that are not "
        "ASCII cannot be decoded; give the file's own codec as --encoding (data.encoding)"
    )


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return REPLACED, error.end
