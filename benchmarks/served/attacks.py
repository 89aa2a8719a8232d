"""How hostile requests are sent, and what is written down of what came back."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from served.client import HOST, Answer, Connection, connect, http
from served.hostile import Hostile
from served.smuggling import HIDDEN

WAIT = 0.5
"""Seconds to wait for an answer to what may be no request."""
SLOW = 45.0
"""Seconds after which a slow client gives up."""
_TRACE = re.compile(rb'Traceback \(most recent|File "[^"]+", line \d+')
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_SERVICES = "/tensorflow.serving."
METHODS = (
    *(_SERVICES + "PredictionService/" + name for name in ("Predict", "Classify", "Regress")),
    *(_SERVICES + "PredictionService/" + name for name in ("MultiInference", "GetModelMetadata")),
    *(
        _SERVICES + "ModelService/" + name
        for name in ("GetModelStatus", "HandleReloadConfigRequest")
    ),
    *("/grpc.health.v1.Health/Check", "/grpc.health.v1.Health/Watch", "/no.such.Service/Method"),
)


@dataclass
class Record:
    """Status by kind of case, and every answer that breaks a rule."""

    statuses: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    broken: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, str]] = field(default_factory=list)

    def note(self, kind: str, status: object, sent: bytes, received: bytes) -> None:
        """One case with its answer; ``status`` is a number of HTTP, a gRPC name, or a word."""
        self.statuses[kind][str(status)] += 1
        if str(status) == "500":
            self.break_rule("status 500", kind, sent, received)
        if str(status) == "UNKNOWN":
            self.break_rule("gRPC UNKNOWN", kind, sent, received)
        if _TRACE.search(received):
            self.break_rule("traceback in an answer", kind, sent, received)

    def break_rule(self, rule: str, kind: str, sent: bytes, received: bytes) -> None:
        """Count it and keep the first five of each rule and kind."""
        self.broken[rule] += 1
        if sum(one["rule"] == rule and one["kind"] == kind for one in self.examples) < 5:
            shown = {"sent": repr(sent[:600]), "received": repr(received[:600])}
            self.examples.append({"rule": rule, "kind": kind, **shown})


@dataclass
class Attacker:
    """Sends one case after another of a kind; each kind is a method of that name."""

    hostile: Hostile
    record: Record
    rest: int
    grpc_port: int
    message: bytes
    """A good PredictRequest."""
    connection: Connection | None = None
    channel: Any = None

    async def json(self) -> None:
        """Well-formed HTTP: there must be an answer."""
        await self._asked("json", self.hostile.json(), must=True)

    async def paths(self) -> None:
        """Methods and paths."""
        data = self.hostile.path()
        if data.startswith(b"HEAD"):
            # The client's parser would wait for a body.
            self._noted("paths", data, await exchange(self.rest, data, WAIT))
        else:
            await self._asked("paths", data)

    async def deep(self) -> None:
        """Nesting."""
        await self._asked("deep", self.hostile.deep(), must=True)

    async def gzip(self) -> None:
        """Compressed bodies."""
        await self._asked("gzip", self.hostile.gzip(), must=True)

    async def large(self) -> None:
        """Sizes."""
        data = self.hostile.large()
        self._noted("large", data, await exchange(self.rest, data, 10 * WAIT))

    async def malformed(self) -> None:
        """What is no HTTP."""
        data = self.hostile.malformed()
        self._noted("malformed", data, await exchange(self.rest, data, WAIT))

    async def smuggling(self) -> None:
        """Requests that are hidden in a body."""
        data, most = self.hostile.smuggling()
        received = await exchange(self.rest, data, WAIT)
        self._noted("smuggling", data, received)
        if HIDDEN.encode() in received:
            self.record.break_rule("a smuggled request was answered", "smuggling", data, received)
        if len([one for one in _STATUS.findall(received) if one != b"100"]) > most:
            self.record.break_rule("a request was answered twice", "smuggling", data, received)

    async def frames(self) -> None:
        """What is no HTTP/2, to the port of gRPC."""
        data = self.hostile.frames()
        received = await exchange(self.grpc_port, data, WAIT / 2)
        self.record.note("frames", "answered" if received else "closed", data, received)

    async def half(self) -> None:
        """Connections that end half-way, in one direction or in both."""
        good = http("GET", "/v1/models/none")
        data, kind = self.hostile.malformed(), self.hostile.random.randrange(4)
        if kind == 0:
            self._noted("half", data, await exchange(self.rest, data, WAIT, end=True))
        elif kind == 1:
            self._noted("half", good, await exchange(self.rest, good, 4 * WAIT, end=True))
        else:
            data = self.hostile.json() * (20 if kind == 2 else 1)
            await _reset(self.rest, data)
            self.record.note("half", "reset by the client", data, b"")

    async def grpc(self) -> None:
        """Messages over a good HTTP/2 connection."""
        from grpc import aio

        if self.channel is None:
            options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
            self.channel = aio.insecure_channel(f"{HOST}:{self.grpc_port}", options)
        method = self.hostile.random.choice(METHODS)
        data = self.hostile.message(self.message)
        if method.endswith("Watch"):
            call = self.channel.unary_stream(method)(data, timeout=0.2)
        else:
            call = self.channel.unary_unary(method)(data, timeout=20)
        try:
            received = await call.read() if method.endswith("Watch") else await call
        except aio.AioRpcError as error:
            text = f"{method}: {error.details()}".encode("utf-8", "replace")
            self.record.note("grpc", error.code().name, data, text)
        else:
            self.record.note("grpc", "OK", data, received if isinstance(received, bytes) else b"")
        finally:
            call.cancel()

    async def slow(self) -> None:
        """A request byte by byte: its head, or its body after a quick head."""
        data = self.hostile.json()
        head = data.index(b"\r\n\r\n") + 4
        quick = self.hostile.random.choice((0, head))
        reader, writer = await asyncio.open_connection(HOST, self.rest)
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = asyncio.create_task(reader.read(65_536))
        try:
            writer.write(data[:quick])
            for place in range(quick, len(data)):
                writer.write(data[place : place + 1])
                done, _ = await asyncio.wait([answer], timeout=0.25)
                if done or loop.time() > started + SLOW:
                    break
            received = answer.result() if answer.done() else None
        except OSError:
            received = b""
        finally:
            answer.cancel()
            writer.close()
        if received is None:
            self.record.break_rule("a slow client is still served", "slow", data[:quick], b"")
            self.record.note("slow", "still open", data, b"")
        else:
            self._noted("slow", data, received)

    async def silent(self) -> None:
        """Connect and say nothing."""
        try:
            _, writer = await asyncio.open_connection(HOST, self.rest)
        except OSError:
            self.record.note("silent", "refused", b"", b"")
            return
        await asyncio.sleep(SLOW / 3 * self.hostile.random.random())
        writer.close()
        self.record.note("silent", "closed by the client", b"", b"")

    async def close(self) -> None:
        """Close what is open."""
        if self.connection:
            self.connection.close()
        if self.channel:
            await self.channel.close()

    async def _asked(self, kind: str, data: bytes, *, must: bool = False) -> None:
        for attempt in (1, 2):
            try:
                if self.connection is None or not self.connection.open:
                    self.connection = await connect(self.rest)
                answer: Answer = await self.connection.ask(data, 20.0)
            except (OSError, TimeoutError) as error:
                received = self.connection.received if self.connection else b""
                late = isinstance(error, TimeoutError)
                fresh = self.connection is None or not self.connection.reused
                if self.connection:
                    self.connection.close()
                if not fresh and not late and attempt == 1:
                    # The server may close a kept connection at any time: once more on a new one.
                    continue
                found = _STATUS.match(received)
                status = found[1].decode() if found else "late" if late else "closed"
                self.record.note(kind, status, data, received or str(error).encode())
                if must and not found:
                    self.record.break_rule("no answer to a whole request", kind, data, received)
                return
            head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            self.record.note(kind, answer.status, data, head.encode() + answer.body)
            return

    def _noted(self, kind: str, data: bytes, received: bytes) -> None:
        # What came after "continue" counts, where something did.
        found = [status.decode() for status in _STATUS.findall(received)]
        final = [status for status in found if status != "100"] or found or ["closed"]
        self.record.note(kind, final[0], data, received)
        if "500" in final[1:]:
            self.record.break_rule("status 500", kind, data, received)


KINDS: dict[str, tuple[float, int, Callable[[Attacker], Any]]] = {
    "json": (0.45, 6, Attacker.json),
    "paths": (0.13, 2, Attacker.paths),
    "malformed": (0.15, 12, Attacker.malformed),
    "smuggling": (0.05, 8, Attacker.smuggling),
    "half": (0.08, 8, Attacker.half),
    "grpc": (0.10, 3, Attacker.grpc),
    "frames": (0.04, 8, Attacker.frames),
    "gzip": (0.02, 2, Attacker.gzip),
    "deep": (0.02, 2, Attacker.deep),
    "large": (0.004, 2, Attacker.large),
    "slow": (0.003, 150, Attacker.slow),
    "silent": (0.003, 150, Attacker.silent),
}
"""Of each kind its share of the requests, and how many are sent at a time."""


async def exchange(port: int, data: bytes, wait: float, *, end: bool = False) -> bytes:
    """Send bytes on a new connection and read until it is closed, or nothing comes for a while."""
    received = b""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return received
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        while part := await asyncio.wait_for(reader.read(65_536), wait):
            received += part[: max(0, 65_536 - len(received))]
    except (OSError, TimeoutError):
        pass
    finally:
        writer.transport.abort()
    return received


async def _reset(port: int, data: bytes) -> None:
    """Send bytes and break the connection, as a client that crashed."""
    with socket.socket() as raw:
        raw.setblocking(False)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(raw, (HOST, port))
            await asyncio.wait_for(loop.sock_sendall(raw, data), WAIT)
        except (OSError, TimeoutError):
            pass
