"""One worker: both protocols over one set of models, from its start to its last answer."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from modelwright.core.errors import ModelwrightError
from modelwright.serve import memory
from modelwright.serve.config import ServeConfig
from modelwright.serve.explanation.explanations import Explanations
from modelwright.serve.grpc.api import GrpcApi
from modelwright.serve.lifecycle.loading import load_version
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.runner import with_threads
from modelwright.serve.process.grpc_server import create_grpc_server
from modelwright.serve.process.http_server import HttpServer
from modelwright.serve.process.shared_model_config import SharedModelConfig
from modelwright.serve.process.signals import handle_signals
from modelwright.serve.rest.api import RestApi
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.api_keys import Access, read_api_keys
from modelwright.serve.service.drift_gauges import DriftGauges
from modelwright.serve.service.metrics import CONTENT_TYPE, Metrics, SharedMetrics
from modelwright.serve.service.recorder import Recorder
from modelwright.serve.service.service import Service

_METRICS_SECONDS = 1.0
_GRPC_DRAIN = 0.1

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class WorkerSockets:
    """The sockets of a worker, and the folder that it shares with other workers."""

    rest: socket.socket
    grpc_port: int
    metrics: socket.socket | None = None
    shared_folder: Path | None = None
    """Holds the metrics of each worker and a new model config; None for a single worker."""


async def run_worker(
    config: ServeConfig, worker_sockets: WorkerSockets, started: Callable[[], None]
) -> bool:
    """Serves until SIGTERM or SIGINT, then answers every request that was accepted.

    Args:
        config: checked settings.
        worker_sockets: open sockets.
        started: called when every model that can be loaded answers.

    Returns:
        Whether a thread still loads a model, which cannot be interrupted.

    Raises:
        ConfigError: the model config, the keys or a certificate cannot be used.
    """
    memory.configure_allocator()
    threads = max((os.cpu_count() or 1) // config.workers, 1)
    config = replace(config, batching=with_threads(config.batching, threads))
    pool = ThreadPoolExecutor(config.batching.threads, "model")
    worker = Worker(config, worker_sockets, pool)
    stop = asyncio.Event()
    handle_signals(stop, worker.hang_up)
    try:
        starting = asyncio.create_task(worker.start())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            started()
            await stopping
        starting.cancel()
    finally:
        await worker.stop()
        pool.shutdown(wait=False, cancel_futures=True)
    return worker.loading


class Worker:
    """The models, both protocols and the periodic tasks of one process."""

    def __init__(
        self, config: ServeConfig, worker_sockets: WorkerSockets, pool: ThreadPoolExecutor
    ) -> None:
        self._config = config
        self._sockets = worker_sockets
        metrics = Metrics()
        self._metrics = SharedMetrics(metrics, worker_sockets.shared_folder, str(os.getpid()))
        access = (
            read_api_keys(Path(config.keys), config.rate / config.workers)
            if config.keys
            else Access()
        )
        links = tuple(map(Path, config.links))
        self._manager = Manager(config, pool, partial(load_version, links=links))
        self._manager.on_load(metrics.count_load)
        self._model_config = SharedModelConfig(
            self._manager, Path(config.models), worker_sockets.shared_folder, links
        )
        self._log = AccessLog(config.access_log) if config.access_log is not None else None
        self._recorder = Recorder(config.record, metrics) if config.record else None
        self._drift = (
            DriftGauges(self._manager, metrics, config.drift_window)
            if config.drift_window
            else None
        )
        if self._drift:
            self._metrics.collect = self._drift.collect
        observers = [one.add for one in (self._drift, self._recorder) if one]
        service = Service(self._manager, config.limits, metrics, observers)
        self._explanations = Explanations(config.explain, metrics) if config.explain else None
        self._rest_api = RestApi(
            service,
            access,
            self._metrics.render,
            self._ready,
            log=self._log,
            site=config.site,
            explanations=self._explanations,
        )
        self._grpc_api = GrpcApi(service, access, self._model_config.reload, self._ready)
        self._http: list[HttpServer] = []
        self._grpc = create_grpc_server(self._grpc_api.handlers(), config, worker_sockets.grpc_port)
        self._tasks: list[asyncio.Task[None]] = []
        self._woken = asyncio.Event()

    async def start(self) -> None:
        """Loads the models; the only worker listens at once, one of several when it is done.

        Clients of one of several workers are answered by others, or wait in the backlog.
        """
        alone = self._sockets.shared_folder is None
        if alone:
            await self._listen()
        await self._manager.step(patient=False)
        await self._model_config.follow()
        if not self._manager.ready:
            _log.warning(
                "%s: %s; looking again every %g s",
                self._config.models,
                self._manager.readiness().reason,
                self._config.poll,
            )
        if not alone:
            await self._listen()
        await self._grpc.start()
        self._run_in_background(self._poll())
        self._run_in_background(self._write_metrics())
        memory.freeze_garbage_collector()

    def hang_up(self) -> None:
        """Opens the access log again under its name, and looks for new versions at once."""
        if self._log and self._config.reopens_log:
            self._log.reopen()
        self._woken.set()

    @property
    def loading(self) -> bool:
        """Whether a thread still loads a model."""
        return self._manager.loading

    async def stop(self) -> None:
        """Answers the accepted requests within the time limit of a request, then unloads."""
        self._rest_api.stop()
        for task in self._tasks:
            task.cancel()
        if self._http:
            # Clients whose connection was closed need a moment to connect elsewhere.
            await asyncio.sleep(self._config.drain)
        drain, alone = self._config.drain, self._config.workers == 1
        stopping = [server.stop(drain, alone=alone) for server in self._http]
        await asyncio.gather(*stopping, self._stop_grpc())
        if self._explanations:
            await self._explanations.stop()
        await self._manager.stop()
        if self._recorder:
            await asyncio.to_thread(self._recorder.close)
        if self._drift:
            self._drift.close()
        if self._log:
            self._log.close()
        self._metrics.write()

    async def _listen(self) -> None:
        """Answers on the ports of REST and of the metrics from now on."""
        rest = HttpServer(self._rest_api, self._config.limits, self._config.tls)
        await self._serve(rest, self._sockets.rest)
        if self._sockets.metrics:
            metrics = HttpServer(_metrics_app(self._metrics), self._config.limits)
            await self._serve(metrics, self._sockets.metrics)

    async def _serve(self, server: HttpServer, listening: socket.socket) -> None:
        await server.start(listening)
        self._http.append(server)
        self._run_in_background(server.run())

    async def _stop_grpc(self) -> None:
        """Refuses requests for a moment, so that clients try again on a new connection."""
        self._grpc_api.stop()
        await asyncio.sleep(_GRPC_DRAIN)
        await self._grpc.stop(self._config.limits.seconds)

    async def _poll(self) -> None:
        """Follows the models folder and the shared model config."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._config.poll)
            self._woken.clear()
            try:
                await self._model_config.follow()
                await self._manager.step()
            except ModelwrightError as error:
                _log.error("%s", error)
            except Exception:  # noqa: BLE001 - the live versions go on answering
                _log.exception("looking for new versions failed")

    async def _write_metrics(self) -> None:
        """Writes this worker's metrics for the others, if there are others."""
        while self._sockets.shared_folder:
            await asyncio.sleep(_METRICS_SECONDS)
            self._metrics.collect()
            await asyncio.to_thread(self._metrics.write)

    def _run_in_background(self, coroutine: Any) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    def _ready(self) -> bool:
        return self._manager.ready


def _metrics_app(metrics: SharedMetrics) -> Any:
    """Returns the application of a port that has the metrics and nothing else."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        content = metrics.render().encode()
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", b"%d" % len(content)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    return app
