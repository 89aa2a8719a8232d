"""TensorFlow Serving's gRPC services over a ``Service``: prediction, models, health.

Handlers are registered by the services' published names, with this project's own messages, which
have the same bytes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from modelwright.core.errors import ConfigError
from modelwright.serve.config import Tls
from modelwright.serve.errors import GRPC, Refused
from modelwright.serve.lifecycle.served_model import CLASSIFY, REGRESS
from modelwright.serve.service import tf_example
from modelwright.serve.service.api_keys import Access
from modelwright.serve.service.descriptions import signature_map, status_message
from modelwright.serve.service.metrics import LATENCY
from modelwright.serve.service.service import Service, Target
from modelwright.wire import messages, tensors

PREDICTION = "tensorflow.serving.PredictionService"
MODEL = "tensorflow.serving.ModelService"
HEALTH = "grpc.health.v1.Health"
_LONGEST = 1024
_CUT = "...TRUNCATED"
_SERVING, _NOT_SERVING, _UNKNOWN = 1, 2, 3
_WATCH_SECONDS = 0.2
_METADATA = "signature_def"
_ANY = "type.googleapis.com/"
_CODES = {code.value[0]: code for code in grpc.StatusCode}

Handler = Callable[[Any, float], Awaitable[Any]]

_log = logging.getLogger("modelwright.serve")


class GrpcApi:
    """The services of one worker."""

    def __init__(
        self,
        service: Service,
        access: Access,
        reload: Callable[[Any], Awaitable[None]],
        ready: Callable[[], bool],
    ) -> None:
        """``reload`` takes a ``ModelServerConfig``; ``ready`` says whether models answer."""
        self._service = service
        self._access = access
        self._reload_with = reload
        self._ready = ready
        self.closing = False
        """Whether requests are sent elsewhere, which clients that try again understand."""

    def handlers(self) -> list[Any]:
        """For ``grpc.aio.Server.add_generic_rpc_handlers``."""
        prediction = {
            "Predict": (self._predict, messages.PredictRequest),
            "Classify": (self._classify, messages.ClassificationRequest),
            "Regress": (self._regress, messages.RegressionRequest),
            "MultiInference": (self._multi, messages.MultiInferenceRequest),
            "GetModelMetadata": (self._metadata, messages.GetModelMetadataRequest),
        }
        model = {
            "GetModelStatus": (self._status, messages.GetModelStatusRequest),
            "HandleReloadConfigRequest": (self._reload, messages.ReloadConfigRequest),
        }
        health = {
            "Check": grpc.unary_unary_rpc_method_handler(self._check, None, _bytes),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch, None, _bytes),
        }
        return [
            grpc.method_handlers_generic_handler(PREDICTION, self._unary(prediction)),
            grpc.method_handlers_generic_handler(MODEL, self._unary(model)),
            grpc.method_handlers_generic_handler(HEALTH, health),
        ]

    def _unary(self, methods: Mapping[str, tuple[Handler, Any]]) -> dict[str, Any]:
        return {
            name: grpc.unary_unary_rpc_method_handler(
                self._guarded(name, handler, request), None, _bytes
            )
            for name, (handler, request) in methods.items()
        }

    def _guarded(
        self, name: str, handler: Handler, kind: Any
    ) -> Callable[[bytes, Any], Awaitable[Any]]:
        """A handler with keys checked, its time bounded, and refusals as gRPC statuses."""

        async def answer(content: bytes, context: Any) -> Any:
            start = time.monotonic()
            seconds = self._service.limits.seconds
            left = context.time_remaining()
            deadline = start + (seconds if left is None else min(seconds, left))
            try:
                admin = name == "HandleReloadConfigRequest"
                if self.closing:
                    raise Refused("UNAVAILABLE", "This server is stopping; ask again.")
                self._access.admit(_authorization(context), admin=admin)
                request = _parsed(kind, content)
                response = await handler(request, deadline)
            except Refused as error:
                await context.abort(_CODES[GRPC[error.code]], _cut(error.message), _after(error))
            except Exception:  # noqa: BLE001 - logged; the client is told that it failed, not how
                _log.exception("%s failed", name)
                await context.abort(grpc.StatusCode.INTERNAL, "The request could not be answered.")
            else:
                self._service.metrics.histogram(
                    LATENCY, model_name=_model(request), API=name, entrypoint="GRPC"
                ).add((time.monotonic() - start) * 1e6)
                return response

        return answer

    async def _predict(self, request: Any, deadline: float) -> Any:
        target = _target(request.model_spec)
        limit = self._service.limits.elements
        try:
            inputs = {
                name: tensors.to_array(value, limit=limit) for name, value in request.inputs.items()
            }
        except ValueError as error:
            raise Refused("INVALID_ARGUMENT", f"tensor parsing error: {error}") from None
        answer = await self._service.predict(target, inputs, deadline, request.output_filter)
        response = messages.PredictResponse()
        _told(response.model_spec, target, answer.version)
        response.model_spec.signature_name = target.signature or "serving_default"
        for name, values in answer.outputs.items():
            response.outputs[name].CopyFrom(tensors.to_proto(values))
        return response

    async def _classify(self, request: Any, deadline: float) -> Any:
        target = _target(request.model_spec)
        found = await self._service.classify(target, _examples(request.input), deadline)
        response = messages.ClassificationResponse()
        _told(response.model_spec, target, found.version)
        _classes(response.result, found.rows)
        return response

    async def _regress(self, request: Any, deadline: float) -> Any:
        target = _target(request.model_spec)
        found = await self._service.regress(target, _examples(request.input), deadline)
        response = messages.RegressionResponse()
        _told(response.model_spec, target, found.version)
        _values(response.result, found.rows)
        return response

    async def _multi(self, request: Any, deadline: float) -> Any:
        examples = _examples(request.input)
        names = {task.model_spec.name for task in request.tasks}
        if len(names) != 1:
            raise Refused(
                "INVALID_ARGUMENT",
                "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
            )
        response = messages.MultiInferenceResponse()
        asked: set[str] = set()
        for task in request.tasks:
            target = _target(task.model_spec)
            if target.signature in asked:
                raise Refused(
                    "INVALID_ARGUMENT", f"Duplicate evaluation of signature: {target.signature}"
                )
            asked.add(target.signature)
            result = response.results.add()
            if task.method_name == CLASSIFY:
                classes = await self._service.classify(target, examples, deadline)
                _told(result.model_spec, target, classes.version)
                _classes(result.classification_result, classes.rows)
            elif task.method_name == REGRESS:
                values = await self._service.regress(target, examples, deadline)
                _told(result.model_spec, target, values.version)
                _values(result.regression_result, values.rows)
            else:
                raise Refused(
                    "UNIMPLEMENTED",
                    f"Unsupported signature method_name: {task.method_name}; expected {CLASSIFY}"
                    f" or {REGRESS}.",
                )
        return response

    async def _metadata(self, request: Any, deadline: float) -> Any:
        target = _target(request.model_spec)
        if not request.metadata_field:
            raise Refused(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != _METADATA:
                raise Refused("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        version, signatures = self._service.described(target)
        response = messages.GetModelMetadataResponse()
        _told(response.model_spec, target, version.number)
        packed = response.metadata[_METADATA]
        packed.type_url = f"{_ANY}{PREDICTION.rpartition('.')[0]}.SignatureDefMap"
        packed.value = signature_map(signatures).SerializeToString()
        return response

    async def _status(self, request: Any, deadline: float) -> Any:
        target = _target(request.model_spec)
        versions = self._service.manager.status(target.model, target.version, target.label)
        return status_message(versions)

    async def _reload(self, request: Any, deadline: float) -> Any:
        response = messages.ReloadConfigResponse()
        try:
            await self._reload_with(request.config)
        except ConfigError as error:
            raise Refused("INVALID_ARGUMENT", str(error)) from None
        return response

    def _health(self, name: str) -> int:
        if name not in ("", PREDICTION, MODEL, HEALTH):
            return _UNKNOWN
        return _SERVING if self._ready() and not self.closing else _NOT_SERVING

    async def _asked(self, content: bytes, context: Any) -> str:
        """The service that a check of health names."""
        try:
            return str(_parsed(messages.HealthCheckRequest, content).service)
        except Refused as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, error.message)
            raise

    async def _check(self, content: bytes, context: Any) -> Any:
        name = await self._asked(content, context)
        status = self._health(name)
        if status == _UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service '{name[:200]}'")
        return messages.HealthCheckResponse(status=status)

    async def _watch(self, content: bytes, context: Any) -> Any:
        name = await self._asked(content, context)
        told = None
        while True:
            status = self._health(name)
            if status != told:
                told = status
                yield messages.HealthCheckResponse(status=status)
            await asyncio.sleep(_WATCH_SECONDS)


def credentials(tls: Tls) -> grpc.ServerCredentials:
    """Of the port, with clients' certificates asked for where there is a CA.

    Raises:
        ConfigError: a file cannot be read.
    """
    try:
        parts = [open(name, "rb").read() for name in (tls.key, tls.certificate)]  # noqa: PTH123, SIM115
        ca = open(tls.ca, "rb").read() if tls.ca else None  # noqa: PTH123, SIM115
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}.") from None
    return grpc.ssl_server_credentials([(parts[0], parts[1])], ca, require_client_auth=bool(ca))


def _parsed(kind: Any, content: bytes) -> Any:
    """The message, read here and not by gRPC, which tells a client how Python failed."""
    try:
        return kind.FromString(content)
    except DecodeError:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The {len(content):,} bytes of the request are no {kind.DESCRIPTOR.name} message.",
        ) from None


def _bytes(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return content


def _authorization(context: Any) -> str | None:
    for name, value in context.invocation_metadata() or ():
        if name == "authorization":
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return None


def _target(spec: Any) -> Target:
    if not spec.name:
        raise Refused("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    version = spec.version.value if spec.HasField("version") else None
    return Target(spec.name, version, spec.version_label or None, spec.signature_name)


def _model(request: Any) -> str:
    spec = getattr(request, "model_spec", None)
    return spec.name if spec is not None else ""


def _told(spec: Any, target: Target, version: int) -> None:
    spec.name = target.model
    spec.signature_name = target.signature
    spec.version.value = version


def _examples(given: Any) -> list[bytes]:
    found = tf_example.of_input(given)
    if not found:
        raise Refused("INVALID_ARGUMENT", "Input is empty; expected examples.")
    return found


def _classes(result: Any, rows: Any) -> None:
    for row in rows:
        added = result.classifications.add()
        for label, score in row:
            added.classes.add(label=label, score=score)


def _values(result: Any, rows: Any) -> None:
    for value in rows.tolist():
        result.regressions.add(value=value)


def _cut(message: str) -> str:
    return message if len(message) <= _LONGEST else message[: _LONGEST - len(_CUT)] + _CUT


def _after(error: Refused) -> tuple[tuple[str, str], ...]:
    if error.retry_after is None:
        return ()
    return (("retry-after", f"{error.retry_after:.3f}"),)
