"""The lock of a run that is being trained. The system releases it when the process ends.

It is held on the run's config file, so it adds no file. Windows has no such locks; there a run
whose status is running counts as being trained.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import RunError

CONFIG = "config.toml"


@contextmanager
def lock_run(path: Path) -> Iterator[None]:
    """Marks a run as being trained while the block runs.

    Raises:
        RunError: another process trains it.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (path / CONFIG).open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"the run {path} is being trained by another process; wait for its end, or stop it"
                " first."
            ) from None
        except OSError:
            pass  # a file system without locks
        yield


def is_locked(path: Path) -> bool:
    """Returns whether a process trains a run, as far as this machine can tell."""
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        with (path / CONFIG).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
