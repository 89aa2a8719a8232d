"""A server without sockets and processes: the protocols over a real service and a small fake model.

``InProcessServer`` calls the ASGI application and the gRPC handlers directly. ``MemoryConnection``
feeds bytes to the HTTP protocol, packet by packet, and collects what it writes.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

import grpc
import numpy as np
from server_process import Reply
from uvicorn.server import ServerState

from modelwright.serve.config import ExplainLimits, RequestLimits, ServeConfig, Site
from modelwright.serve.errors import Refused
from modelwright.serve.explanation.explaining_process import start_child
from modelwright.serve.explanation.explanations import Explanations
from modelwright.serve.grpc.api import GrpcApi
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.runner import with_threads
from modelwright.serve.lifecycle.servable import CLASSIFY, PREDICT, REGRESS
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.serve.process.http_server import uvicorn_config
from modelwright.serve.process.shared_model_config import SharedModelConfig
from modelwright.serve.rest.api import RestApi
from modelwright.serve.service.access_log import AccessLog
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.metrics import Metrics, SharedMetrics
from modelwright.serve.service.service import Service
from modelwright.wire import messages

T = TypeVar("T")

PREDICTION = "tensorflow.serving.PredictionService"
MODELS = "tensorflow.serving.ModelService"


class HalfPlusTwo:
    """Computes ``y = x / 2 + 2``; classifies and regresses the feature ``x`` of examples.

    -1 is refused, -2 is a fault of the model, and -3 waits until ``gate`` is set.
    """

    def __init__(self, gate: threading.Event) -> None:
        number = TensorSpec("x", "DT_FLOAT", (-1,))
        text = TensorSpec("examples", "DT_STRING", (-1,))
        scores = TensorSpec("scores", "DT_FLOAT", (-1, 1))
        value = TensorSpec("value", "DT_FLOAT", (-1,))
        self.signatures = {
            "serving_default": Signature(PREDICT, {"x": number}, {"y": number}),
            "classify": Signature(CLASSIFY, {"examples": text}, {"scores": scores}),
            "regress": Signature(REGRESS, {"examples": text}, {"value": value}),
        }
        self.description: dict[str, Any] = {}
        self._gate = gate

    def run(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        (values,) = inputs.values()
        if signature == "serving_default":
            self._stumble(values)
            return {"y": values / 2 + 2}
        x = np.array([_feature(content) for content in values], np.float32)
        y = x / 2 + 2
        return {"scores": y[:, None]} if signature == "classify" else {"value": y}

    def _stumble(self, values: Any) -> None:
        if (values == -1).any():
            raise Refused("INVALID_ARGUMENT", "x is negative")
        if (values == -2).any():
            raise RuntimeError("a secret of the model")
        if (values == -3).any():
            self._gate.wait(10)

    def warm(self) -> int:
        return 0

    def example(self) -> None:
        return None

    def close(self) -> None:
        pass


def _feature(content: bytes) -> float:
    example = messages.Example.FromString(content)
    return float(example.features.feature["x"].float_list.value[0])


class GrpcError(Exception):
    """A gRPC call that was aborted."""

    def __init__(self, code: grpc.StatusCode, details: str, trailer: Sequence[Any]) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code, self.details, self.trailer = code.name, details, dict(trailer)


class _Context:
    """What a handler uses of gRPC's context."""

    def __init__(self, metadata: Iterable[tuple[str, str | bytes]], seconds: float | None) -> None:
        self._metadata, self._seconds = tuple(metadata), seconds

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._metadata

    def time_remaining(self) -> float | None:
        return self._seconds

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailer: Sequence[Any] = ()
    ) -> None:
        raise GrpcError(code, details, trailer)


class InProcessServer:
    """One worker over ``models/half/1``, which a fake loader turns into ``HalfPlusTwo``."""

    def __init__(
        self,
        folder: Path,
        *,
        access: Access | None = None,
        limits: RequestLimits | None = None,
        log: AccessLog | None = None,
        site: Site | None = None,
        explain: ExplainLimits | None = None,
    ) -> None:
        self.root = folder / "models"
        self.add_version(1)
        limits = limits or RequestLimits()
        self.gate = threading.Event()
        self._pool = ThreadPoolExecutor(1)
        self._loop = asyncio.Runner()
        config = ServeConfig(str(self.root), limits=limits)
        config = ServeConfig(
            str(self.root), limits=limits, batching=with_threads(config.batching, 1)
        )
        self.manager = Manager(config, self._pool, self._load)
        metrics = Metrics()
        access = access or Access()
        self.service = Service(self.manager, limits, metrics)
        shared = SharedMetrics(metrics, None, "1")
        model_config = SharedModelConfig(self.manager, self.root, None)
        # At the usual priority, so that tests end on a busy machine, too.
        start = partial(start_child, lambda _: None)
        self.explanations = Explanations(explain, metrics, start) if explain else None
        self.rest_api = RestApi(
            self.service,
            access,
            shared.render,
            self._ready,
            log,
            site or Site(),
            self.explanations,
        )
        self.grpc_api = GrpcApi(self.service, access, model_config.reload, self._ready)
        self.metrics = metrics
        self.look()

    def add_version(self, number: int, model: str = "half") -> None:
        """Adds a version, which answers after the next ``look``."""
        version = self.root / model / str(number)
        version.mkdir(parents=True)
        (version / "saved_model.pb").touch()

    def look(self) -> None:
        """Looks at the models folder once."""
        self.run(self.manager.step(patient=False))

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the server's event loop."""
        return self._loop.run(coroutine)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Sequence[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Sends a REST request, whose body may come in several parts."""
        return self.run(self.asend(method, path, body, headers))

    async def asend(
        self,
        method: str,
        path: str,
        body: bytes | Sequence[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """``send`` as a coroutine."""
        parts = [body] if isinstance(body, bytes) else list(body)
        waiting = [
            {"type": "http.request", "body": part, "more_body": number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.Event().wait()  # a client that sends nothing more
            return waiting.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.rest_api(_scope(method, path, headers or {}), receive, send)
        start, content = sent
        found = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
        return Reply(start["status"], found, content["body"])

    def call(
        self,
        method: str,
        request: Any,
        *,
        key: str = "",
        seconds: float | None = None,
        service: str = PREDICTION,
    ) -> bytes:
        """Calls a gRPC method with a message or with bytes, and returns the bytes of its answer.

        Raises:
            GrpcError: the call is refused.
        """
        handler = self.handler(f"/{service}/{method}")
        assert handler is not None, f"no method {method} of {service}"
        metadata = [("authorization", f"Bearer {key}")] if key else []
        content = request if isinstance(request, bytes) else request.SerializeToString()
        context = _Context(metadata, seconds)
        answer: bytes = handler.response_serializer(self.run(handler.unary_unary(content, context)))
        return answer

    def handler(self, path: str) -> Any:
        """The handler that gRPC finds for a path; None if there is none."""
        details = SimpleNamespace(method=path, invocation_metadata=())
        found = (handler.service(details) for handler in self.grpc_api.handlers())
        return next((handler for handler in found if handler is not None), None)

    def watch(self, content: bytes) -> Any:
        """The stream of gRPC's health service."""
        handler = self.handler("/grpc.health.v1.Health/Watch")
        return handler.unary_stream(content, _Context((), None))

    def close(self) -> None:
        """Unloads the models."""
        self.gate.set()
        if self.explanations:
            self.run(self.explanations.stop())
        self.run(self.manager.stop())
        self._loop.close()
        self._pool.shutdown()

    def _ready(self) -> bool:
        return self.manager.ready

    def _load(self, folder: Path, *_: object) -> LoadedVersion:
        return LoadedVersion(HalfPlusTwo(self.gate), None)


def _scope(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": method,
        "raw_path": path.encode("latin-1"),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()],
        "client": ("10.0.0.7", 1234),
    }


class Written(NamedTuple):
    """What a connection wrote, and whether it was closed."""

    content: bytes
    closed: bool


class _Transport(asyncio.Transport):
    """A transport in memory that collects what is written."""

    def __init__(self) -> None:
        super().__init__({"peername": ("10.0.0.7", 1), "sockname": ("10.0.0.1", 80)})
        self.written = bytearray()
        self.closed = asyncio.Event()
        self.ended = asyncio.Event()
        """Whether the client reads an end: the server closed, or writes no more."""
        self.aborted = False
        self.unread = 0

    def write(self, data: Any) -> None:
        if self.ended.is_set() and not self.closed.is_set():
            raise RuntimeError("Cannot call write() after write_eof()")
        if not self.closed.is_set():
            self.written += data

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def close(self) -> None:
        self.closed.set()
        self.ended.set()

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended.set()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class MemoryConnection:
    """One HTTP connection to an application, without a socket. Use it in an event loop."""

    def __init__(self, app: Any, limits: RequestLimits) -> None:
        config = uvicorn_config(app, limits)
        self._state = ServerState()
        kind: Any = config.http_protocol_class
        self.protocol = kind(config=config, server_state=self._state, app_state={})
        self.transport = _Transport()
        self.protocol.connection_made(self.transport)

    async def receive(self, *packets: bytes) -> None:
        """Gives the packets to the protocol one by one, and waits for the requests in them."""
        for packet in packets:
            self.protocol.data_received(packet)
            await self.settle()

    async def settle(self) -> None:
        """Waits for the requests that have arrived, or as long as they wait for more bytes."""
        for _ in range(3):
            if self._state.tasks:
                await asyncio.wait(set(self._state.tasks), timeout=0.05)
            await asyncio.sleep(0)

    async def until_closed(self, seconds: float = 5.0) -> Written:
        """Waits until the client reads the end of the connection."""
        await asyncio.wait_for(self.transport.ended.wait(), seconds)
        return self.written()

    def written(self) -> Written:
        """What has been written so far."""
        return Written(bytes(self.transport.written), self.transport.ended.is_set())
