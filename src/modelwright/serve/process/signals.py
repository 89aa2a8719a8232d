"""The signals of a server: SIGTERM and Ctrl-C stop it, SIGHUP makes it read its files again.

SIGHUP also comes when the terminal closes that a server was started from. The server then stops.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_log = logging.getLogger("modelwright.serve")


@contextmanager
def ending_on_stop() -> Iterator[None]:
    """Lets SIGTERM end the process with 0 while it starts and has nothing to answer yet."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def handle_signals(stop: asyncio.Event, hang_up: Callable[[], None]) -> None:
    """Handles the signals of this process in the running event loop.

    Args:
        stop: set by SIGTERM and SIGINT, and by SIGHUP if the terminal is gone.
        hang_up: called at any other SIGHUP.
    """
    terminal = _is_terminal()

    def on_hang_up() -> None:
        if terminal and not _is_terminal():
            _log.info("the terminal was closed; the server stops")
            stop.set()
        else:
            hang_up()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, on_hang_up)


def end_process() -> NoReturn:
    """Ends the process with 0 at once, although threads of it still load a model."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def _end(number: int, frame: FrameType | None) -> None:
    os._exit(0)


def _is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False
