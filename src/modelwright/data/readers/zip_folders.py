"""Lists and unpacks the members of a zip file. Nothing is written to the disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected
from modelwright.data.readers.folder_walk import FoundFiles, Parts, is_hidden
from modelwright.data.readers.zip_names import member_names, open_zip

MAX_ZIP_BYTES = 8 * 2**30
"""A file that unpacks to more is rejected as a compression bomb."""


def unpack_zip(path: Path, encoding: str) -> tuple[FoundFiles, dict[Parts, bytes], list[str]]:
    """Returns the members of a zip file, their content, and notes about their names.

    Raises:
        DataError: The file is not a zip file, has a member outside its root, a link or a
            password, or unpacks to more than ``MAX_ZIP_BYTES``.
    """
    found = FoundFiles()
    content: dict[Parts, bytes] = {}
    with open_zip(path) as archive:
        names, notes = member_names(archive.infolist(), path.name, encoding)
        members = _members(archive, names, path.name, found)
        for parts, member in members.items():
            try:
                content[parts] = archive.read(member)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
                found.rejected.append(Rejected("/".join(parts), f"cannot be unpacked ({error})"))
    found.files += content
    return found, content, notes


def _members(
    archive: zipfile.ZipFile, names: list[str], zip_name: str, found: FoundFiles
) -> dict[Parts, zipfile.ZipInfo]:
    """Returns the members that are files and not hidden, after it checked all of them."""
    members: dict[Parts, zipfile.ZipInfo] = {}
    folders: set[Parts] = set()
    total = 0
    for member, name in zip(archive.infolist(), names, strict=True):
        path = PurePosixPath(name.replace("\\", "/"))
        _check_member(member, path, name, zip_name)
        hidden = next((at for at, part in enumerate(path.parts) if is_hidden(part)), None)
        if hidden is not None:
            if path.parts[: hidden + 1] not in found.hidden[-1:]:
                found.hidden.append(path.parts[: hidden + 1])
        elif member.is_dir():
            folders.add(path.parts)
        else:
            total += member.file_size
            if total > MAX_ZIP_BYTES:
                raise DataError(
                    f"{zip_name} unpacks to more than {MAX_ZIP_BYTES:,} bytes, which is taken for "
                    "a compression bomb; if it is not one, unpack it and give the folder"
                )
            if path.parts in members:
                found.rejected.append(
                    Rejected("/".join(path.parts), "is in the zip file twice; the last is read")
                )
            members[path.parts] = member
    full = {parts[:depth] for parts in [*members, *found.hidden] for depth in range(len(parts))}
    inner = {parts[:depth] for parts in folders for depth in range(len(parts))}
    found.empty += sorted(folders - full - inner)
    return members


def _check_member(member: zipfile.ZipInfo, path: PurePosixPath, name: str, zip_name: str) -> None:
    """Checks that a member can be unpacked.

    Raises:
        DataError: It lies outside the root, is a link, or has a password.
    """
    if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
        raise DataError(
            f"{zip_name} has the member '{name[:100]}', a path outside where it belongs; make the "
            "zip file anew from the folder"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(
            f"{zip_name} has the member '{name[:100]}', a link; links in a zip file are not read"
        )
    if member.flag_bits & 1:
        raise DataError(f"{zip_name} has a password; unpack it and give the folder")
