"""Starts a server: a single worker in this process, several in processes of their own."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from modelwright.core.blocks import Block, Note
from modelwright.core.errors import MissingDependencyError
from modelwright.core.files import write_json
from modelwright.core.report import Report
from modelwright.serve.config import ServeConfig, check_config
from modelwright.serve.process.signals import end_process, ending_on_stop

T = TypeVar("T")


@dataclass(frozen=True)
class ServerReport(Report):
    """The addresses of a server that has started, and its number of workers."""

    host: str
    rest_port: int
    grpc_port: int
    metrics_port: int | None
    workers: int
    tls: bool
    rest_socket: str | None = None
    """The file on which REST listens in place of a port, which is then 0."""
    grpc_socket: str | None = None

    def ports(self) -> dict[str, Any]:
        """Returns the content of a port file; None for a port that a socket file replaces."""
        ports = {"rest": self.rest_port or None, "grpc": self.grpc_port or None}
        files = {"rest_socket": self.rest_socket, "grpc_socket": self.grpc_socket}
        return {**ports, "metrics": self.metrics_port, **{k: v for k, v in files.items() if v}}

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return asdict(self)

    def blocks(self) -> Sequence[Block]:
        """Returns a line for each address."""
        from modelwright.serve.process.sockets import format_address

        scheme = "https" if self.tls else "http"
        rest = f"{scheme}://{format_address(self.host, self.rest_port)}/"
        if self.rest_socket:
            rest = f"unix:{self.rest_socket}"
        grpc = format_address(self.host, self.grpc_port)
        if self.grpc_socket:
            grpc = f"unix:{quote(self.grpc_socket)}"  # clients of gRPC take a URI
        lines = [
            f"REST and a page to try the models: {rest}",
            f"gRPC: {grpc}",
        ]
        if self.metrics_port is not None:
            lines.append(
                f"metrics: http://{format_address(self.host, self.metrics_port)}"
                "/monitoring/prometheus/metrics"
            )
        if self.workers > 1:
            lines.append(f"workers: {self.workers}")
        return [Note("\n".join(lines))]


def serve(config: ServeConfig, started: Callable[[ServerReport], None]) -> int:
    """Serves until SIGTERM or SIGINT, and returns the exit code.

    If it is told to stop while a thread loads a model, it ends the process.

    Args:
        config: what to serve, and where.
        started: called once, when the models answer.

    Raises:
        ConfigError: the config cannot be served.
        MissingDependencyError: a package of the extra ``serve`` is not installed.
    """
    with ending_on_stop():
        check_config(config)
        code, loading = _serve(config, started)
    if loading:
        end_process()
    return code


def _serve(config: ServeConfig, started: Callable[[ServerReport], None]) -> tuple[int, bool]:
    """Returns the exit code, and whether a thread still loads a model."""
    try:
        from modelwright.serve.process import server, sockets, supervisor
    except ImportError as error:
        raise MissingDependencyError(
            f"serving needs {error.name}, which is not installed; install with: pip install"
            " 'modelwright[serve]'."
        ) from None
    with ExitStack() as stack:
        listen = sockets.open_listening_socket
        rest = stack.enter_context(sockets.rest_socket(config))
        grpc_port = stack.enter_context(sockets.grpc_port(config))
        metrics = None
        if config.metrics_port is not None:
            metrics = stack.enter_context(closing(listen(config.host, config.metrics_port)))
        report = ServerReport(
            config.host,
            sockets.port_of(rest),
            grpc_port,
            sockets.port_of(metrics) if metrics else None,
            config.workers,
            config.tls is not None,
            config.unix_socket,
            config.grpc_unix_socket,
        )

        def announce() -> None:
            if config.port_file:
                write_json(Path(config.port_file), report.ports())
            started(report)

        if config.workers == 1:
            worker_sockets = server.WorkerSockets(rest, report.grpc_port, metrics)
            return 0, run_event_loop(server.run_worker(config, worker_sockets, announce))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="modelwright-"))
        worker_sockets = server.WorkerSockets(rest, report.grpc_port, metrics, Path(folder))
        return asyncio.run(supervisor.supervise(config, worker_sockets, announce)), False


def run_event_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on uvloop if it is installed, else on asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    result: T = uvloop.run(coroutine)
    return result
