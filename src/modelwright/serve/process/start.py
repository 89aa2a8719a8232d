"""Start a server: here with one worker, with several in processes of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import MissingDependencyError
from modelwright.core.files import write_json
from modelwright.serve.config import ServeConfig, check


@dataclass(frozen=True)
class Started:
    """Where a server answers."""

    host: str
    rest_port: int
    grpc_port: int
    metrics_port: int | None
    workers: int
    tls: bool

    def render(self) -> str:
        """For a person."""
        from modelwright.serve.process.sockets import address

        scheme = "https" if self.tls else "http"
        lines = [
            f"REST and a page to try the models: {scheme}://{address(self.host, self.rest_port)}/",
            f"gRPC: {address(self.host, self.grpc_port)}",
        ]
        if self.metrics_port is not None:
            lines.append(
                f"metrics: http://{address(self.host, self.metrics_port)}"
                "/monitoring/prometheus/metrics"
            )
        if self.workers > 1:
            lines.append(f"workers: {self.workers}")
        return "\n".join(lines)


def serve(config: ServeConfig, started: Callable[[Started], None]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Args:
        config: what to serve, and where.
        started: called once, when the models answer.

    Raises:
        ConfigError: the config cannot be served.
        MissingDependencyError: what serves is not installed.
    """
    check(config)
    try:
        from modelwright.serve.process import server, sockets, supervisor
    except ImportError as error:
        raise MissingDependencyError(
            f"serving needs {error.name}, which is not installed; install with: pip install"
            " 'modelwright[serve]'."
        ) from None
    with ExitStack() as held:
        rest = held.enter_context(closing(sockets.listening(config.host, config.rest_port)))
        grpc = held.enter_context(closing(sockets.reserved(config.host, config.grpc_port)))
        metrics = None
        if config.metrics_port is not None:
            metrics = held.enter_context(
                closing(sockets.listening(config.host, config.metrics_port))
            )
        about = Started(
            config.host,
            sockets.port_of(rest),
            sockets.port_of(grpc),
            sockets.port_of(metrics) if metrics else None,
            config.workers,
            config.tls is not None,
        )

        def tell() -> None:
            if config.port_file:
                ports = {"rest": about.rest_port, "grpc": about.grpc_port}
                write_json(Path(config.port_file), {**ports, "metrics": about.metrics_port})
            started(about)

        if config.workers == 1:
            run_loop(server.run(config, server.Place(rest, about.grpc_port, metrics), tell))
            return 0
        shared = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="modelwright-")))
        place = server.Place(rest, about.grpc_port, metrics, shared)
        return asyncio.run(supervisor.supervise(config, place, tell))


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)
