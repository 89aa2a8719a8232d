"""Ctrl-C between two steps, where a training can be left cleanly, rather than inside one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferred_interrupt() -> Iterator[Callable[[], None]]:
    """Remember the first Ctrl-C; what is yielded raises KeyboardInterrupt once there was one.

    TensorFlow runs Python code in places that swallow an exception, so one that arrives there
    would be lost. A second Ctrl-C interrupts at once. Outside the main thread, where Python
    handles no signals, nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def check() -> None:
        if asked:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
