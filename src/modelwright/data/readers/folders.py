"""Reads a folder per class, with images or ``.txt`` files, on the disk or inside a zip file.

    root/[train|val|valid|validation|test/]CLASS/any/depth/file

The rows follow from the names alone; images are decoded later. Nothing outside the root is read,
and nothing is unpacked to the disk.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, SplitName
from modelwright.data.images import IMAGE_EXTENSIONS
from modelwright.data.readers.encodings import decode_text
from modelwright.data.records import Column, Encoded, Records

SPLIT_NAMES: dict[str, SplitName] = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}
MAX_ZIP_BYTES = 8 * 2**30
"""A file that unpacks to more is rejected as a compression bomb."""

Parts = tuple[str, ...]
"""A file's path below the root, folder by folder."""


def read_folder(root: Path, encoding: str = "auto") -> Records:
    """Returns the images of a folder per class, or its ``.txt`` files if it has no images.

    Links to files are followed if they stay inside ``root``. Links to folders are not followed.

    Raises:
        DataError: The folder holds no classes with such files.
    """
    rejected: list[Rejected] = []
    files = list(_walk(root, (), root.resolve(), rejected))
    return _records(files, lambda parts: root.joinpath(*parts), str(root), encoding, rejected)


def read_zip(path: Path, encoding: str = "auto") -> Records:
    """Returns the same as ``read_folder`` for a zip file, without folders around all files.

    Raises:
        DataError: The file is not a zip file, has a member outside its root, a link or a
            password, or unpacks to more than ``MAX_ZIP_BYTES``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path.name)
            rejected: list[Rejected] = []
            content: dict[Parts, Encoded] = {}
            for parts, member in members.items():
                try:
                    content[parts] = archive.read(member)
                except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
                    rejected.append(Rejected("/".join(parts), f"cannot be unpacked ({error})"))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path.name} is not a readable zip file ({error})") from None
    depth = _outer_folders(list(content))
    return _records(
        [parts[depth:] for parts in content],
        {parts[depth:]: data for parts, data in content.items()}.__getitem__,
        str(path),
        encoding,
        rejected,
    )


def _walk(folder: Path, below: Parts, root: Path, rejected: list[Rejected]) -> Iterator[Parts]:
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        parts = (*below, entry.name)
        if _hidden(entry.name):
            continue
        if entry.is_symlink():
            target = Path(entry.path).resolve()
            if not target.is_relative_to(root):
                rejected.append(Rejected("/".join(parts), "is a link that leaves the folder"))
                continue
            if target.is_dir():
                rejected.append(Rejected("/".join(parts), "is a link to a folder"))
                continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), parts, root, rejected)
        elif entry.is_file():
            yield parts


def _members(archive: zipfile.ZipFile, name: str) -> dict[Parts, zipfile.ZipInfo]:
    members: dict[Parts, zipfile.ZipInfo] = {}
    total = 0
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in (path.parts or ("",))[0]:
            raise DataError(
                f"{name} has the member '{member.filename[:100]}', a path outside where it "
                "belongs; make the zip file anew from the folder"
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(
                f"{name} has the member '{member.filename[:100]}', a link; links in a zip file "
                "are not read"
            )
        if member.flag_bits & 1:
            raise DataError(f"{name} has a password; unpack it and give the folder")
        if member.is_dir() or any(_hidden(part) for part in path.parts):
            continue
        total += member.file_size
        if total > MAX_ZIP_BYTES:
            raise DataError(
                f"{name} unpacks to more than {MAX_ZIP_BYTES:,} bytes, which is taken for a "
                "compression bomb; if it is not one, unpack it and give the folder"
            )
        members[path.parts] = member
    return members


def _outer_folders(files: Sequence[Parts]) -> int:
    """Returns how many outer folders hold all files and are neither a class nor a split."""
    depth = 0
    while (
        files
        and all(len(parts) > depth + 2 for parts in files)
        and len({parts[depth] for parts in files}) == 1
        and files[0][depth].lower() not in SPLIT_NAMES
    ):
        depth += 1
    return depth


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _records(
    files: list[Parts],
    content: Callable[[Parts], Encoded],
    source: str,
    encoding: str,
    rejected: list[Rejected],
) -> Records:
    has_images = any(_suffix(parts) in IMAGE_EXTENSIONS for parts in files)
    above = 2 if _has_splits(files) else 1
    rows = _rows(files, has_images, above, rejected)
    if not rows:
        raise DataError(
            f"{source} holds no folder of a class with images "
            f"({', '.join(sorted(IMAGE_EXTENSIONS))}) or .txt files; expected {Path(source).name}/"
            "CLASS/image.png, with train/, val/ and test/ above the classes if you like"
        )
    values: Column = [content(parts) for parts in rows]
    if not has_images:
        texts = [
            _text(encoded, encoding, "/".join(parts))
            for encoded, parts in zip(values, rows, strict=True)
        ]
        rejected += [text for text in texts if isinstance(text, Rejected)]
        rows = [row for row, text in zip(rows, texts, strict=True) if isinstance(text, str)]
        values = [text for text in texts if isinstance(text, str)]
    origins = ["/".join(parts) for parts in rows]
    splits: list[SplitName | None] = [SPLIT_NAMES[parts[0].lower()] for parts in rows if above == 2]
    return Records(
        task="image" if has_images else "text",
        values=values,
        labels=[parts[above - 1] for parts in rows],
        splits=splits if above == 2 else None,
        origin=origins.__getitem__,
        source=source,
        rejected=tuple(rejected),
    )


def _rows(
    files: list[Parts], has_images: bool, above: int, rejected: list[Rejected]
) -> list[Parts]:
    """Returns the files that are rows, and rejects the others.

    Args:
        files: All files.
        has_images: Whether the rows are images; otherwise they are ``.txt`` files.
        above: Number of folders above the files: the class, and possibly the split.
        rejected: Receives the other files.
    """
    wanted = IMAGE_EXTENSIONS if has_images else {".txt"}
    rows: list[Parts] = []
    for parts in files:
        if _suffix(parts) not in wanted:
            kind = "an image" if has_images else "a text (.txt)"
            rejected.append(Rejected("/".join(parts), f"is not {kind} file"))
        elif len(parts) <= above:
            rejected.append(Rejected("/".join(parts), "lies in no folder of a class"))
        else:
            rows.append(parts)
    return rows


def _has_splits(files: Sequence[Parts]) -> bool:
    """Returns whether all first folders are named after splits and have classes below them."""
    first = {parts[0].lower() for parts in files if len(parts) > 1}
    deep = {parts[0].lower() for parts in files if len(parts) > 2}
    return bool(first) and first == deep and first <= set(SPLIT_NAMES)


def _text(encoded: Encoded, encoding: str, origin: str) -> str | Rejected:
    try:
        data = encoded if isinstance(encoded, bytes) else encoded.read_bytes()
        return decode_text(data, encoding, origin)
    except OSError as error:
        return Rejected(origin, f"cannot be read ({error.strerror})")
    except DataError as error:
        return Rejected(origin, str(error).removeprefix(f"{origin} "))


def _suffix(parts: Parts) -> str:
    return os.path.splitext(parts[-1])[1].lower()  # noqa: PTH122 - Path is 10 times slower
