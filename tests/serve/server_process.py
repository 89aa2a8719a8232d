"""A client of both protocols, and a server in a process of its own, for the conformance tests.

The gRPC client uses the stubs of the published package, as every client of TensorFlow Serving does.
"""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import grpc

from modelwright.wire import messages

_SERVE = [sys.executable, "-m", "modelwright", "serve"]
START_SECONDS = 180.0
SECONDS = 60.0
_HEALTH = "/grpc.health.v1.Health/Check"


class Reply(NamedTuple):
    """An answer of the REST interface."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body's document; NaN and Infinity are numbers."""
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """The text of a refusal."""
        document = self.json
        assert document.keys() == {"error"}
        return str(document["error"])


class Client:
    """Sends requests to one server."""

    def __init__(self, rest: str, grpc_address: str, key: str = "") -> None:
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        where = urlsplit(rest)
        self.host, self.port = where.hostname or "", where.port or 80
        self.headers = {"authorization": f"Bearer {key}"} if key else {}
        self.metadata = [("authorization", f"Bearer {key}")] if key else []
        self.channel = grpc.insecure_channel(
            grpc_address, [("grpc.max_receive_message_length", -1)]
        )
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def send(
        self,
        method: str,
        path: str,
        body: object = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request on a connection of its own; a body that is no text or bytes becomes JSON."""
        if isinstance(body, str):
            body = body.encode()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        try:
            connection.request(method, path, content or None, {**self.headers, **(headers or {})})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def ask(self, target: str, body: object) -> Reply:
        """``POST /v1/models/TARGET``, as ``half_plus_two:predict``."""
        return self.send("POST", f"/v1/models/{target}", body)

    def get(self, path: str) -> Reply:
        """``GET PATH``."""
        return self.send("GET", path)

    def call(self, method: Callable[..., Any], request: Any) -> Any:
        """One gRPC call with the key, if any."""
        return method(request, timeout=SECONDS, metadata=self.metadata)

    def refusal(self, method: Callable[..., Any], request: Any) -> tuple[str, str]:
        """The name of the status and the details of a call that is refused."""
        try:
            answer = self.call(method, request)
        except grpc.RpcError as error:
            return error.code().name, error.details()  # type: ignore[attr-defined]
        raise AssertionError(f"expected a refusal; the answer was {answer}")

    def health(self, service: str = "") -> int:
        """The status of a service: 1 where it serves."""
        check = self.channel.unary_unary(
            _HEALTH,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=messages.HealthCheckResponse.FromString,
        )
        request = messages.HealthCheckRequest(service=service)
        return int(self.call(check, request).status)

    def states(self, model: str) -> dict[str, str]:
        """A model's versions and their states; empty where there are none."""
        reply = self.get(f"/v1/models/{model}")
        found = reply.json.get("model_version_status", [])
        return {one["version"]: one["state"] for one in found}

    def close(self) -> None:
        """Close the channel."""
        self.channel.close()


@contextmanager
def serving(models: Path, folder: Path, *options: object, key: str = "") -> Iterator[Client]:
    """Starts a server over a folder of models, and yields a client.

    Args:
        models: the folder.
        folder: for its ports and its log.
        options: of the command.
        key: that the client shows.
    """
    ports, log = folder / "ports.json", folder / "log"
    command = [*_SERVE, models, "--rest-port", 0, "--grpc-port", 0, "--port-file", ports, *options]
    with log.open("wb") as file:
        process = subprocess.Popen([*map(str, command)], stdout=file, stderr=file)
    client = None
    try:
        until(lambda: ports.exists() or process.poll() is not None, START_SECONDS)
        if not ports.exists():
            raise AssertionError(f"the server did not start:\n{log.read_text()}")
        numbers = json.loads(ports.read_text())
        rest, grpc_address = (f"127.0.0.1:{numbers[name]}" for name in ("rest", "grpc"))
        client = Client(f"http://{rest}", grpc_address, key)
        yield client
    finally:
        if client:
            client.close()
        process.terminate()
        process.wait(SECONDS)
    logged = log.read_text()
    assert "Traceback" not in logged, logged


def until(condition: Callable[[], object], seconds: float = SECONDS, step: float = 0.05) -> None:
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"the condition did not hold within {seconds:g} s")
        time.sleep(step)


def add_version(servable: Path, model: Path, version: int | str) -> Path:
    """Copy a version into a model's folder as a deployment should: complete, then renamed."""
    model.mkdir(parents=True, exist_ok=True)
    hidden = model / f".{version}.new"
    shutil.copytree(servable, hidden)
    return hidden.rename(model / str(version))


def texts(values: Sequence[bytes]) -> Any:
    """Returns a ``TensorProto`` of texts, in TensorFlow's own class."""
    import tensorflow as tf

    return tf.make_tensor_proto(list(values), tf.string, [len(values)])
