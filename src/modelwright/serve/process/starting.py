"""What a server of several workers answers on its REST port while none of them is ready.

The workers accept connections only once their models answer, so that a worker that is started again
gets no request too early. Until the first one is ready, the process that starts them answers.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from modelwright.serve.config import ServeConfig
from modelwright.serve.process.http_server import HttpServer

_READINESS = {"status": "loading", "models": {}, "reason": "the models are being loaded"}
_REFUSAL = {"error": "The models are being loaded; try again later."}
_HEADERS = (
    (b"content-type", b"application/json"),
    (b"retry-after", b"1"),
    # The next request is for a worker, and so needs a new connection.
    (b"connection", b"close"),
)


@asynccontextmanager
async def answering_probes(config: ServeConfig, listening: socket.socket) -> AsyncIterator[None]:
    """Answers on a listening socket until the block ends; the socket stays open."""
    server = HttpServer(_app, config.limits, config.tls)
    await server.start(listening.dup())
    running = asyncio.create_task(server.run())
    try:
        yield
    finally:
        await server.leave(config.drain)
        await running


async def _app(scope: Any, receive: Any, send: Any) -> None:
    path = scope["path"]
    status = 503
    document: Mapping[str, object] = _REFUSAL
    if path == "/healthz":
        status, document = 200, {"status": "alive"}
    elif path == "/readyz":
        document = _READINESS
    content = json.dumps(document).encode()
    headers = [*_HEADERS, (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body})
