"""Reads and unpacks the body of a request, within a limit on its size."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from modelwright.serve.errors import Refused

Receive = Callable[[], Awaitable[dict[str, Any]]]
Headers = Iterable[tuple[bytes, bytes]]

_GZIP = 31
_PLAIN = ("", "identity")


def _count_nothing(size: int) -> None:
    """Counts no bytes."""


class BodyTooLarge(Refused):
    """A body over the limit, which HTTP answers with a status of its own."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            "INVALID_ARGUMENT",
            f"The body is larger than {limit:,} bytes, which is what this server takes"
            " (--max-body); send fewer rows at once, or smaller images.",
        )


class ClientGone(Exception):  # noqa: N818 - it is no error of the server
    """The client closed the connection before its whole body had arrived."""


async def read_body(
    headers: Headers, receive: Receive, limit: int, take: Callable[[int], None] = _count_nothing
) -> bytes:
    """Returns the whole body, unpacked if it is packed with gzip.

    Args:
        headers: of the request, names in small letters.
        receive: ASGI's callable.
        limit: most bytes of the body, both packed and unpacked.
        take: counts bytes that are now in memory, and refuses a request if they are too many.

    Raises:
        BodyTooLarge: the body has more bytes.
        Refused: the body has another encoding, or is no valid gzip file.
        ClientGone: the client closed the connection.
    """
    encoding = _encoding(headers, limit)
    message = await receive()
    body = message.get("body", b"")
    if message["type"] != "http.request":
        raise ClientGone
    if message.get("more_body"):
        parts, size = [body], len(body)
        take(size)
        while message.get("more_body"):
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone
            parts.append(message["body"])
            size += len(message["body"])
            if size > limit:
                raise BodyTooLarge(limit)
            take(len(message["body"]))
        body = b"".join(parts)
    else:
        take(len(body))
    if len(body) > limit:
        raise BodyTooLarge(limit)
    if encoding in _PLAIN:
        return bytes(body)
    if encoding not in ("gzip", "x-gzip"):
        raise Refused(
            "INVALID_ARGUMENT",
            f"The body has the content encoding '{encoding[:40]}'; expected gzip or none.",
        )
    content = _unpack(body, limit)
    take(len(content))
    return content


def _encoding(headers: Headers, limit: int) -> str:
    """Returns how a body is packed, unless its headers say that it is too large."""
    encoding = ""
    for name, value in headers:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise BodyTooLarge(limit)
        if name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
    return encoding


def _unpack(packed: bytes, limit: int) -> bytes:
    """Unpacks one gzip member, and stops at the limit."""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise Refused("INVALID_ARGUMENT", f"The body cannot be unpacked as gzip: {error}") from None
    if len(content) > limit:
        raise BodyTooLarge(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise Refused(
            "INVALID_ARGUMENT", "The body is no whole gzip file: it is cut off, or more follows."
        )
    return content
