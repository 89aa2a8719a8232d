"""A transport that sends the headers of an answer together with its body, in one system call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_HEAD, _END, _CONTINUE = b"HTTP/1.1 ", b"\r\n\r\n", b"HTTP/1.1 100 "


class OneWrite:
    """A transport that sends the headers of an answer together with its body.

    uvicorn writes them one after the other. Each write is a system call, and two of them take as
    long as a small model.
    """

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        """``close`` closes the connection once all is written."""
        self._transport = transport
        self._close = close
        self._head = b""
        self._closing = False
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        """Holds headers back; sends anything else together with them."""
        if data.startswith(_HEAD) and data.endswith(_END) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Sends headers that no body follows."""
        if self._head:
            self.write(b"")

    def is_closing(self) -> bool:
        """Whether nothing more is to be written."""
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        """Sends headers that are held back, then closes."""
        self.flush()
        if not self._closing:
            self._closing = True
            self._close()
