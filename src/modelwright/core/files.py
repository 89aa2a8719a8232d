"""Writes files atomically, and computes checksums of files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from modelwright.core.errors import write_error


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Lets ``write`` fill a temporary file, flushes it to the disk, and renames it to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with _naming(path):
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
    with _naming(path):
        _flush(temporary)
        temporary.replace(path)


def write_with_library(path: Path, write: Callable[[Path], object]) -> None:
    """Lets a library write a temporary file next to ``path``, and renames it to ``path``.

    HDF5 reports a full disk in words; here it is the error of the system that it was.
    """
    temporary = path.with_name(f".partial.{path.name}")
    try:
        write(temporary)
        move_into_place(temporary, path)
    except (OSError, RuntimeError, ValueError) as error:
        temporary.unlink(missing_ok=True)
        number = re.search(r"errno = (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path)) from None


def check_room(path: Path, size: int) -> None:
    """Checks that a file of ``size`` bytes can be written, before a library that cannot fail well.

    After a failed write, HDF5 prints tracebacks and may crash when the process ends.
    """
    if not hasattr(os, "posix_fallocate"):  # Windows
        return
    temporary = path.with_name(f".room.{path.name}")
    with _naming(path):
        try:
            with temporary.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, max(1, size))
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def explained_refusals(path: Path, advice: Callable[[], str] = str) -> Iterator[None]:
    """Turns the system's refusal to write a file into an error that says what to do.

    Args:
        path: what the block writes, if the system's error names no file.
        advice: returns more to do, as a sentence.

    Raises:
        WriteError: the disk is full, or the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        if (explained := write_error(error, path, advice())) is None:
            raise
        raise explained from None


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Names ``path`` in errors of the system, which often name no file or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename, error.filename2 = str(path), None
        raise


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
