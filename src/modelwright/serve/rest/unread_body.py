"""Throws away the rest of a body that nobody reads, within bounds on its bytes and seconds.

If a connection is closed while bytes wait unread, the system resets it, and the client may lose the
answer that says why. So the connection reads on until the body ends or a bound is reached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from modelwright.serve.config import RequestLimits

_LEAST_BYTES = 256 * 2**20
_LARGEST_BODIES = 4
_PAUSE_SECONDS = 5.0


class UnreadBody:
    """The rest of one body after its answer."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: RequestLimits, end: Callable[[], None]
    ) -> None:
        """Starts to count.

        Args:
            loop: the event loop of the connection.
            limits: the time limit of a request is also the limit of what follows its answer.
            end: called when there are too many bytes, or when they take too long.
        """
        self._loop, self._end = loop, end
        self._left = max(_LARGEST_BODIES * limits.body, _LEAST_BYTES)
        self._pause = min(_PAUSE_SECONDS, limits.seconds)
        self._last = loop.time()
        self._deadline = self._last + limits.seconds
        self._timer = loop.call_later(self._pause, self._check)

    def add(self, size: int) -> None:
        """Counts bytes that were thrown away."""
        self._left -= size
        self._last = self._loop.time()
        if self._left < 0:
            self.stop()
            self._end()

    def shorten(self, seconds: float) -> None:
        """Ends it after that many seconds at the latest."""
        self._deadline = min(self._deadline, self._loop.time() + seconds)
        self._timer.cancel()
        self._wait()

    def stop(self) -> None:
        """Ends the count: the body ended, or the connection was closed."""
        self._timer.cancel()

    def _wait(self) -> None:
        due = min(self._deadline, self._last + self._pause)
        self._timer = self._loop.call_at(due, self._check)

    def _check(self) -> None:
        if self._loop.time() >= min(self._deadline, self._last + self._pause):
            self._end()
        else:
            self._wait()
