"""How memory is given back: by the C library at once and from one heap.

By default glibc keeps a heap for each thread and what was freed in it, so that a server whose
versions come and go holds far more than its models take. Elsewhere nothing is changed.
"""

from __future__ import annotations

import ctypes
import gc

_TRIM_THRESHOLD = -1
_ARENA_MAX = -8
_KEPT = 128 * 2**10


def settle() -> None:
    """Set both for this process (https://man7.org/linux/man-pages/man3/mallopt.3.html)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_TRIM_THRESHOLD, _KEPT)


def keep() -> None:
    """Have the collector leave alone what is there now: it need not look at it again and again."""
    gc.collect()
    gc.freeze()


def trim() -> None:
    """Give back what is free."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(0)
