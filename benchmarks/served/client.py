"""The client: HTTP/1.1 on kept connections, one request at a time on each, answers checked.

uvloop and httptools, so that on its own core it is far from being the bottleneck.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools

HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds after which a request counts as unanswered."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; the headers' names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """The bytes of a whole request, and what tells what is wrong with an answer, or None."""

    data: bytes
    wrong: Callable[[Answer], str | None]
    kind: str = ""


class Connection(asyncio.Protocol):
    """One connection, opened by ``connect``."""

    def __init__(self) -> None:
        self.open = False
        self.reused = False
        self.received = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport: Any = transport
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Parse, which calls what follows."""
        if len(self.received) < 1_000:
            self.received += data[:1_000]
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"not HTTP: {error}"))
            self._transport.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._parts))
        self._headers, self._parts = {}, []
        if not self._parser.should_keep_alive():
            self.open = False
        waiting, self._waiting = self._waiting, None
        if waiting and not waiting.done():
            waiting.set_result(answer)
        if not self.open:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits will get no answer."""
        self.open = False
        self._fail(ConnectionResetError(f"closed before an answer ({error or 'end of file'})"))

    def send(self, data: bytes) -> asyncio.Future[Answer]:
        """Write a whole request.

        Raises, when it is awaited:
            ConnectionError: closed before the answer, or it is no HTTP.
        """
        self._waiting = asyncio.get_running_loop().create_future()
        self.received = b""
        self._transport.write(data)
        return self._waiting

    async def ask(self, data: bytes, patience: float = PATIENCE) -> Answer:
        """Write a whole request and wait for its answer.

        Raises:
            ConnectionError: as ``send``.
            TimeoutError: no answer within ``patience`` seconds.
        """
        answer = await asyncio.wait_for(self.send(data), patience)
        self.reused = True
        return answer

    def write(self, data: bytes) -> None:
        """Write bytes that need be no request."""
        self._transport.write(data)

    def close(self) -> None:
        """Close it."""
        self.open = False
        self._transport.abort()

    def _fail(self, error: Exception) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(error)


@dataclass
class Round:
    """What a round of load gave; ``latencies`` in seconds, ``wrong`` the first few answers,
    ``asked`` all that were answered, those of the warm-up too."""

    seconds: float = 0.0
    asked: int = 0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Requests a second and quantiles in milliseconds."""
        return {
            "asked": self.asked,
            "requests_per_second": len(self.latencies) / self.seconds,
            "p50_ms": quantile(self.latencies, 0.5),
            "p99_ms": quantile(self.latencies, 0.99),
            "failed": self.failed,
            "wrong": self.wrong[:3],
        }


async def connect(port: int) -> Connection:
    """A connection to this machine."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, HOST, port)
    return connection


async def load(
    port: int,
    requests: Sequence[Request],
    *,
    connections: int,
    warmup: float,
    seconds: float,
    pause: float = 0.0,
) -> Round:
    """A closed loop: each connection sends its next request when it has the last answer.

    It waits ``pause`` seconds before that. Only requests that were answered within ``seconds``
    after ``warmup`` count.
    """
    result = Round(seconds)
    begin = time.perf_counter() + warmup
    end = begin + seconds

    async def client(place: int) -> None:
        connection = await connect(port)
        turn = place
        while (started := time.perf_counter()) < end:
            request = requests[turn % len(requests)]
            turn += connections + 1
            if not connection.open:
                connection = await connect(port)
            try:
                answer = await connection.ask(request.data)
            except (ConnectionError, TimeoutError) as error:
                result.failed += 1
                result.wrong.append(str(error))
                connection.close()
                continue
            ended = time.perf_counter()
            result.asked += 1
            problem = request.wrong(answer)
            if problem:
                result.failed += 1
                result.wrong.append(problem)
            elif begin <= ended <= end:
                result.latencies.append(ended - started)
            if pause:
                await asyncio.sleep(pause)
        connection.close()

    await asyncio.gather(*(client(place) for place in range(connections)))
    return result


def http(
    method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """A whole request."""
    given = {"host": HOST, "content-type": "application/json", **(headers or {})}
    if body or method == "POST":
        given.setdefault("content-length", str(len(body)))
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def quantile(seconds: Sequence[float], share: float) -> float | None:
    """A quantile in milliseconds, None of nothing."""
    if not seconds:
        return None
    place = min(len(seconds) - 1, math.ceil(share * len(seconds)) - 1)
    return 1_000 * sorted(seconds)[max(place, 0)]
