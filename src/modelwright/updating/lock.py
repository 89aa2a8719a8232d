"""The lock of a model that is being updated."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from modelwright.core.errors import ServableError
from modelwright.core.file_lock import try_lock

LOCK = "lock"


@contextmanager
def lock_updates(memory: Path) -> Iterator[None]:
    """Marks a model as being updated while the block runs.

    Args:
        memory: the folder of the model's memory; made if it is missing.

    Raises:
        ServableError: another process updates the model.
    """
    memory.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold users' rows
    if sys.platform == "win32":  # an open file could not be replaced or removed there
        yield
        return
    while True:
        with (memory / LOCK).open("a+b") as file:
            if not try_lock(file):
                raise ServableError(
                    f"{memory.parent} is being updated by another process; wait for its end, then"
                    " start this update again: it learns from the version that is live then."
                )
            if _is_in_place(file, memory / LOCK):
                yield
                return
        memory.mkdir(mode=0o700, parents=True, exist_ok=True)


def remove_unused(memory: Path) -> None:
    """Removes the folder of a memory with nothing in it but the lock, which this process holds."""
    if memory.is_dir() and {one.name for one in memory.iterdir()} <= {LOCK}:
        (memory / LOCK).unlink(missing_ok=True)
        with suppress(OSError):  # another process has begun
            memory.rmdir()


def _is_in_place(file: IO[bytes], path: Path) -> bool:
    """Returns whether a locked file still has its name: an update that ends removes an unused one.

    A lock on a file without a name would keep nobody out.
    """
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
