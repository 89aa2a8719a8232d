"""A stop signal that reaches the first process of a container while it is still starting.

The kernel drops a signal for process 1 that the process does not handle. ``docker stop`` and
Kubernetes would then wait in vain, and kill it after their grace period.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

_STOPPED = 128 + signal.SIGTERM


def end_first_process_on_stop() -> None:
    """Lets SIGTERM end this process if it is process 1, until a command handles the signal."""
    if os.getpid() != 1 or threading.current_thread() is not threading.main_thread():
        return
    # A server that has accepted nothing yet stops as one that has answered everything.
    code = 0 if sys.argv[1:2] == ["serve"] else _STOPPED
    signal.signal(signal.SIGTERM, lambda *_: os._exit(code))
