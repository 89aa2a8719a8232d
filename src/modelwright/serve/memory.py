"""Settings of the C library and of Python that keep a server's memory small.

By default glibc has a heap for each thread and keeps freed memory in it. A server that loads and
unloads versions would hold far more memory than its models need. Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD = -1
_ARENA_MAX = -8
_RETAINED = 128 * 2**10


def configure_allocator() -> None:
    """Uses one heap, and returns freed memory at once (``man 3 mallopt``)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_TRIM_THRESHOLD, _RETAINED)


def freeze_garbage_collector() -> None:
    """Excludes all present objects from garbage collection, so that it takes less time."""
    gc.collect()
    gc.freeze()


def release_free_memory() -> None:
    """Returns freed memory to the system."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
