"""The body of a request: read within bounds of size, unpacked within the same."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from modelwright.serve.errors import Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = Iterable[tuple[bytes, bytes]]

_GZIP = 31
_PLAIN = ("", "identity")


class TooLarge(Refused):
    """A body over the limit; over HTTP it has a status of its own."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            "INVALID_ARGUMENT",
            f"The body is larger than {limit:,} bytes, which is what this server takes; send"
            " fewer rows at once.",
        )


class Gone(Exception):  # noqa: N818 - no fault of anyone here
    """The client went away before its body was there."""


async def read(headers: Headers, receive: Receive, limit: int) -> bytes:
    """The whole body, unpacked where it came packed with gzip.

    Args:
        headers: of the request, names in small letters.
        receive: ASGI's.
        limit: bytes that it may have, as it comes and unpacked.

    Raises:
        TooLarge: it has more.
        Refused: it is packed otherwise, or wrongly.
        Gone: the client is gone.
    """
    encoding = ""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise TooLarge(limit)
        if name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
    message = await receive()
    body = message.get("body", b"")
    if message["type"] != "http.request":
        raise Gone
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] != "http.request":
                raise Gone
            parts.append(message["body"])
            size += len(message["body"])
            if size > limit:
                raise TooLarge(limit)
        body = b"".join(parts)
    if len(body) > limit:
        raise TooLarge(limit)
    if encoding in _PLAIN:
        return bytes(body)
    if encoding not in ("gzip", "x-gzip"):
        raise Refused(
            "INVALID_ARGUMENT",
            f"The body has the content encoding '{encoding[:40]}'; expected gzip or none.",
        )
    return _unpack(body, limit)


def _unpack(packed: bytes, limit: int) -> bytes:
    """Unpack one gzip member, never more than the limit allows."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise Refused("INVALID_ARGUMENT", f"The body cannot be unpacked as gzip: {error}") from None
    if len(content) > limit:
        raise TooLarge(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise Refused(
            "INVALID_ARGUMENT", "The body is no whole gzip file: it is cut off, or more follows."
        )
    return content
