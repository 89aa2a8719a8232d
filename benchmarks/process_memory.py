"""The memory of this process, in MiB. Exact on Linux alone."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def reset_peak() -> float:
    """Resets the peak on Linux, and returns the memory in use now, in MiB."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return peak_mib()
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)


def peak_mib() -> float:
    """Returns the peak of the resident memory in MiB: since ``reset_peak`` on Linux, else ever."""
    found = _status("VmHWM")
    if found is None:
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return found


def swapped_mib() -> float | None:
    """Returns the swapped memory in MiB, or None if the system does not say it."""
    return _status("VmSwap")


def _status(name: str) -> float | None:
    """Returns a size from Linux's status of this process, in MiB, or None."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith(f"{name}:")]
    return found[0] / 2**10 if found else None
