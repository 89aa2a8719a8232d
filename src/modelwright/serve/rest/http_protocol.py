"""uvicorn's HTTP protocol with limits on headers, idle connections and clients that do not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from modelwright.serve.config import RequestLimits

_HEAD, _END, _CONTINUE = b"HTTP/1.1 ", b"\r\n\r\n", b"HTTP/1.1 100 "
_TOO_LARGE = "431 Request Header Fields Too Large"
_TIMEOUT = "408 Request Timeout"
_BAD = "400 Bad Request"


class OneWrite:
    """A transport that sends the headers of an answer together with its body.

    uvicorn writes them one after the other. Each write is a system call, and two of them take as
    long as a small model.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self.is_closing = transport.is_closing
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

    def close(self) -> None:
        """Sends headers that are held back, then closes."""
        self.flush()
        self._transport.close()


class BoundedProtocol(HttpToolsProtocol):
    """One connection, which is closed if its headers do not arrive in time."""

    limits: RequestLimits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._reading = False
        self._refusal = b""
        """What refuses the bytes after the requests that are still to be answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first request."""
        super().connection_made(transport)
        self.transport = OneWrite(transport)  # type: ignore[assignment]
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the timers."""
        self._cancel_header_timer()
        self._cancel_read_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parses bytes, ignores offers to upgrade, and limits the size of headers."""
        if self._refusal:
            return
        self._unset_keepalive_if_required()
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
            return
        if self._reading and not self.transport.is_closing():
            self._header_bytes += len(data)
            if self._header_bytes > self.limits.header:
                self._refuse(
                    _TOO_LARGE, f"The headers have more than {self.limits.header:,} bytes."
                )
            elif self._header_timer is None:
                self._start_header_timer()

    def on_message_begin(self) -> None:
        """Starts to count the bytes of headers."""
        self._reading, self._header_bytes = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, and ignores what follows the last chunk of a body like a header.

        Such a trailer must not change a request that was routed and checked without it
        (RFC 9110, section 6.5.1).
        """
        if self._reading:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Cancels the timer, and starts the request unless it offers an upgrade."""
        self._reading = False
        self._cancel_header_timer()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Ends the request, unless the parser skipped its body for an upgrade."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Sends the headers of an answer without a body, as HEAD has it; then a refusal, if any."""
        cast(OneWrite, self.transport).flush()
        if self._refusal and not self.pipeline:
            self._close_with_refusal()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Starts a timer for a client that does not read its answers."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.limits.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancels the timer: the client reads again."""
        self._cancel_read_timer()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Closes an idle connection, at once if the client has not read its answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Refuses bytes that are not HTTP."""
        self._refuse(_BAD, msg)

    def _parse(self, data: bytes) -> None:
        """Feeds the parser. A request that offers an upgrade is parsed again without the offer.

        After such headers the parser expects another protocol. It would skip the body and read
        the next packet as a new request, so that a client could smuggle a request in. A server
        may ignore the offer (RFC 9110, section 7.8).
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            method, version = self.parser.get_method(), self.parser.get_http_version()
            if method == b"CONNECT":
                self.send_400_response("CONNECT is not supported.")
                return
            head = b"%b %b HTTP/%b\r\n" % (method, self.url, version.encode())
            remaining = (pair for pair in self.headers if pair[0] != b"upgrade")
            head += b"".join(b"%b: %b\r\n" % pair for pair in remaining) + b"\r\n"
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)
            self._parse(data[upgrade.args[0] :])

    def _start_header_timer(self) -> None:
        self._header_timer = self.loop.call_later(self.limits.header_seconds, self._headers_late)

    def _headers_late(self) -> None:
        self._header_timer = None
        if self._reading:
            self._refuse(_TIMEOUT, "The headers were not there in time.")
        elif not self.transport.is_closing():
            self.transport.close()

    def _cancel_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _cancel_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _refuse(self, status: str, message: str) -> None:
        """Closes the connection with a refusal, after the answers to all requests before.

        A request whose body is broken gets the refusal as its answer.
        """
        self._cancel_header_timer()
        if self.transport.is_closing() or self._refusal:
            return
        content = json.dumps({"error": message}).encode()
        self._refusal = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length:"
            f" {len(content)}\r\nconnection: close\r\n\r\n".encode()
            + content
        )
        # Without annotations in uvicorn, mypy takes the cycle to be always there.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._close_with_refusal()
        elif cycle.more_body:
            if self.pipeline:
                self.pipeline.popleft()
            elif cycle.response_started:
                self.transport.close()
            else:
                self._close_with_refusal()

    def _close_with_refusal(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._refusal)
            self.transport.close()


def bounded_protocol(limits: RequestLimits) -> type[asyncio.Protocol]:
    """Returns the class of a server's connections with these limits."""
    return cast(type[asyncio.Protocol], type("Bounded", (BoundedProtocol,), {"limits": limits}))
