"""Writes files atomically, and computes checksums of files."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Lets ``write`` fill a temporary file, flushes it to the disk, and renames it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def move_into_place(temporary: Path, path: Path) -> None:
    """Flushes a file that a library wrote to the disk, and renames it to ``path``."""
    _flush(temporary)
    temporary.replace(path)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes ``content`` atomically."""
    write_atomic(path, lambda file: file.write(content))


def write_text(path: Path, content: str) -> None:
    """Writes ``content`` as UTF-8, atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes ``value`` as indented UTF-8 JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yields a temporary folder that is renamed to ``path`` if the block succeeds.

    The rename fails if ``path`` already exists, so nothing is ever overwritten.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name has letters: TensorFlow Serving only loads folders whose name is a number.
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.partial-"))
    try:
        yield temporary
        temporary.chmod(0o755)
        for file in temporary.rglob("*"):
            if file.is_file():
                _flush(file)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def sha256_file(path: Path) -> str:
    """Returns the hexadecimal sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(folder: Path, *, leave_out: tuple[str, ...] = ()) -> dict[str, str]:
    """Returns the sha256 of every file in ``folder``, by its path with forward slashes."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name not in leave_out:
            digests[name] = sha256_file(path)
    return digests


def changed_files(folder: Path, expected: Mapping[str, str]) -> list[str]:
    """Returns one line for each file that is missing or has another sha256 than expected."""
    problems = []
    for name, digest in expected.items():
        path = folder / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            problems.append(f"{name} points outside the folder")
        elif not path.is_file():
            problems.append(f"{name} is missing")
        elif sha256_file(path) != digest:
            problems.append(f"{name} has changed")
    return problems


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
