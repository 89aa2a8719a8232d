"""An HTTP server on a listening socket: it starts to listen, and stops without losing a request."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from functools import partial
from typing import Any

import uvicorn

from modelwright.serve.config import RequestLimits, Tls
from modelwright.serve.process import sockets
from modelwright.serve.rest.http_protocol import bounded_protocol

_LEAST_DRAIN = 0.1
_STEP = 0.02


class HttpServer:
    """uvicorn on a socket that was opened before, with limits on each connection."""

    def __init__(self, app: Any, limits: RequestLimits, tls: Tls | None = None) -> None:
        config = uvicorn_config(app, limits, tls)
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)

    async def start(self, listening: socket.socket) -> None:
        """Accepts connections from now on."""
        await self._server.startup(sockets=[listening])

    async def run(self) -> None:
        """Does uvicorn's periodic work until the server stops."""
        await self._server.main_loop()

    async def stop(self, drain: float, *, alone: bool) -> None:
        """Stops listening, answers every connection that was made, then closes.

        Args:
            drain: seconds in which clients that have connected may still send a request.
            alone: whether no other process listens at the socket.
        """
        server = self._server
        server.should_exit = True
        for listener in server.servers:
            # The listener's own socket closes first, so that the copy sees all that wait.
            copies = [bound.dup() for bound in listener.sockets]
            for copy in copies if alone else ():
                sockets.refuse_new(copy)
            listener.close()
            await asyncio.sleep(_STEP)  # for handshakes that have begun
            for copy in copies:
                waiting = sockets.accept_waiting(copy)
                copy.close()
                for connection in waiting:
                    await self._serve(connection)
        await self._close(drain)

    async def leave(self, drain: float) -> None:
        """Stops accepting, and leaves what waits at the socket to the other processes at it.

        Args:
            drain: seconds in which clients that have connected may still send a request.
        """
        self._server.should_exit = True
        for listener in self._server.servers:
            listener.close()
        await self._close(drain)

    async def _close(self, drain: float) -> None:
        deadline = time.monotonic() + max(drain, _LEAST_DRAIN)
        while self._server.server_state.connections and time.monotonic() < deadline:
            await asyncio.sleep(_STEP)
        await self._server.shutdown()

    async def _serve(self, connection: socket.socket) -> None:
        server = self._server
        protocol: Any = server.config.http_protocol_class
        factory = partial(
            protocol, config=server.config, server_state=server.server_state, app_state={}
        )
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(factory, connection, ssl=server.config.ssl)


def uvicorn_config(app: Any, limits: RequestLimits, tls: Tls | None = None) -> uvicorn.Config:
    """Returns uvicorn's settings for an application, loaded."""
    config = uvicorn.Config(
        app,
        http=bounded_protocol(limits),
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=sockets.BACKLOG,
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=int(limits.seconds) + 1,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
        ssl_ca_certs=tls.ca if tls else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.ca else ssl.CERT_NONE,
    )
    config.load()
    return config
