"""Servers as child processes: start, wait until they answer, memory, stop."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from served.client import HOST

BENCHMARKS = Path(__file__).parents[1]
READY = 120.0
"""Seconds that a server may take to answer."""
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


@dataclass
class Server:
    """A running server and where it listens; ``ready`` is the seconds from the command to 200."""

    process: subprocess.Popen[bytes]
    log: Path
    rest: int
    grpc: int | None = None
    ready: float = 0.0

    def workers(self) -> list[Any]:
        """Its child processes, as psutil has them; the process itself where it has none."""
        import psutil

        root = psutil.Process(self.process.pid)
        # What multiprocessing starts to keep count of its resources serves nobody.
        alike = [child for child in root.children() if "resource_tracker" not in _line(child)]
        return alike or [root]

    def memory(self) -> dict[str, Any]:
        """Resident and proportional memory of every process of it, in MiB."""
        import psutil

        root = psutil.Process(self.process.pid)
        processes = []
        for process in [root, *root.children(recursive=True)]:
            try:
                memory = process.memory_full_info()
            except psutil.Error:
                continue
            processes.append(
                {
                    "pid": process.pid,
                    "supervises": process.pid == root.pid and len(self.workers()) > 1,
                    "rss_mib": memory.rss / 2**20,
                    "pss_mib": memory.pss / 2**20,
                }
            )
        return {
            "processes": processes,
            "rss_mib": sum(process["rss_mib"] for process in processes),
            "pss_mib": sum(process["pss_mib"] for process in processes),
        }

    def cpu_seconds(self) -> float:
        """What all its processes have used of the processor until now."""
        import psutil

        root = psutil.Process(self.process.pid)
        times = [one.cpu_times() for one in (root, *root.children(recursive=True))]
        return sum(float(one.user + one.system) for one in times)

    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def said(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text("utf-8", "replace")[-3_000:]

    def stop(self, patience: float = 20.0) -> int:
        """Ask it to end, and after a while make it; its exit status."""
        if self.alive():
            self.process.terminate()
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def modelwright(
    models: Path,
    *,
    workers: int = 1,
    poll: float = 1.0,
    core: int | None = None,
    options: Sequence[str] = (),
) -> Iterator[Server]:
    """``modelwright serve`` on free ports, ready.

    Args:
        models: the folder that is served.
        workers: processes that answer.
        poll: seconds between two looks at the folder.
        core: the only one that it may run on; any where it is None.
        options: others of the command.
    """
    with tempfile.TemporaryDirectory() as temporary:
        ports = Path(temporary) / "ports.json"
        command = [sys.executable, "-m", "modelwright", "serve", str(models)]
        command += ["--rest-port", "0", "--grpc-port", "0", "--port-file", str(ports)]
        command += ["--workers", str(workers), "--poll", str(poll), *options]
        server = _start(command, Path(temporary) / "log", core)
        try:
            started = time.perf_counter()
            while not ports.exists():
                _wait(server, started)
            given = json.loads(ports.read_text("utf-8"))
            server.rest, server.grpc = given["rest"], given["grpc"]
            while not answers(server.rest, "GET", "/readyz"):
                _wait(server, started)
            server.ready = time.perf_counter() - started
            yield server
        finally:
            server.stop()


@contextmanager
def side(
    command: Sequence[str], folder: Path, body: bytes, *, core: int | None = None
) -> Iterator[Server]:
    """A side of ``served.sides`` with one servable, ready: it has answered ``body``.

    Args:
        command: the Python, the side's name, and its options.
        folder: the servable.
        body: of a request that it can answer.
        core: the only one that it may run on.
    """
    python, name, *options = command
    port = free_port()
    command = [python, "-m", f"served.sides.{name}", str(folder), str(port), *options]
    with tempfile.TemporaryDirectory() as temporary:
        server = _start(command, Path(temporary) / "log", core)
        server.rest = port
        try:
            started = time.perf_counter()
            while not answers(port, "POST", "/predict", body):
                _wait(server, started)
            server.ready = time.perf_counter() - started
            yield server
        finally:
            server.stop()


def answers(port: int, method: str, path: str, body: bytes | None = None) -> bool:
    """Whether there is an answer with status 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def pin(core: int | None) -> None:
    """Let this process run on one core only, where the system can."""
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def _start(command: Sequence[str], log: Path, core: int | None) -> Server:
    environment: Mapping[str, str] = {**os.environ, **_ENVIRONMENT}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=BENCHMARKS,
            env=environment,
            preexec_fn=lambda: pin(core),
        )
    return Server(process, log, 0)


def _wait(server: Server, started: float) -> None:
    if not server.alive() or time.perf_counter() - started > READY:
        command = " ".join(map(str, server.process.args))  # type: ignore[arg-type]
        raise SystemExit(f"the server did not get ready: {command}\n{server.said()}")
    time.sleep(0.005)


def _line(process: Any) -> str:
    import psutil

    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
