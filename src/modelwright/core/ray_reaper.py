"""Ends what is left of a Ray cluster when the process that started it was killed.

Ray's processes end with that process by themselves, but some of its helpers take minutes. As a
program, ``python -m modelwright.core.ray_reaper FOLDER`` waits until its input ends. Then it kills
all processes that were started for the folder, and deletes it. Works on Linux; elsewhere it does
nothing.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "MODELWRIGHT_RAY_FOLDER"
"""The variable with the folder, in the environment of all processes of a cluster."""
_SECONDS = 10.0
_PROCESSES = Path("/proc")


@contextmanager
def reaped(folder: Path) -> Iterator[None]:
    """Watches over a cluster while the block runs, and ends its last processes after it."""
    if not (_PROCESSES / "self" / "environ").exists():
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C in a terminal does not reach it
    ) as process:
        try:
            yield
        finally:
            process.communicate()


def kill_marked(folder: Path) -> int:
    """Kills the processes that were started for a folder, and returns how many there were."""
    mark = f"{MARK}={folder}".encode()
    count = 0
    for entry in _PROCESSES.glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                count += 1
    return count


def _main(folder: Path) -> None:
    sys.stdin.buffer.read()
    deadline = time.monotonic() + _SECONDS
    while kill_marked(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
