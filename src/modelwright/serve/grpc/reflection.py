"""gRPC's reflection service, from which tools such as ``grpcurl`` learn methods and messages.

The package ``grpcio-reflection`` needs a newer protobuf than the rest of this project, and
generated code. The messages of this project describe themselves, so the service is short.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, wrappers_pb2
from google.protobuf.message import DecodeError

from modelwright.serve.errors import GRPC
from modelwright.serve.grpc.health import HEALTH
from modelwright.serve.grpc.model_management import MODEL
from modelwright.serve.grpc.prediction import PREDICTION
from modelwright.wire import messages

REFLECTION = "grpc.reflection.v1.ServerReflection"
REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection"
"""The older name of the same messages, which many clients still ask for."""
METHOD = "ServerReflectionInfo"


class MethodTypes(NamedTuple):
    """The messages of a method, by their names without the package."""

    request: str
    response: str
    streams: tuple[bool, bool] = (False, False)
    """Whether the client and the server send several."""


SERVICES: Mapping[str, Mapping[str, MethodTypes]] = {
    PREDICTION: {
        "Classify": MethodTypes("ClassificationRequest", "ClassificationResponse"),
        "Regress": MethodTypes("RegressionRequest", "RegressionResponse"),
        "Predict": MethodTypes("PredictRequest", "PredictResponse"),
        "MultiInference": MethodTypes("MultiInferenceRequest", "MultiInferenceResponse"),
        "GetModelMetadata": MethodTypes("GetModelMetadataRequest", "GetModelMetadataResponse"),
    },
    MODEL: {
        "GetModelStatus": MethodTypes("GetModelStatusRequest", "GetModelStatusResponse"),
        "HandleReloadConfigRequest": MethodTypes("ReloadConfigRequest", "ReloadConfigResponse"),
    },
    HEALTH: {
        "Check": MethodTypes("HealthCheckRequest", "HealthCheckResponse"),
        "Watch": MethodTypes("HealthCheckRequest", "HealthCheckResponse", (False, True)),
    },
    REFLECTION: {
        METHOD: MethodTypes("ServerReflectionRequest", "ServerReflectionResponse", (True, True)),
    },
}
"""The methods of every service in a server's list."""


class ReflectionMethods:
    """Answers questions about the services."""

    def __init__(self) -> None:
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Ends every stream, because a stopping server waits for them."""
        self._stopped.set()

    async def info(self, contents: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Yields an answer to each question, until the client or the server stops."""
        questions = aiter(contents)
        stopped = asyncio.create_task(self._stopped.wait())
        reading: asyncio.Future[Any] | None = None
        try:
            while True:
                reading = asyncio.ensure_future(anext(questions, None))
                await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done() or (content := reading.result()) is None:
                    return
                yield answer(content)
        finally:
            stopped.cancel()
            if reading:
                reading.cancel()


def answer(content: bytes) -> Any:
    """Returns the answer to one question."""
    response = messages.ServerReflectionResponse()
    try:
        request = messages.ServerReflectionRequest.FromString(content)
    except DecodeError:
        return _error(response, "INVALID_ARGUMENT", "the bytes are no ServerReflectionRequest")
    response.valid_host = request.host
    response.original_request.CopyFrom(request)
    kind = request.WhichOneof("message_request")
    if kind == "list_services":
        for name in sorted(SERVICES):
            response.list_services_response.service.add(name=name)
        return response
    try:
        if kind == "file_by_filename":
            return _add_files(response, _pool().FindFileByName(request.file_by_filename))
        if kind == "file_containing_symbol":
            return _add_files(response, _file_of(request.file_containing_symbol))
        if kind == "all_extension_numbers_of_type":  # the messages here have none
            name = request.all_extension_numbers_of_type
            _pool().FindMessageTypeByName(name)
            response.all_extension_numbers_response.base_type_name = name
            return response
    except KeyError:
        return _error(response, "NOT_FOUND", f"'{getattr(request, kind)[:200]}' is not known here")
    return _error(response, "NOT_FOUND", "expected a file, a symbol or a list of the services")


def _file_of(symbol: str) -> Any:
    """Returns the file of a message, an enum, a service or a method."""
    try:
        return _pool().FindFileContainingSymbol(symbol)
    except KeyError:
        service, _, method = symbol.rpartition(".")
        return _pool().FindServiceByName(service).methods_by_name[method].containing_service.file


def _add_files(response: Any, file: Any) -> Any:
    """Adds a file and all files that it depends on."""
    waiting, found = [file], {}
    while waiting:
        one = waiting.pop()
        if one.name not in found:
            found[one.name] = one.serialized_pb
            waiting += one.dependencies
    response.file_descriptor_response.file_descriptor_proto.extend(found.values())
    return response


def _error(response: Any, code: str, message: str) -> Any:
    response.error_response.error_code = GRPC[code]
    response.error_response.error_message = message
    return response


@functools.cache
def _pool() -> Any:
    """Returns the files with their services; common messages are in their published files."""
    pool = descriptor_pool.DescriptorPool()
    common = {
        file.name: file.serialized_pb for file in (any_pb2.DESCRIPTOR, wrappers_pb2.DESCRIPTOR)
    }
    for content in common.values():
        pool.AddSerializedFile(content)
    for package in ("tensorflow", "tensorflow.error", "tensorflow.serving"):
        pool.Add(_file(package, list(common)))
    for package in ("grpc.health.v1", "grpc.reflection.v1"):
        pool.Add(_file(package, []))
    return pool


def _file(package: str, common: list[str]) -> Any:
    """Returns the file of a package, with its services."""
    file = descriptor_pb2.FileDescriptorProto()
    messages.pool().FindFileByName(messages.file_name(package)).CopyToProto(file)
    own = messages.file_name("google.protobuf")
    if own in file.dependency:
        kept = [name for name in file.dependency if name != own]
        del file.dependency[:]
        file.dependency.extend([*common, *kept])
    for full_name, methods in SERVICES.items():
        if full_name.rpartition(".")[0] != package:
            continue
        service = file.service.add(name=full_name.rpartition(".")[2])
        for name, types in methods.items():
            service.method.add(
                name=name,
                input_type=f".{package}.{types.request}",
                output_type=f".{package}.{types.response}",
                client_streaming=types.streams[0],
                server_streaming=types.streams[1],
            )
    return file
