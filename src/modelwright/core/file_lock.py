"""A lock that one process holds on an open file. The system releases it when the process ends.

Windows has no such locks, and neither have some file systems; there every process gets one, and two
at once are the user's to avoid.
"""

from __future__ import annotations

import sys
from typing import IO


def try_lock(file: IO[bytes], *, shared: bool = False) -> bool:
    """Locks an open file until it is closed. Returns whether no other process holds it.

    Args:
        file: the file.
        shared: whether others may hold a shared lock at the same time.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks
    return True
