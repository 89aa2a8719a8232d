"""The upper bounds of a server: sizes, counts and times."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.image_limits import MAX_PIXELS


@dataclass(frozen=True)
class RequestLimits:
    """Upper bounds for one request, one connection and one worker."""

    body: int = 32 * 2**20
    """Bytes of a request's body, both packed and unpacked, and of a gRPC message."""
    pending: int | None = None
    """Bytes of all bodies that one worker holds at a time; None for sixteen of the largest."""
    depth: int = 64
    """Levels of nesting in JSON."""
    rows: int = 1024
    """Rows of one request."""
    elements: int = 2**22
    """Values in all tensors of one request."""
    text: int = 2**20
    """Bytes of one text, or of another string of bytes that is no image file."""
    image: int = 20 * 2**20
    """Bytes of one image file; in JSON, base64 makes a third more of them."""
    pixels: int = MAX_PIXELS
    """Width times height of one image."""
    header: int = 64 * 2**10
    """Bytes of a request line and its headers."""
    header_seconds: float = 10.0
    """Seconds until all headers have arrived."""
    idle_seconds: float | None = None
    """Seconds until an idle connection is closed; None for as many as ``header_seconds``."""
    seconds: float = 30.0
    """Seconds from a request's headers to its answer, including its body and the queue."""
    connections: int = 1024
    queue: int = 256
    """Requests of one version that may wait for a thread."""

    @property
    def pending_bytes(self) -> int:
        """The limit on all bodies, derived from ``body`` if none is set."""
        return 16 * self.body if self.pending is None else self.pending

    @property
    def idle(self) -> float:
        """The seconds until an idle connection is closed."""
        return self.header_seconds if self.idle_seconds is None else self.idle_seconds
