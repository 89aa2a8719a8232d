"""The temporary folder of a Ray cluster: one for each, with a short path, deleted at the end.

Two clusters break each other in a shared folder. A process that is killed leaves its folder; the
next one finds that nobody holds its lock, and deletes it.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PREFIX = "mw-ray-"
_LONGEST = 20
"""Characters of the parent's path. Ray makes sockets below it, whose paths have 107 at most."""

_SECONDS_TO_DELETE = 10.0


@contextmanager
def ray_folder() -> Iterator[Path]:
    """Yields a new folder with a short path. Deletes those that killed processes left."""
    parent = tempfile.gettempdir()
    if len(parent) > _LONGEST and sys.platform != "win32":
        parent = "/tmp"  # noqa: S108 - mkdtemp makes a folder of our own in it
    _delete_abandoned(Path(parent))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / "lock").open("wb") as lock:
        _try_lock(lock)
        try:
            yield folder
        finally:
            _delete(folder)


def _delete(folder: Path) -> None:
    """Deletes a folder in which processes that are just ending may still write."""
    deadline = time.monotonic() + _SECONDS_TO_DELETE
    shutil.rmtree(folder, ignore_errors=True)
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
        shutil.rmtree(folder, ignore_errors=True)


def _delete_abandoned(parent: Path) -> None:
    """Deletes folders of this user whose process does not hold their lock any more."""
    for lock in parent.glob(f"{PREFIX}*/lock"):
        try:
            if hasattr(os, "getuid") and lock.stat().st_uid != os.getuid():
                continue
            with lock.open("r+b") as file:
                abandoned = _try_lock(file)
            if abandoned:
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue


def _try_lock(file: Any) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
