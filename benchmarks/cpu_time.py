"""The processor seconds of a process and all its children, those that have ended too."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_SECONDS = 0.2


def cpu_seconds(process: object) -> float:
    """Returns the seconds of a process of psutil and of its children, alive or waited for."""
    import psutil

    total = 0.0
    try:
        tree = [process, *process.children(recursive=True)]  # type: ignore[attr-defined]
    except psutil.Error:
        return total
    for one in tree:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def watch(
    command: list[str],
    environment: dict[str, str],
    log: Path,
    look: Callable[[float], None],
    limit: float | None = None,
) -> float:
    """Runs a command, calls ``look`` with its processor seconds again and again, and returns them.

    Args:
        command: the command.
        environment: its environment variables.
        log: the file that gets its output.
        look: called five times a second, and once at the end.
        limit: processor seconds after which the command and its children are killed.

    Raises:
        SystemExit: the command failed.
    """
    import psutil

    spent = 0.0
    with log.open("wb") as file:
        child = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        process = psutil.Process(child.pid)
        try:
            while child.poll() is None:
                # A process that ends between two looks takes its last seconds with it.
                spent = max(spent, cpu_seconds(process))
                look(spent)
                if limit is not None and spent >= limit:
                    return spent
                time.sleep(POLL_SECONDS)
            look(spent)
        finally:
            if child.poll() is None:
                _kill(process)
                child.wait()
    if child.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed:\n{log.read_text('utf-8')[-3000:]}")
    return spent


def _kill(process: object) -> None:
    import psutil

    for one in [*process.children(recursive=True), process]:  # type: ignore[attr-defined]
        try:
            one.kill()
        except psutil.Error:
            continue
