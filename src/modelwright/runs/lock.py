"""The lock of a run that is being trained.

It is held on the run's config file, so it adds no file. Windows has no such locks; there a run
whose status is running counts as being trained.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import RunError
from modelwright.core.file_lock import try_lock

CONFIG = "config.toml"


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Marks a run as being trained while the block runs.

    Raises:
        RunError: another process trains it.
    """
    if sys.platform == "win32":  # an open file could not be replaced or removed there
        yield
        return
    with (path / CONFIG).open("r+b") as file:
        if not try_lock(file):
            raise RunError(
                f"the run {path} is being trained by another process; wait for its end, or stop it"
                " first."
            )
        yield


def is_locked(path: Path) -> bool:
    """Returns whether a process trains a run, as far as this machine can tell."""
    if sys.platform == "win32":
        return True
    try:
        with (path / CONFIG).open("rb") as file:
            return not try_lock(file, shared=True)
    except OSError:
        return False
