"""TensorFlow Serving's gRPC interface: its methods by name, API keys, deadlines, error statuses.

The methods are registered under the published names of the services. Their messages are this
project's own, and have the same bytes as the published ones.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio

from modelwright.serve.errors import GRPC, Refused
from modelwright.serve.grpc.conversion import model_name, parse_message, serialize_message
from modelwright.serve.grpc.health import HEALTH, HealthMethods
from modelwright.serve.grpc.model_management import MODEL, ModelMethods
from modelwright.serve.grpc.prediction import PREDICTION, PredictionMethods
from modelwright.serve.grpc.reflection import (
    METHOD,
    REFLECTION,
    REFLECTION_ALPHA,
    ReflectionMethods,
)
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.metrics import LATENCY
from modelwright.serve.service.service import Service
from modelwright.wire import messages

_LONGEST = 1024
"""Characters of an error message, as TensorFlow Serving cuts them."""
_CUT = "...TRUNCATED"
_CODES = {code.value[0]: code for code in grpc.StatusCode}
_ADMIN_METHODS = ("HandleReloadConfigRequest",)

Method = Callable[[Any, float], Awaitable[Any]]

_log = logging.getLogger("modelwright.serve")


class GrpcApi:
    """The gRPC services of one worker."""

    def __init__(
        self,
        service: Service,
        access: Access,
        reload: Callable[[Any], Awaitable[None]],
        ready: Callable[[], bool],
    ) -> None:
        """Connects the services to their methods.

        Args:
            service: the models.
            access: the API keys.
            reload: serves the models of a ``ModelServerConfig``.
            ready: whether the server is ready for requests.
        """
        self._service = service
        self._access = access
        self._stopping = False
        self._prediction = PredictionMethods(service)
        self._models = ModelMethods(service, reload)
        self._reflection = ReflectionMethods()
        self._health = HealthMethods(
            lambda: ready() and not self._stopping, (PREDICTION, MODEL, HEALTH)
        )

    def stop(self) -> None:
        """Refuses new requests as UNAVAILABLE, so that clients try again elsewhere."""
        self._stopping = True
        self._health.stop()
        self._reflection.stop()

    def handlers(self) -> list[Any]:
        """Returns what ``grpc.aio.Server.add_generic_rpc_handlers`` takes."""
        prediction = {
            "Predict": (self._prediction.predict, messages.PredictRequest),
            "Classify": (self._prediction.classify, messages.ClassificationRequest),
            "Regress": (self._prediction.regress, messages.RegressionRequest),
            "MultiInference": (self._prediction.multi_inference, messages.MultiInferenceRequest),
            "GetModelMetadata": (self._prediction.metadata, messages.GetModelMetadataRequest),
        }
        models = {
            "GetModelStatus": (self._models.status, messages.GetModelStatusRequest),
            "HandleReloadConfigRequest": (self._models.reload, messages.ReloadConfigRequest),
        }
        health = {
            "Check": grpc.unary_unary_rpc_method_handler(
                self._health.check, None, serialize_message
            ),
            "Watch": grpc.unary_stream_rpc_method_handler(
                self._health.watch, None, serialize_message
            ),
        }
        reflection = {
            METHOD: grpc.stream_stream_rpc_method_handler(self._reflect, None, serialize_message)
        }
        return [
            grpc.method_handlers_generic_handler(PREDICTION, self._unary(prediction)),
            grpc.method_handlers_generic_handler(MODEL, self._unary(models)),
            grpc.method_handlers_generic_handler(HEALTH, health),
            *(
                grpc.method_handlers_generic_handler(name, reflection)
                for name in (REFLECTION, REFLECTION_ALPHA)
            ),
        ]

    async def _reflect(self, contents: Any, context: Any) -> AsyncIterator[Any]:
        """Describes the services to a client that has a key, if the server has keys."""
        try:
            self._access.admit(_authorization(context))
        except Refused as error:
            await context.abort(_CODES[GRPC[error.code]], _cut(error.message), _trailer(error))
        async for response in self._reflection.info(contents):
            yield response

    def _unary(self, methods: Mapping[str, tuple[Method, Any]]) -> dict[str, Any]:
        return {
            name: grpc.unary_unary_rpc_method_handler(
                self._guarded(name, method, request), None, serialize_message
            )
            for name, (method, request) in methods.items()
        }

    def _guarded(
        self, name: str, method: Method, request_type: Any
    ) -> Callable[[bytes, Any], Awaitable[Any]]:
        """Returns a handler that checks the key and answers errors as gRPC statuses."""

        async def answer(content: bytes, context: Any) -> Any:
            start = time.monotonic()
            try:
                if self._stopping:
                    raise Refused("UNAVAILABLE", "This server is stopping; ask again.")
                self._access.admit(_authorization(context), admin=name in _ADMIN_METHODS)
                with self._service.pending.lease() as lease:
                    lease.take(len(content))
                    request = parse_message(request_type, content)
                    response = await method(request, start + self._seconds(context))
            except Refused as error:
                await context.abort(_CODES[GRPC[error.code]], _cut(error.message), _trailer(error))
            except Exception:  # noqa: BLE001 - logged; the client learns that it failed, not how
                _log.exception("%s failed", name)
                await context.abort(grpc.StatusCode.INTERNAL, "The request could not be answered.")
            else:
                self._service.metrics.histogram(
                    LATENCY, model_name=model_name(request), API=name, entrypoint="GRPC"
                ).add((time.monotonic() - start) * 1e6)
                return response

        return answer

    def _seconds(self, context: Any) -> float:
        """Returns the seconds that a request may take: the server's limit, or the client's."""
        limit = self._service.limits.seconds
        remaining = context.time_remaining()
        return limit if remaining is None else min(limit, remaining)


def _authorization(context: Any) -> str | None:
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST else message[: _LONGEST - len(_CUT)] + _CUT


def _trailer(error: Refused) -> tuple[tuple[str, str], ...]:
    if error.retry_after is None:
        return ()
    return (("retry-after", f"{error.retry_after:.3f}"),)
