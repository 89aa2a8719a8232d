"""uvicorn's HTTP protocol, with bounds on headers and on clients that do not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from modelwright.serve.config import Limits

_HEAD, _END, _CONTINUE = b"HTTP/1.1 ", b"\r\n\r\n", b"HTTP/1.1 100 "
_TOO_LARGE = "431 Request Header Fields Too Large"
_TIMEOUT = "408 Request Timeout"
_BAD = "400 Bad Request"


class OneWrite:
    """A transport that sends the head of an answer with its body.

    uvicorn writes them one after the other, and each write is a call of the system: together they
    cost as much as a small model.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing
        self.abort = transport.abort
        self.get_write_buffer_size = transport.get_write_buffer_size

    def write(self, data: bytes) -> None:
        """Hold a head; send anything else with the head before it."""
        if data.startswith(_HEAD) and data.endswith(_END) and not data.startswith(_CONTINUE):
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Send a head that no body follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what is held, then close."""
        self.flush()
        self._transport.close()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A connection that sends no whole headers in time is closed."""

    limits: Limits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._headers = 0
        self._reading = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give it time for its first request."""
        super().connection_made(transport)
        self.transport = OneWrite(transport)  # type: ignore[assignment]
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._forget()
        self._flows()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the bytes, ignore offers to upgrade, and bound the size of headers."""
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._reading and not self.transport.is_closing():
            self._headers += len(data)
            if self._headers > self.limits.header:
                self._refuse(
                    _TOO_LARGE, f"The headers have more than {self.limits.header:,} bytes."
                )
            elif self._timer is None:
                self._wait()

    def on_message_begin(self) -> None:
        """Headers begin."""
        self._reading, self._headers = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Headers end."""
        self._reading = False
        self._forget()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body ends, unless the parser skipped it for an upgrade."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer to a HEAD has no body to go with."""
        cast(OneWrite, self.transport).flush()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read: it has the time of a request to begin."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads."""
        self._flows()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, without waiting for a client that has not read its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP at all, refused as everything else is."""
        self._refuse(_BAD, msg)

    def _parse(self, data: bytes) -> None:
        """Feed the parser. A request that offers an upgrade is parsed again without the offer.

        The parser takes everything after such headers for another protocol: it skips the body and
        reads the next packet as a new request, which lets a client smuggle one in (RFC 9110, 7.8:
        a server may ignore the offer).
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            method, version = self.parser.get_method(), self.parser.get_http_version()
            if method == b"CONNECT":
                self.send_400_response("CONNECT is not supported.")
                return
            head = b"%b %b HTTP/%b\r\n" % (method, self.url, version.encode())
            kept = (pair for pair in self.headers if pair[0] != b"upgrade")
            head += b"".join(b"%b: %b\r\n" % pair for pair in kept) + b"\r\n"
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)
            self._parse(data[upgrade.args[0] :])

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        if self._reading:
            self._refuse(_TIMEOUT, "The headers were not there in time.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _flows(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _forget(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: str, message: str) -> None:
        self._forget()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            content = json.dumps({"error": message}).encode()
            self.transport.write(
                f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length:"
                f" {len(content)}\r\nconnection: close\r\n\r\n".encode()
                + content
            )
        self.transport.close()


def protocol(limits: Limits) -> type[asyncio.Protocol]:
    """The class of a server's connections, within its limits."""
    return cast(type[asyncio.Protocol], type("Bounded", (BoundedProtocol,), {"limits": limits}))
