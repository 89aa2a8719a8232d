"""The clients of a soak: requests of every kind, over and over, each answer checked."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from served.client import HOST, Answer, Connection, connect, http, quantile
from served.rows import body
from served.store import Store

KINDS = {"predict": 60, "batch": 15, "columns": 10, "status": 8, "metadata": 7}
"""How often each kind of request comes."""
BATCH = 8
VERSION = "x-model-version"


class WrongAnswerError(Exception):
    """An answer that is not right."""


@dataclass
class Tally:
    """What happened; ``seen`` is the last version that answered for each model, and when."""

    requests: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    wrong: int = 0
    retried: int = 0
    latencies: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    seen: dict[str, tuple[int, float]] = field(default_factory=dict)
    killing: bool = False
    """Whether a worker was killed just now: its connections break, and are tried once more."""
    over: bool = False

    def fail(self, reason: str, error: object) -> None:
        """Count a failure and keep the first ones."""
        self.failed[reason] += 1
        self._keep(f"{reason}: {error}")

    def mistake(self, error: object) -> None:
        """Count a wrong answer and keep the first ones."""
        self.wrong += 1
        self._keep(f"wrong: {error}")

    def figures(self) -> dict[str, Any]:
        """For the results."""
        return {
            "requests": sum(self.requests.values()),
            "by_kind": dict(self.requests),
            "failed": sum(self.failed.values()),
            "failures": dict(self.failed),
            "wrong": self.wrong,
            "retried_after_kill": self.retried,
            "examples": self.examples,
            "p50_ms": quantile(self.latencies, 0.5),
            "p99_ms": quantile(self.latencies, 0.99),
            "max_ms": quantile(self.latencies, 1.0),
        }

    def _keep(self, text: str) -> None:
        if len(self.examples) < 20:
            self.examples.append(f"{time.strftime('%H:%M:%S')} {text[:400]}")


RETRIES = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)
"""What gRPC's guide has every client set: a server that ends asks for it with UNAVAILABLE."""


async def rest(port: int, store: Store, tally: Tally, seed: int, pause: float) -> None:
    """One client over REST, until it is over."""
    chosen = random.Random(seed)  # noqa: S311 - a choice of requests, no secret
    connection: Connection | None = None
    while not tally.over:
        name = chosen.choice(sorted(store.origin))
        kind = chosen.choices(list(KINDS), list(KINDS.values()))[0]
        data, check = _request(store, name, kind, chosen)
        tally.requests[kind] += 1
        started = time.perf_counter()
        answer, connection = await _ask(port, connection, data, tally)
        if answer is not None:
            tally.latencies.append(time.perf_counter() - started)
            _judge(answer, check, name, tally)
        await asyncio.sleep(pause * chosen.random())


async def grpc(port: int, store: Store, tally: Tally, seed: int, pause: float) -> None:
    """One client over gRPC, until it is over."""
    import numpy as np
    from grpc import StatusCode, aio

    from modelwright.wire import messages, tensors

    chosen = random.Random(seed)  # noqa: S311 - a choice of requests, no secret
    # Each client with a connection of its own, so that each worker has some.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.service_config", RETRIES)]
    async with aio.insecure_channel(f"{HOST}:{port}", options) as channel:
        predict = channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=messages.PredictResponse.FromString,
        )
        while not tally.over:
            name = chosen.choice(sorted(store.origin))
            inputs = store.rows(name, min(store.origin[name])) or []
            places = chosen.sample(range(len(inputs)), chosen.choice((1, BATCH)))
            ((key, _),) = inputs[0].instance.items()
            given = [_bytes(inputs[place].instance[key]) for place in places]
            request = messages.PredictRequest()
            request.model_spec.name = name
            tensors.to_proto(np.array(given, object), request.inputs[key])
            tally.requests["grpc"] += 1
            for attempt in (1, 2):
                try:
                    # The second time it waits for a connection: the broken one may still be known.
                    answer = await predict(request, timeout=30, wait_for_ready=attempt == 2)
                except aio.AioRpcError as error:
                    broken = error.code() is StatusCode.UNAVAILABLE
                    if attempt == 1 and tally.killing and broken:
                        tally.retried += 1
                        continue
                    tally.fail(f"grpc {error.code().name}", error.details())
                    break
                outputs = {key: tensors.to_array(value) for key, value in answer.outputs.items()}
                predictions = [
                    {"label": label.decode(), "probabilities": chances.tolist()}
                    for label, chances in zip(
                        outputs["label"], outputs["probabilities"], strict=True
                    )
                ]
                try:
                    _compare(store, name, answer.model_spec.version.value, places, predictions)
                except WrongAnswerError as error:
                    tally.mistake(error)
                break
            await asyncio.sleep(pause * chosen.random())


async def _ask(
    port: int, connection: Connection | None, data: bytes, tally: Tally
) -> tuple[Answer | None, Connection | None]:
    """One request; tried again only where its connection broke while a worker was killed."""
    for attempt in (1, 2):
        reused = connection is not None and connection.reused
        try:
            if connection is None or not connection.open:
                connection = await connect(port)
            return await connection.ask(data), connection
        except (OSError, TimeoutError) as error:
            if connection is not None:
                connection.close()
                connection = None
            if attempt == 1 and tally.killing and not isinstance(error, TimeoutError):
                tally.retried += 1
                continue
            kind = f"{type(error).__name__} {'on a kept' if reused else 'on a new'} connection"
            tally.fail(kind, error)
            break
    return None, connection


def _judge(answer: Answer, check: Callable[[Answer], int | None], name: str, tally: Tally) -> None:
    if answer.status != 200:
        tally.fail(f"status {answer.status}", answer.body[:300])
        return
    try:
        version = check(answer)
    except (WrongAnswerError, ValueError, KeyError, TypeError, IndexError) as error:
        tally.mistake(f"{type(error).__name__} {error}; {answer.headers}")
        return
    if version is not None:
        tally.seen[name] = (version, time.perf_counter())


def _request(
    store: Store, name: str, kind: str, chosen: random.Random
) -> tuple[bytes, Callable[[Answer], int | None]]:
    """The bytes, and what gives the version that answered, or raises."""
    path = f"/v1/models/{name}"
    if kind == "status":
        return http("GET", path), lambda answer: _status(store, name, answer)
    if kind == "metadata":
        return http("GET", f"{path}/metadata"), lambda answer: _metadata(store, name, answer)
    inputs = store.rows(name, min(store.origin[name])) or []
    places = chosen.sample(range(len(inputs)), BATCH if kind != "predict" else 1)
    rows = [inputs[place] for place in places]

    def check(answer: Answer) -> int:
        given = json.loads(answer.body)
        predictions = given["predictions"] if kind != "columns" else _rows(given["outputs"])
        version = int(answer.headers[VERSION])
        _compare(store, name, version, places, predictions)
        return version

    content = body(rows)
    if kind == "columns":
        ((key, _),) = rows[0].instance.items()
        content = json.dumps({"inputs": {key: [row.instance[key] for row in rows]}}).encode()
    return http("POST", f"{path}:predict", content), check


def _compare(
    store: Store, name: str, version: int, places: list[int], predictions: list[Any]
) -> None:
    expected = store.rows(name, version)
    if expected is None:
        raise WrongAnswerError(f"{name}: version {version} answered, which never was a good one")
    if len(predictions) != len(places):
        raise WrongAnswerError(f"{name}: {len(predictions)} answers to {len(places)} rows")
    for place, prediction in zip(places, predictions, strict=True):
        if problem := expected[place].wrong(prediction):
            raise WrongAnswerError(f"{name}, version {version}: {problem}")


def _status(store: Store, name: str, answer: Answer) -> None:
    versions = json.loads(answer.body)["model_version_status"]
    ready = [int(entry["version"]) for entry in versions if entry["state"] == "AVAILABLE"]
    if not ready or not set(ready) <= store.origin[name].keys():
        raise WrongAnswerError(f"{name}: available {ready}")


def _metadata(store: Store, name: str, answer: Answer) -> None:
    given = json.loads(answer.body)
    if int(given["model_spec"]["version"]) not in store.origin[name]:
        raise WrongAnswerError(f"{name}: metadata of {given['model_spec']}")
    if "serving_default" not in given["metadata"]["signature_def"]["signature_def"]:
        raise WrongAnswerError(f"{name}: metadata without serving_default")


def _rows(outputs: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Column form to row form."""
    return [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]


def _bytes(value: Any) -> bytes:
    import base64

    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value).encode()
