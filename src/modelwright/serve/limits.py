"""The upper bounds of a server: sizes, counts and times."""

from __future__ import annotations

from dataclasses import dataclass, fields

from modelwright.core.errors import ConfigError
from modelwright.core.image_limits import MAX_PIXELS

LONGEST_SECONDS = 1e6
_MIB = 2**20
_MOST_BODY = 2**31 - 1
"""The largest message that gRPC can be told to take."""
_OPTIONS = {
    "body": "--max-body",
    "pending": "--max-pending",
    "rows": "--max-rows",
    "elements": "--max-elements",
    "text": "--max-text",
    "image": "--max-image",
    "pixels": "--max-pixels",
    "all_pixels": "--max-all-pixels",
    "header_seconds": "--header-timeout",
    "idle_seconds": "--idle-timeout",
    "seconds": "--timeout",
    "queue": "--queue",
}
"""The option of each limit that has one."""
EXPLAIN_OPTIONS = {
    "rows": "--explain-max-rows",
    "segments": "--explain-max-segments",
    "seconds": "--explain-timeout",
    "queue": "--explain-queue",
}
"""The option of each limit on explanations."""


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
    all_pixels: int = 8 * MAX_PIXELS
    """Width times height of all images of one request together, which decoding takes time for."""
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


@dataclass(frozen=True)
class ExplainLimits:
    """Upper bounds for requests that explain answers, which each worker takes one at a time."""

    rows: int = 8
    """Rows of one request."""
    segments: int = 2_000
    """Segments of one row: words of a text, cells of an image."""
    seconds: float = 10.0
    """Seconds for which the process that explains may work for one request."""
    queue: int = 8
    """Requests that may wait until that process is free."""


def check_explain_limits(explain: ExplainLimits, limits: RequestLimits) -> None:
    """Checks the bounds of explanations.

    Raises:
        ConfigError: one of them is not a bound that the server can keep.
    """
    for bound in fields(explain):
        value = getattr(explain, bound.name)
        if not value > 0:
            raise ConfigError(
                f"{EXPLAIN_OPTIONS[bound.name]} was given {value}; expected more than 0."
            )
    if explain.seconds > limits.seconds:
        raise ConfigError(
            f"--explain-timeout was given {explain.seconds:g}, which is more than --timeout"
            f" {limits.seconds:g}, the time for a whole request; expected at most as many seconds."
        )


def check_limits(limits: RequestLimits) -> None:
    """Checks that each limit is a bound that the server can keep.

    Raises:
        ConfigError: one of them is not.
    """
    for bound in fields(limits):
        value = getattr(limits, bound.name)
        option = _OPTIONS.get(bound.name)
        shown = f"the limit {bound.name}" if option is None else option
        # A value that is no number is not above 0 either.
        if value is not None and not value > 0:
            raise ConfigError(f"{shown} was given {value}; expected more than 0.")
        if isinstance(value, float) and value > LONGEST_SECONDS:
            raise ConfigError(
                f"{shown} was given {value:g}; expected at most {LONGEST_SECONDS:,.0f} seconds."
            )
    if limits.body > _MOST_BODY:
        raise ConfigError(
            f"--max-body was given {limits.body / _MIB:g}; expected less than 2048, in MiB, which"
            " is what gRPC takes."
        )
    if limits.pixels > MAX_PIXELS:
        raise ConfigError(
            f"--max-pixels was given {limits.pixels / 1e6:g}; expected at most"
            f" {MAX_PIXELS / 1e6:g}, in megapixels, which is what the decoder takes."
        )
    if limits.all_pixels < limits.pixels:
        raise ConfigError(
            f"--max-all-pixels {limits.all_pixels / 1e6:g} is less than --max-pixels"
            f" {limits.pixels / 1e6:g}, so the largest image could never be sent; expected at"
            " least as many megapixels."
        )
    if limits.pending_bytes < limits.body:
        raise ConfigError(
            f"--max-pending {limits.pending_bytes / _MIB:g} is less than --max-body"
            f" {limits.body / _MIB:g}, so the largest request could never be held; expected at"
            " least as many MiB."
        )
