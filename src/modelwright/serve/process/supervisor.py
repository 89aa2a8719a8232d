"""Runs several workers on the same ports: starts, restarts and stops their processes.

The workers share the listening socket of REST, so that any of them accepts a waiting connection,
and the port of gRPC. A worker is ``python -m modelwright.serve.process.worker``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from modelwright.serve.config import ServeConfig
from modelwright.serve.process.server import WorkerSockets
from modelwright.serve.process.signals import handle_signals
from modelwright.serve.process.starting import answering_probes

_READY = b"R"
_SHORT_LIFE = 10.0
_LONGEST_PAUSE = 10.0
_FIRST_PAUSE = 0.1
_EXTRA_STOP_SECONDS = 10.0

_log = logging.getLogger("modelwright.serve")


async def supervise(
    config: ServeConfig, worker_sockets: WorkerSockets, started: Callable[[], None]
) -> int:
    """Keeps ``config.workers`` workers running until SIGTERM or SIGINT; returns the exit code.

    If a worker ends before all are ready, the server ends with the exit code of that worker.
    """
    stop = asyncio.Event()
    workers = [WorkerProcess(config, worker_sockets) for _ in range(config.workers)]

    def hang_up() -> None:
        for worker in workers:
            worker.hang_up()

    handle_signals(stop, hang_up)
    stopping = asyncio.create_task(stop.wait())
    try:
        async with answering_probes(config, worker_sockets.rest):
            await asyncio.gather(*(worker.start() for worker in workers))
            becoming_ready = [asyncio.create_task(worker.wait_until_ready()) for worker in workers]
            await _first(*becoming_ready, stopping)
        while True:
            failed = [task.result() for task in becoming_ready if task.done() and task.result()]
            if failed or stop.is_set():
                return failed[0] if failed else 0
            pending = [task for task in becoming_ready if not task.done()]
            if not pending:
                break
            await _first(*pending, stopping)
        started()
        restarting = [asyncio.create_task(worker.restart_forever()) for worker in workers]
        await stopping
        for task in restarting:
            task.cancel()
    finally:
        # The socket must close with the last worker; otherwise clients would wait at it in vain.
        worker_sockets.rest.close()
        patience = config.drain + config.limits.seconds + _EXTRA_STOP_SECONDS
        await asyncio.gather(*(worker.stop(patience) for worker in workers))
    return 0


async def _first(*tasks: asyncio.Task[Any]) -> None:
    """Waits until one of the tasks is done."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


class WorkerProcess:
    """One of the workers: its process, and the process that replaces it when it ends."""

    def __init__(self, config: ServeConfig, worker_sockets: WorkerSockets) -> None:
        self._config, self._sockets = config, worker_sockets
        self._process: asyncio.subprocess.Process | None = None
        self._pause = _FIRST_PAUSE
        self._started = 0.0
        self._ready = False

    async def start(self) -> None:
        """Starts a process."""
        metrics = self._sockets.metrics
        handles = [self._sockets.rest.fileno(), metrics.fileno() if metrics else -1]
        self._started, self._ready = time.monotonic(), False
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "modelwright.serve.process.worker",
            self._config.to_json(),
            *map(str, (*handles, self._sockets.grpc_port)),
            str(self._sockets.shared_folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[handle for handle in handles if handle >= 0],
            # Ctrl+C reaches only this process, which then stops the workers.
            start_new_session=True,
            env=os.environ,
        )

    async def wait_until_ready(self) -> int:
        """Returns 0 when its models answer, or the exit code if it ends before that."""
        process = self._process
        if process is None or process.stdout is None:
            return 1
        if await process.stdout.read(1) == _READY:
            self._ready = True
            return 0
        return await process.wait() or 1

    async def restart_forever(self) -> None:
        """Starts a new process whenever one ends, after longer pauses if none lasts."""
        while self._process is not None:
            code = await self._process.wait()
            lived = time.monotonic() - self._started
            self._pause = _FIRST_PAUSE if lived > _SHORT_LIFE else self._pause
            _log.error(
                "worker %d ended with %d after %.1f s; another starts in %.1f s",
                self._process.pid,
                code,
                lived,
                self._pause,
            )
            await asyncio.sleep(self._pause)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            await self.start()
            self._waiting = asyncio.create_task(self.wait_until_ready())

    def hang_up(self) -> None:
        """Passes SIGHUP on; a worker that still starts does not handle it, and reads all anyway."""
        if self._ready and self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGHUP)

    async def stop(self, patience: float) -> None:
        """Stops it after it has answered its requests; kills it if that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            process.kill()
            await process.wait()
