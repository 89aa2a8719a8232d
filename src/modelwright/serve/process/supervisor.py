"""Several workers on the same ports: started, started again when one ends, stopped together.

They share the listening socket of REST, so that a connection that waits is accepted by any of them,
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

from modelwright.serve.config import ServeConfig
from modelwright.serve.process.server import Place

_READY = b"R"
_SHORT_LIFE = 10.0
_LONGEST_PAUSE = 10.0
_FIRST_PAUSE = 0.1
_STOPPING = 10.0

_log = logging.getLogger("modelwright.serve")


async def supervise(config: ServeConfig, place: Place, started: Callable[[], None]) -> int:
    """Keep ``config.workers`` workers running until SIGTERM or SIGINT; the exit code.

    A worker that ends before all were ready once ends the server with its exit code.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    crew = [_Worker(config, place) for _ in range(config.workers)]
    try:
        await asyncio.gather(*(worker.start() for worker in crew))
        begun = [asyncio.create_task(worker.ready()) for worker in crew]
        stopping = asyncio.create_task(stop.wait())
        while pending := {task for task in begun if not task.done()}:
            await asyncio.wait([*pending, stopping], return_when=asyncio.FIRST_COMPLETED)
            failed = [task.result() for task in begun if task.done() and task.result()]
            if failed or stop.is_set():
                return failed[0] if failed else 0
        started()
        keeping = [asyncio.create_task(worker.keep()) for worker in crew]
        await stopping
        for one in keeping:
            one.cancel()
    finally:
        # The last worker's copy must be the last one, so that nobody waits at a socket in vain.
        place.rest.close()
        patience = config.drain + config.limits.seconds + _STOPPING
        await asyncio.gather(*(worker.stop(patience) for worker in crew))
    return 0


class _Worker:
    """One place in the crew, whatever process holds it."""

    def __init__(self, config: ServeConfig, place: Place) -> None:
        self._config, self._place = config, place
        self._process: asyncio.subprocess.Process | None = None
        self._pause = _FIRST_PAUSE
        self._born = 0.0

    async def start(self) -> None:
        """Start a process."""
        place = self._place
        sockets = [place.rest.fileno(), place.metrics.fileno() if place.metrics else -1]
        self._born = time.monotonic()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "modelwright.serve.process.worker",
            self._config.to_json(),
            *map(str, (*sockets, place.grpc_port)),
            str(place.shared),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[number for number in sockets if number >= 0],
            # Ctrl+C reaches this process alone, which then stops them in order.
            start_new_session=True,
            env=os.environ,
        )

    async def ready(self) -> int:
        """Wait until its models answer; 0, or the exit code it ended with before."""
        process = self._process
        if process is None or process.stdout is None:
            return 1
        if await process.stdout.read(1) == _READY:
            return 0
        return await process.wait() or 1

    async def keep(self) -> None:
        """Start it again whenever it ends, more slowly if it never lasts."""
        while self._process is not None:
            code = await self._process.wait()
            lived = time.monotonic() - self._born
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

    async def stop(self, patience: float) -> None:
        """Have it answer what it accepted, and end."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            process.kill()
            await process.wait()
