"""Files by name, in a folder or in an archive that is never unpacked to the disk.

Members are read into memory by exact name, up to a limit. Nothing is extracted to the disk, so the
path, link or mode of a member has no effect. The content of the files is not interpreted.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol

from modelwright.core.errors import DataError

MEMORY_LIMIT = 2**30
"""Bytes of members, in all, that one archive may unpack to."""


class Files(Protocol):
    """Files by name. Names have forward slashes."""

    def open(self, name: str) -> BinaryIO | None:
        """Returns the open file of that name, or None. The caller closes it."""

    def names(self, folder: str) -> list[str]:
        """Returns the sorted names of the files directly in a folder, with the folder's name."""


class FolderFiles:
    """Files in a folder on the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, name: str) -> BinaryIO | None:
        path = self.folder / name
        return path.open("rb") if path.is_file() else None

    def names(self, folder: str) -> list[str]:
        path = self.folder / folder
        if not path.is_dir():
            return []
        return sorted(f"{folder}/{child.name}" for child in path.iterdir() if child.is_file())


class MemoryFiles:
    """Files in memory, read from an archive."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def open(self, name: str) -> BinaryIO | None:
        return io.BytesIO(self.files[name]) if name in self.files else None

    def names(self, folder: str) -> list[str]:
        return sorted(name for name in self.files if name.rpartition("/")[0] == folder)


def read_archive(
    path: Path, wanted: Callable[[str], bool], *, limit: int = MEMORY_LIMIT
) -> MemoryFiles:
    """Returns the regular members of a tar or zip archive whose full name is ``wanted``.

    Raises:
        DataError: The file is not such an archive, is damaged, or unpacks to more than ``limit``
            bytes.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_zip(path, wanted, limit)
        return _read_tar(path, wanted, limit)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(
            f"{path.name} cannot be read as a tar or zip archive ({error}); remove it and fetch it "
            "again."
        ) from error


def _read_zip(path: Path, wanted: Callable[[str], bool], limit: int) -> MemoryFiles:
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir() and wanted(member.filename):
                with archive.open(member) as file:
                    files[member.filename] = _bounded(file.read, path, limit)
                limit -= len(files[member.filename])
    return MemoryFiles(files)


def _read_tar(path: Path, wanted: Callable[[str], bool], limit: int) -> MemoryFiles:
    files: dict[str, bytes] = {}
    with tarfile.open(path, "r|*") as archive:  # a stream: one pass, however many members
        for member in archive:
            if member.isfile() and wanted(member.name):
                file = archive.extractfile(member)
                if file is not None:
                    files[member.name] = _bounded(file.read, path, limit)
                    limit -= len(files[member.name])
    return MemoryFiles(files)


def _bounded(read: Callable[[int], bytes], path: Path, limit: int) -> bytes:
    # Read one byte more than allowed: the size in a member's header may be false.
    content = read(limit + 1)
    if len(content) > limit:
        raise DataError(
            f"{path.name} unpacks to more than the {MEMORY_LIMIT // 2**20} MiB that are allowed; "
            "it is not the archive that its name says."
        )
    return content
