"""gRPC reflection: a client that knows no message finds the methods and calls one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from in_process import GrpcError, InProcessServer, _Context

from modelwright.serve.grpc.reflection import METHOD, REFLECTION, REFLECTION_ALPHA, SERVICES, answer
from modelwright.serve.service.api_keys import read_api_keys
from modelwright.wire import messages

KEY = "k" * 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InProcessServer]:
    started = InProcessServer(tmp_path)
    yield started
    started.close()


def question(**fields: Any) -> bytes:
    content: bytes = messages.ServerReflectionRequest(**fields).SerializeToString()
    return content


def ask(server: InProcessServer, *contents: bytes, key: str = "", name: str = REFLECTION) -> Any:
    """Returns the answers of one stream."""
    handler = server.handler(f"/{name}/{METHOD}")

    async def sent() -> AsyncIterator[bytes]:
        for content in contents:
            yield content

    async def collect() -> list[Any]:
        context = _Context([("authorization", f"Bearer {key}")] if key else [], None)
        return [one async for one in handler.stream_stream(sent(), context)]

    return server.run(collect())


@pytest.mark.parametrize("name", [REFLECTION, REFLECTION_ALPHA])
def test_a_client_without_messages_finds_a_method_and_calls_it(
    server: InProcessServer, name: str
) -> None:
    listed, found = ask(
        server,
        question(list_services="*"),
        question(file_containing_symbol="tensorflow.serving.PredictionService"),
        name=name,
    )
    assert {one.name for one in listed.list_services_response.service} == SERVICES.keys()
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(content)
        for content in found.file_descriptor_response.file_descriptor_proto
    ]
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()
    while len(added) < len(files):
        for file in files:
            if file.name not in added and set(file.dependency) <= added:
                pool.Add(file)
                added.add(file.name)
    method = pool.FindServiceByName("tensorflow.serving.PredictionService").methods_by_name[
        "Predict"
    ]
    request = message_factory.GetMessageClass(method.input_type)()
    request.model_spec.name = "half"
    request.inputs["x"].dtype = 1
    request.inputs["x"].tensor_shape.dim.add(size=1)
    request.inputs["x"].float_val.append(4.0)
    response = message_factory.GetMessageClass(method.output_type)
    read = response.FromString(server.call("Predict", request.SerializeToString()))
    assert read.model_spec.version.value == 1 and "y" in read.outputs


def test_every_method_is_described(server: InProcessServer) -> None:
    for service, methods in SERVICES.items():
        for name, types in methods.items():
            handler = server.handler(f"/{service}/{name}")
            assert (handler.request_streaming, handler.response_streaming) == types.streams
            assert getattr(messages, types.request) and getattr(messages, types.response)
        assert server.handler(f"/{service}/Other") is None


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        ({"file_containing_symbol": "tensorflow.serving.ModelService.GetModelStatus"}, 5),
        ({"file_containing_symbol": "tensorflow.DataType"}, 1),
        ({"file_containing_symbol": "google.protobuf.Any"}, 1),
        ({"file_by_filename": "google/protobuf/wrappers.proto"}, 1),
        ({"file_by_filename": "modelwright/grpc.health.v1.proto"}, 1),
    ],
    ids=str,
)
def test_files_are_found_with_those_that_they_need(fields: dict[str, str], files: int) -> None:
    content = question(**fields)
    assert len(answer(content).file_descriptor_response.file_descriptor_proto) == files


def test_what_is_unknown_is_named() -> None:
    for field in ("file_by_filename", "file_containing_symbol", "all_extension_numbers_of_type"):
        error = answer(question(**{field: "no.such"})).error_response
        assert error.error_code == 5 and "'no.such' is not known here" in error.error_message
    assert answer(b"\xff").error_response.error_code == 3
    assert answer(b"").error_response.error_code == 5
    extensions = answer(question(all_extension_numbers_of_type="tensorflow.TensorProto"))
    assert not extensions.all_extension_numbers_response.extension_number


def test_it_needs_a_key_where_a_server_has_keys(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"me {KEY}\n")
    server = InProcessServer(tmp_path, access=read_api_keys(tmp_path / "keys", 0.0))
    try:
        with pytest.raises(GrpcError, match="UNAUTHENTICATED: No valid API key"):
            ask(server, question(list_services=""))
        assert len(ask(server, question(list_services=""), key=KEY)) == 1
    finally:
        server.close()


def test_an_open_stream_ends_when_the_server_stops(server: InProcessServer) -> None:
    handler = server.handler(f"/{REFLECTION}/{METHOD}")

    async def silent() -> AsyncIterator[bytes]:
        yield question(list_services="")
        await asyncio.Event().wait()

    async def talk() -> int:
        stream = handler.stream_stream(silent(), _Context([], None))
        await anext(stream)
        server.grpc_api.stop()
        return len([one async for one in stream])

    assert server.run(asyncio.wait_for(talk(), 5)) == 0
