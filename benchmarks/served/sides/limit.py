"""The limit: bare ONNX Runtime behind the leanest server that Python allows.

uvloop, httptools and orjson, the model called inline in the protocol. No path is looked at, no
size is bounded, nothing is checked, logged or counted: it is no server to use.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import httptools
import orjson
import uvloop

from served.sides import row

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


class Protocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, model: row.Bare) -> None:
        self._model = model
        self._parser = httptools.HttpRequestParser(self)
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Parse, which calls what follows."""
        self._parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """Keep a part of the body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """Answer."""
        instances = orjson.loads(b"".join(self._parts))["instances"]
        self._parts.clear()
        given = [self._model(row.read(instance)) for instance in instances]
        body = orjson.dumps({"predictions": given})
        self._transport.write(HEAD % (len(body), body))  # type: ignore[attr-defined]


async def serve(folder: Path, port: int) -> None:
    """Until the process is ended."""
    model = row.Bare(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: Protocol(model), "127.0.0.1", port
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
