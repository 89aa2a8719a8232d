"""uvicorn's HTTP protocol with limits on headers, idle connections and clients that do not read."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from modelwright.serve.config import RequestLimits
from modelwright.serve.rest.client import Client
from modelwright.serve.rest.one_write import OneWrite
from modelwright.serve.rest.unread_body import UnreadBody

_TOO_LARGE = "431 Request Header Fields Too Large"
_TIMEOUT = "408 Request Timeout"
_BAD = "400 Bad Request"
_STOP_SECONDS = 1.0
"""How long a stopping server goes on throwing away a body."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection, which is closed if its headers do not arrive in time.

    It is never closed while a client still sends, because that would reset the connection and the
    client would miss its answer. The rest of the request is thrown away first.
    """

    limits: RequestLimits

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._packet = 0
        self._whole_packet = False
        """Whether all of the newest packet belongs to headers, or to what surrounds a body."""
        self._reading = False
        """Whether headers have begun and not ended."""
        self._in_body = False
        """Whether headers have ended and their body has not."""
        self._broken = False
        """Whether the parser gets no more bytes, so that it cannot tell where a body ends."""
        self._refusal = b""
        """What refuses all bytes after the requests that are still to be answered."""
        self._unread: UnreadBody | None = None
        self._closing = False
        """Whether the connection is closed, or only the rest of a request is still read."""
        self._ignoring = False
        """Whether no further request is taken; those before are answered first."""
        self._client = Client()
        self._extensions = self._client.extension()
        self._raw: asyncio.Transport
        self.timeout_keep_alive = self.limits.idle  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first request."""
        super().connection_made(transport)
        self._raw = transport
        self.transport = OneWrite(transport, self._close)  # type: ignore[assignment]
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancels the timers."""
        self._cancel_header_timer()
        self._cancel_read_timer()
        self._stop_unread()
        super().connection_lost(exc)
        self._client.leave()

    def data_received(self, data: bytes) -> None:
        """Parses bytes, ignores offers to upgrade, and limits the size of headers."""
        self._unset_keepalive_if_required()
        if self._unread:
            self._unread.add(len(data))
        if self._broken or self._refusal or self._raw.is_closing():
            return
        self._packet, self._whole_packet = len(data), True
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            self._broken = True
            message = f"Invalid HTTP request received: {error}."
            self._refuse(_BAD, message, in_body=self._in_body)
            return
        if (self._reading or self._in_body) and self._whole_packet:
            self._header_bytes += len(data)
        if self._header_bytes > self.limits.header:
            # The parser keeps such bytes, so it gets no more of them even if nobody is answered.
            self._broken = True
            self._refuse_headers()
        elif self._ignoring:
            return
        elif self._reading:
            if self._header_timer is None:
                self._start_header_timer()
        elif self.cycle is not None and self.cycle.response_complete and not self._in_body:
            # Bytes that belong to no request cancelled the timer of an idle connection.
            self._wait_for_request()

    def on_message_begin(self) -> None:
        """Starts to count the bytes of headers."""
        self._header_bytes = 0
        if not self._ignoring:
            self._reading = True
            super().on_message_begin()
            self.scope["extensions"] = self._extensions

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header, and ignores what follows the last chunk of a body like a header.

        Such a trailer must not change a request that was routed and checked without it
        (RFC 9110, section 6.5.1).
        """
        if self._reading:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Cancels the timer, and starts the request unless it offers an upgrade."""
        self._cancel_header_timer()
        if not self._ignoring and not self.parser.should_upgrade():
            # Most headers come in one packet that is small, so they need not be counted.
            if self._header_bytes + self._packet > self.limits.header and self._has_large_headers():
                self._refuse_headers()
            else:
                super().on_headers_complete()
            self._in_body = True
        self._reading = False
        self._count_anew()

    def on_body(self, body: bytes) -> None:
        """Keeps a part of the body, unless nobody will read it."""
        self._count_anew()
        if not self._ignoring:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the request, unless the parser skipped its body for an upgrade."""
        if self.parser.should_upgrade():
            return
        self._reading = self._in_body = False
        self._count_anew()
        if self._unread:
            self._stop_unread()
        if self._closing:
            self._raw.close()
        elif not self._ignoring:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Sends the headers of an answer without a body, and reads what is left of the request.

        If this was the last request before bytes that are refused, the refusal follows.
        """
        cast(OneWrite, self.transport).flush()
        if self._refusal and not self.pipeline:
            self._close_with_refusal()
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete and not self._closing:
            self._unset_keepalive_if_required()
            self._unread = UnreadBody(self.loop, self.limits, self._raw.abort)

    def shutdown(self) -> None:
        """Closes an idle connection, and soon one whose body nobody reads."""
        super().shutdown()
        if self._unread:
            self._unread.shorten(_STOP_SECONDS)

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
        rest = memoryview(data)
        while True:
            try:
                self.parser.feed_data(rest)
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
                rest = rest[upgrade.args[0] :]
            else:
                return

    def _close(self) -> None:
        """Closes the connection; if a request is not read to its end, the rest is read first."""
        self._closing = self._ignoring = True
        if self._raw.is_closing() or not (self._reading or self._in_body or self._broken):
            self._raw.close()
            return
        self._stop_unread()
        self._unread = UnreadBody(self.loop, self.limits, self._raw.abort)
        if self._raw.can_write_eof():
            self._raw.write_eof()
        self.flow.resume_reading()

    def _stop_unread(self) -> None:
        if self._unread:
            self._unread.stop()
            self._unread = None

    def _wait_for_request(self) -> None:
        """Starts the timer of an idle connection."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

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

    def _has_large_headers(self) -> bool:
        lines = sum(len(name) + len(value) + 4 for name, value in self.headers)
        return len(self.url) + lines > self.limits.header

    def _count_anew(self) -> None:
        """Counts from the next packet on, as it is not known where in this one the parser is."""
        self._header_bytes, self._whole_packet = 0, False

    def _refuse_headers(self) -> None:
        where = "trailers or chunk extensions" if self._in_body else "headers"
        message = f"The {where} have more than {self.limits.header:,} bytes."
        self._refuse(_TOO_LARGE, message, in_body=self._in_body)

    def _refuse(self, status: str, message: str, *, in_body: bool = False) -> None:
        """Closes the connection with a refusal, after the answers to all requests before.

        With ``in_body``, the refusal is the answer to the newest request, whose body is broken,
        unless that one was answered already.
        """
        self._cancel_header_timer()
        if self._ignoring:
            return
        self._ignoring = True
        content = json.dumps({"error": message}).encode()
        self._refusal = (
            f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length:"
            f" {len(content)}\r\nconnection: close\r\n\r\n".encode()
            + content
        )
        # uvicorn's annotation leaves out that there is none before the first request.
        newest: RequestResponseCycle | None = self.cycle
        if in_body and self.pipeline:
            self.pipeline.popleft()
        elif in_body and newest and newest.response_started:
            self.transport.close()
        elif in_body or newest is None or newest.response_complete:
            self._close_with_refusal()
            if in_body and newest:
                # Its task ends as if the client had left.
                newest.disconnected = True
                newest.message_event.set()

    def _close_with_refusal(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._refusal)
            self.transport.close()


def bounded_protocol(limits: RequestLimits) -> type[asyncio.Protocol]:
    """Returns the class of a server's connections with these limits."""
    return cast(type[asyncio.Protocol], type("Bounded", (BoundedProtocol,), {"limits": limits}))
