"""The command in a process that another one started: ``modelwright train`` for one rank.

It ends when the process that started it has ended. What C++ code writes to the terminal goes to a
file, so that standard output holds the report alone.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TextIO

from modelwright.training.cluster_launcher import NOISE

_POLL_SECONDS = 0.5


def main() -> None:
    """Runs the command of this process's arguments."""
    watch_parent()
    if file := os.environ.get(NOISE):
        separate_noise(file)
    from modelwright.cli.main import main as run_command

    run_command()


def watch_parent() -> None:
    """Starts a thread that ends this process when its parent has ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_POLL_SECONDS)
        os._exit(1)  # what runs in C++ would not let the process end in order

    threading.Thread(target=watch, daemon=True).start()


def separate_noise(file: str) -> None:
    """Sends what is written to the file descriptors 1 and 2 to a file; Python's output stays."""
    sys.stdout, sys.stderr = _on_other_descriptor(sys.stdout), _on_other_descriptor(sys.stderr)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(descriptor, number)
    os.close(descriptor)


def _on_other_descriptor(stream: TextIO) -> TextIO:
    stream.flush()
    # It stays open as long as the process.
    descriptor = os.dup(stream.fileno())
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors=stream.errors, buffering=1)


if __name__ == "__main__":
    main()
