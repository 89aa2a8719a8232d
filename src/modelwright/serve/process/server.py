"""One worker: both protocols over one set of models, from its start to its last answer."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc.aio
import uvicorn

import modelwright
from modelwright.core.errors import ModelwrightError
from modelwright.core.files import write_bytes
from modelwright.serve.config import ServeConfig
from modelwright.serve.errors import Refused
from modelwright.serve.grpc import api
from modelwright.serve.lifecycle import model_config
from modelwright.serve.lifecycle.loading import load
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.runner import settled
from modelwright.serve.process import memory, sockets
from modelwright.serve.rest import openapi
from modelwright.serve.rest.api import RestApi
from modelwright.serve.rest.http_protocol import protocol
from modelwright.serve.service import api_keys
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.metrics import CONTENT_TYPE, Metrics, Shared
from modelwright.serve.service.service import Service
from modelwright.wire import messages

_GRPC_OPTIONS = (
    ("grpc.so_reuseport", 1),
    ("grpc.max_concurrent_streams", 256),
    ("grpc.max_metadata_size", 16 * 2**10),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)
_SHARED_SECONDS = 1.0
_LEAST_DRAIN = 0.1
_STEP = 0.02
_ORDERS = "models.config.bin"

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Place:
    """Where a worker stands: its sockets, and what it shares with the others."""

    rest: socket.socket
    grpc_port: int
    metrics: socket.socket | None = None
    shared: Path | None = None
    """A folder for what all workers know of each other: their figures, a new model config."""


async def run(config: ServeConfig, place: Place, started: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT, then answer what was accepted.

    Args:
        config: settings that were checked.
        place: sockets.
        started: called when every model that can be loaded answers.

    Raises:
        ConfigError: the model config, the keys or a certificate cannot be used.
    """
    memory.settle()
    threads = max((os.cpu_count() or 1) // config.workers, 1)
    config = replace(config, batching=settled(config.batching, threads))
    pool = ThreadPoolExecutor(config.batching.threads, "model")
    worker = _Worker(config, place, pool)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        await worker.start()
        started()
        await stop.wait()
    finally:
        await worker.stop()
        pool.shutdown(wait=False, cancel_futures=True)


class _Worker:
    """What runs in one process."""

    def __init__(self, config: ServeConfig, place: Place, pool: ThreadPoolExecutor) -> None:
        self._config = config
        self._place = place
        self._metrics = Metrics()
        self._shared = Shared(self._metrics, place.shared, str(os.getpid()))
        self._access = (
            api_keys.read(Path(config.keys), config.rate / config.workers)
            if config.keys
            else Access()
        )
        self._manager = Manager(config, pool, load)
        self._manager.on_load = self._metrics.loaded
        self._log = AccessLog(config.access_log) if config.access_log else None
        self._service = Service(self._manager, config.limits, self._metrics)
        self._rest = RestApi(
            self._service,
            self._access,
            self._shared.render,
            lambda: self._manager.ready,
            lambda: openapi.document(modelwright.__version__),
            self._log,
        )
        self._http: list[uvicorn.Server] = []
        self._grpc_api = api.GrpcApi(
            self._service, self._access, self._reload, lambda: self._manager.ready
        )
        self._grpc = self._grpc_server()
        self._tasks: list[asyncio.Task[None]] = []
        self._orders = place.shared / _ORDERS if place.shared else None
        self._order = b""

    async def start(self) -> None:
        """Load, then listen: who connects meanwhile waits in the socket's queue."""
        await self._manager.step(patient=False)
        await self._follow()
        if not self._manager.ready:
            _log.warning(
                "not every model in %s answers, or there is none; looking again every %g s",
                self._config.models,
                self._config.poll,
            )
        self._http.append(await self._listen(self._rest, self._place.rest))
        if self._place.metrics:
            self._http.append(
                await self._listen(_metrics_app(self._shared), self._place.metrics, plain=True)
            )
        await self._grpc.start()
        self._tasks += [asyncio.create_task(one) for one in (self._poll(), self._share())]
        memory.keep()

    async def stop(self) -> None:
        """Answer what was accepted, within the request's time, and let go."""
        self._rest.closing = True
        for task in self._tasks:
            task.cancel()
        grace = self._config.limits.seconds
        if self._http:
            # Who is told of the end by a closed connection needs a moment to go elsewhere.
            await asyncio.sleep(self._config.drain)
        ending = [self._close(server) for server in self._http]
        await asyncio.gather(*ending, self._close_grpc(grace))
        await self._manager.stop()
        if self._log:
            self._log.close()
        self._shared.write()

    async def _close_grpc(self, grace: float) -> None:
        """Have clients that try again do so when their connection has been closed."""
        self._grpc_api.closing = True
        await asyncio.sleep(_LEAST_DRAIN)
        await self._grpc.stop(grace)

    async def _listen(
        self, app: Any, held: socket.socket, *, plain: bool = False
    ) -> uvicorn.Server:
        limits, tls = self._config.limits, None if plain else self._config.tls
        config = uvicorn.Config(
            app,
            http=protocol(limits),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=sockets.BACKLOG,
            limit_concurrency=limits.connections,
            timeout_keep_alive=int(max(limits.header_seconds, 1)),
            timeout_graceful_shutdown=int(limits.seconds) + 1,
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
            ssl_ca_certs=tls.ca if tls else None,
            ssl_cert_reqs=ssl.CERT_REQUIRED if tls and tls.ca else ssl.CERT_NONE,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[held])
        self._tasks.append(asyncio.create_task(server.main_loop()))
        return server

    async def _close(self, server: uvicorn.Server) -> None:
        """Stop listening, answer what was accepted or waits to be, then close."""
        server.should_exit = True
        loop = asyncio.get_running_loop()
        kind: Any = server.config.http_protocol_class
        made = partial(kind, config=server.config, server_state=server.server_state, app_state={})
        for listener in server.servers:
            # Its own handle goes first, so that all that waits is found by the copy.
            copies = [held.dup() for held in listener.sockets]
            listener.close()
            for copy in copies:
                waiting = sockets.accept_waiting(copy)
                copy.close()
                for connection in waiting:
                    await loop.connect_accepted_socket(made, connection, ssl=server.config.ssl)
        # Who has connected may still be sending its request.
        until = time.monotonic() + max(self._config.drain, _LEAST_DRAIN)
        while server.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(_STEP)
        await server.shutdown()

    def _grpc_server(self) -> Any:
        limits = self._config.limits
        server = grpc.aio.server(
            options=(
                *_GRPC_OPTIONS,
                ("grpc.max_receive_message_length", limits.body),
                ("grpc.max_send_message_length", -1),
            ),
            maximum_concurrent_rpcs=limits.connections,
        )
        server.add_generic_rpc_handlers(self._grpc_api.handlers())
        where = sockets.address(self._config.host, self._place.grpc_port)
        if self._config.tls:
            server.add_secure_port(where, api.credentials(self._config.tls))
        else:
            server.add_insecure_port(where)
        return server

    async def _reload(self, message: Any) -> None:
        """Take a new model config, and leave it for the other workers and for those to come."""
        entries = model_config.of_message(message, Path(self._config.models))
        if self._orders:
            self._order = message.SerializeToString()
            write_bytes(self._orders, self._order)
        await self._manager.reload(entries)

    async def _follow(self) -> None:
        """Take the model config that another worker was given, if there is one."""
        if not self._orders or not self._orders.exists():
            return
        order = self._orders.read_bytes()
        if order != self._order:
            self._order = order
            message = messages.ModelServerConfig.FromString(order)
            try:
                entries = model_config.of_message(message, Path(self._config.models))
                await self._manager.reload(entries)
            except Refused as error:
                _log.error("%s", error)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._config.poll)
            try:
                await self._follow()
                await self._manager.step()
            except ModelwrightError as error:
                _log.error("%s", error)
            except Exception:  # noqa: BLE001 - what is served goes on
                _log.exception("looking for new versions failed")

    async def _share(self) -> None:
        while self._place.shared:
            await asyncio.sleep(_SHARED_SECONDS)
            await asyncio.to_thread(self._shared.write)


def _metrics_app(shared: Shared) -> Any:
    """The application of a port that gives the metrics and nothing else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        content = shared.render().encode()
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", b"%d" % len(content)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app
