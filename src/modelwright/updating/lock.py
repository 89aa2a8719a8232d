"""The lock of a model that is being updated. The system releases it when the process ends.

Windows has no such locks; there two updates at once are the user's to avoid.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import ServableError

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
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (memory / LOCK).open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServableError(
                f"{memory.parent} is being updated by another process; wait for its end, then start"
                " this update again: it learns from the version that is live then."
            ) from None
        except OSError:
            pass  # a file system without locks
        yield
