"""Reads files that are packed with gzip, bzip2 or xz, and tables inside a zip file, in memory.

A file that unpacks to far more than its size is refused as a compression bomb.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, Any

from modelwright.core.errors import DataError
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.data.readers.zip_names import member_names, open_zip

PACKED: dict[str, Callable[[Any], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
}
"""Extensions of packed files, with what opens them."""

_ALWAYS_ALLOWED = 256 * 2**20
_LARGEST_RATIO = 200
"""Text shrinks to a tenth; only invented data to a two-hundredth."""


def read_packed(path: Path) -> bytes:
    """Returns the bytes of a file, unpacked if its extension is one of ``PACKED``.

    Raises:
        DataError: The file cannot be unpacked, or unpacks to far more than its size.
        OSError: The file cannot be read.
    """
    opener = PACKED.get(path.suffix.lower())
    if opener is None:
        return path.read_bytes()
    try:
        with opener(path) as file:
            return _read(file, path.stat().st_size, path.name)
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError, ValueError) as error:
        raise _not_unpacked(path, error) from None
    except OSError as error:
        if error.errno is not None:
            raise
        raise _not_unpacked(path, error) from None  # bz2 has no error of its own


def members_of(path: Path, encoding: str = "auto") -> dict[str, str]:
    """Returns the files in a zip file, without hidden ones and folders.

    Args:
        path: The zip file.
        encoding: Encoding of names that are not marked as UTF-8, or auto.

    Returns:
        The name in the file of each name as a person reads it.

    Raises:
        DataError: The file is not a zip file.
    """
    with open_zip(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
    names, _ = member_names(members, path.name, encoding)
    return {
        name: member.filename
        for name, member in zip(names, members, strict=True)
        if not any(map(is_hidden, PurePosixPath(name.replace("\\", "/")).parts))
    }


def read_member(path: Path, name: str) -> bytes:
    """Returns the bytes of one file in a zip file, by its name there, unpacked.

    Raises:
        DataError: It has a password, cannot be unpacked, or unpacks to far more than its size.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo(name)
            if member.flag_bits & 1:
                raise DataError(f"{path.name} has a password; unpack it and give the file")
            shown = f"{name[:100]} in {path.name}"
            with archive.open(member) as file:
                data = _read(file, member.compress_size, shown)
        opener = PACKED.get(PurePosixPath(name).suffix.lower())
        if opener is None:
            return data
        with opener(io.BytesIO(data)) as file:
            return _read(file, len(data), shown)
    except (
        zipfile.BadZipFile,
        lzma.LZMAError,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
    ) as error:
        raise DataError(f"{name[:100]} in {path.name} cannot be unpacked ({error})") from None


def _read(file: IO[bytes], size: int, name: str) -> bytes:
    most = max(_ALWAYS_ALLOWED, _LARGEST_RATIO * size)
    data = file.read(most + 1)
    if len(data) > most:
        raise DataError(
            f"{name} unpacks to more than {most:,} bytes, {_LARGEST_RATIO} times its size, which "
            "is taken for a compression bomb; if it is not one, unpack it and give the file"
        )
    return data


def _not_unpacked(path: Path, error: Exception) -> DataError:
    return DataError(f"{path.name} cannot be unpacked ({error}); the file may be damaged")
