"""A request whose client is gone leaves the queue before a model runs for it, and is counted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from in_process import InProcessServer, MemoryConnection

from modelwright.serve.config import RequestLimits, ServeConfig
from modelwright.serve.process.grpc_server import create_grpc_server
from modelwright.serve.process.sockets import port_of, reserve_port
from modelwright.serve.service.access_log import AccessLog
from modelwright.wire import messages, tensors

SLOW, FAST = -3, 7
LIMITS = RequestLimits(seconds=5.0)


def rest(value: int) -> bytes:
    body = b'{"instances": [%d]}' % value
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


async def ask_and_leave(server: InProcessServer) -> None:
    connection = MemoryConnection(server.rest_api, LIMITS)
    await connection.receive(rest(FAST))
    connection.protocol.connection_lost(None)
    await connection.settle()
    assert connection.written().content == b""


async def call_and_cancel(server: InProcessServer) -> None:
    with reserve_port("127.0.0.1", 0) as bound:
        port = port_of(bound)
        listening = create_grpc_server(
            server.grpc_api.handlers(), ServeConfig(str(server.root)), port
        )
        await listening.start()
    request = messages.PredictRequest()
    request.model_spec.name = "half"
    request.inputs["x"].CopyFrom(tensors.to_proto(np.array([FAST], np.float32)))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        call = method(request.SerializeToString())
        await asyncio.sleep(0.3)
        call.cancel()
        await asyncio.sleep(0.1)
    await listening.stop(None)


@pytest.mark.parametrize("leave", [ask_and_leave, call_and_cancel])
def test_a_request_of_a_gone_client_does_not_run(
    tmp_path: Path, leave: Callable[[InProcessServer], Awaitable[None]]
) -> None:
    server = InProcessServer(tmp_path, limits=LIMITS)
    ran: list[float] = []
    (version,) = server.manager.models["half"].available.values()
    servable: Any = version.servable
    run = servable.run

    def record(signature: str, inputs: Any) -> Any:
        ran.extend(inputs["x"].tolist())
        return run(signature, inputs)

    servable.run = record

    async def crowd() -> int:
        first = asyncio.create_task(
            server.asend("POST", "/v1/models/half:predict", b'{"instances": [-3]}')
        )
        await asyncio.sleep(0.05)  # it runs, and blocks the only thread
        await leave(server)
        server.gate.set()
        return (await first).status

    try:
        assert server.run(crowd()) == 200
        assert ran == [SLOW]
        counter = ':tensorflow:serving:request_count{model_name="half",status="CANCELLED"} 1'
        assert counter in server.metrics.render()
        assert server.service.pending.held == 0
    finally:
        server.close()


def test_a_gone_client_leaves_a_line_in_the_log(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "log"))
    server = InProcessServer(tmp_path, limits=LIMITS, log=log)

    async def leave_early() -> None:
        connection = MemoryConnection(server.rest_api, LIMITS)
        await connection.receive(rest(FAST)[:-3])
        connection.protocol.connection_lost(None)
        await connection.settle()

    try:
        server.run(leave_early())
    finally:
        server.close()
        log.close()
    (line,) = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert line["status"] == 499
