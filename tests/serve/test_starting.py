"""A server that starts: it answers probes at once, and a stop signal ends it at any time."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_models import Fake, Models
from server_process import until

from modelwright.serve.config import ServeConfig
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.process import server, signals, supervisor
from modelwright.serve.process.sockets import open_listening_socket, port_of, reserve_port
from modelwright.serve.process.starting import answering_probes


async def get(port: int, path: str, method: str = "GET") -> tuple[int, Any]:
    """The status and the document of an answer; None for an answer without a body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split()[1]), json.loads(body) if body else None


@pytest.fixture
def config(models: Models, monkeypatch: pytest.MonkeyPatch) -> ServeConfig:
    for name in ("configure_allocator", "freeze_garbage_collector"):
        monkeypatch.setattr(server.memory, name, lambda: None)  # they are for a whole process
    models.add("m", 1)
    return ServeConfig(str(models.root), drain=0.0, poll=0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_probes_are_answered_while_models_load_and_a_stop_does_not_wait_for_them(
    config: ServeConfig, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def load(folder: Path, *_: object, **__: object) -> LoadedVersion:
        loading.set()
        go_on.wait(30)
        return LoadedVersion(Fake(folder), None)

    monkeypatch.setattr(server, "load_version", load)

    async def inside() -> float:
        with (
            closing(open_listening_socket("127.0.0.1", 0)) as rest,
            closing(reserve_port("127.0.0.1", 0)) as grpc,
        ):
            worker_sockets = server.WorkerSockets(rest, port_of(grpc))
            task = asyncio.create_task(server.run_worker(config, worker_sockets, pytest.fail))
            port = port_of(rest)
            status, document = await get(port, "/readyz")
            assert status == 503 and document["status"] == "loading"
            assert document["reason"] == "the models are being loaded"
            assert await get(port, "/healthz") == (200, {"status": "alive"})
            status, document = await get(port, "/v1/models/m/metadata")
            assert status == 503 and "try again later" in document["error"]
            assert await asyncio.to_thread(loading.wait, 10)
            started = time.monotonic()
            os.kill(os.getpid(), number)
            assert await asyncio.wait_for(task, 10) is True
            return time.monotonic() - started

    try:
        assert asyncio.run(inside()) < 5
    finally:
        go_on.set()


def test_a_model_that_is_loaded_answers_while_another_one_loads(
    config: ServeConfig, models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.add("slow", 1)
    go_on = threading.Event()

    def load(folder: Path, *_: object, **__: object) -> LoadedVersion:
        if "slow" in folder.parts:
            go_on.wait(30)
        return LoadedVersion(Fake(folder), None)

    monkeypatch.setattr(server, "load_version", load)
    answering = asyncio.Event()

    async def inside() -> None:
        with (
            closing(open_listening_socket("127.0.0.1", 0)) as rest,
            closing(reserve_port("127.0.0.1", 0)) as grpc,
        ):
            worker_sockets = server.WorkerSockets(rest, port_of(grpc))
            run = server.run_worker(config, worker_sockets, answering.set)
            task = asyncio.create_task(run)
            port = port_of(rest)
            while (await get(port, "/v1/models/m/metadata"))[0] != 200:
                await asyncio.sleep(0.01)
            assert (await get(port, "/readyz"))[1]["not_served"] == {"slow": "it is being loaded"}
            go_on.set()
            await asyncio.wait_for(answering.wait(), 10)
            assert (await get(port, "/readyz"))[0] == 200
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0.05)
            assert (await get(port, "/readyz"))[0] == 200
            os.kill(os.getpid(), signal.SIGTERM)
            assert await asyncio.wait_for(task, 10) is False

    asyncio.run(inside())


def test_the_starter_of_several_workers_answers_probes_and_leaves_the_socket(
    config: ServeConfig,
) -> None:
    async def inside() -> None:
        with closing(open_listening_socket("127.0.0.1", 0)) as rest:
            port = port_of(rest)
            async with answering_probes(config, rest):
                status, document = await get(port, "/readyz")
                assert (status, document["status"]) == (503, "loading")
                assert await get(port, "/healthz") == (200, {"status": "alive"})
                assert await get(port, "/healthz", "HEAD") == (200, None)
                status, document = await get(port, "/v1/models/m")
                assert status == 503 and "try again later" in document["error"]
            # The socket still listens: a connection waits for the workers.
            with closing(socket.create_connection(("127.0.0.1", port))):
                rest.setblocking(False)
                accepted, _ = rest.accept()
                accepted.close()

    asyncio.run(inside())


def test_a_stop_signal_ends_a_process_that_has_not_started_to_answer() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with signals.ending_on_stop():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    code = (
        "import os, signal\n"
        "from modelwright.serve.process.signals import ending_on_stop\n"
        "with ending_on_stop(): os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_only_workers_that_handle_it_get_the_hang_up(config: ServeConfig) -> None:
    class Process:
        returncode: int | None = None

        def __init__(self) -> None:
            self.sent: list[int] = []

        def send_signal(self, number: int) -> None:
            self.sent.append(number)

    with closing(open_listening_socket("127.0.0.1", 0)) as rest:
        worker: Any = supervisor.WorkerProcess(config, server.WorkerSockets(rest, 0))
        worker.hang_up()
        worker._process = process = Process()
        worker.hang_up()
        assert process.sent == []
        worker._ready = True
        worker.hang_up()
        process.returncode = 0
        worker.hang_up()
        assert process.sent == [signal.SIGHUP]


@pytest.mark.parametrize(("terminal", "stops"), [((True, False), True), ((True, True), False)])
def test_a_hang_up_stops_a_server_whose_terminal_is_gone(
    monkeypatch: pytest.MonkeyPatch, terminal: tuple[bool, ...], stops: bool
) -> None:
    answers = iter(terminal)
    monkeypatch.setattr(signals, "_is_terminal", lambda: next(answers))
    called: list[bool] = []

    async def inside() -> bool:
        stop = asyncio.Event()
        signals.handle_signals(stop, lambda: called.append(True))
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0.05)
        return stop.is_set()

    assert asyncio.run(inside()) is stops and bool(called) is not stops


def test_settings_of_links_reach_the_workers(config: ServeConfig) -> None:
    given = replace(config, links=("/a", "/b"))
    assert ServeConfig.from_json(given.to_json()) == given


def _can_make_process_1() -> bool:
    command = ["unshare", "-p", "-f", "true"]
    found = shutil.which("unshare") is not None
    return found and subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not _can_make_process_1(), reason="needs the right to make a process 1")
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 1.0, 2.0])
def test_the_first_process_of_a_container_ends_at_once(
    models: Models, tmp_path: Path, seconds: float
) -> None:
    models.root.mkdir()
    serve = [sys.executable, "-m", "modelwright", "serve", str(models.root)]
    command = ["unshare", "-p", "-f", "--kill-child", *serve, "--rest-port", "0", "--grpc-port"]
    with (tmp_path / "log").open("wb") as log:
        outer = subprocess.Popen([*command, "0"], stdout=log, stderr=log)
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    until(lambda: children.read_text().split())
    time.sleep(seconds)
    started = time.monotonic()
    os.kill(int(children.read_text().split()[0]), signal.SIGTERM)
    assert outer.wait(30) == 0 and time.monotonic() - started < 3
