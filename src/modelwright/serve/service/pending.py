"""Bounds the bytes of all request bodies that one worker holds at a time.

A bound on each request is not enough: many large requests that wait for a model add up.
"""

from __future__ import annotations

from modelwright.serve.errors import Refused


class Pending:
    """The bytes that a worker holds, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def lease(self) -> Lease:
        """Returns a context for the body of one request, which it gives back at its end."""
        return Lease(self)


class Lease:
    """The bytes of one request."""

    __slots__ = ("_pending", "_taken")

    def __init__(self, pending: Pending) -> None:
        self._pending = pending
        self._taken = 0

    def __enter__(self) -> Lease:
        return self

    def __exit__(self, *_: object) -> None:
        self._pending.held -= self._taken
        self._taken = 0

    def take(self, size: int) -> None:
        """Counts more bytes.

        Raises:
            Refused: the worker holds too many already.
        """
        pending = self._pending
        pending.held += size
        self._taken += size
        if pending.held > pending.limit:
            raise Refused(
                "UNAVAILABLE",
                f"The requests in progress have more than {pending.limit:,} bytes, which is what"
                " this server holds at a time (--max-pending); try again later.",
                retry_after=1.0,
            )
