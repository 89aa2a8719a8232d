"""The gRPC interface, called in this process: methods, keys, errors, deadlines, health."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from in_process import MODELS, PREDICTION, GrpcError, InProcessServer

from modelwright.serve.config import RequestLimits
from modelwright.serve.service.api_keys import read_api_keys
from modelwright.wire import messages, tensors

KEY, ADMIN = "k" * 20, "a" * 20
HEALTH = "grpc.health.v1.Health"
CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InProcessServer]:
    started = InProcessServer(tmp_path)
    yield started
    started.close()


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[InProcessServer]:
    """A server with the keys of a reader and an admin, each of two requests at once."""
    (tmp_path / "keys").write_text(f"web {KEY}\nops {ADMIN} admin\n")
    access = read_api_keys(tmp_path / "keys", 2.0, lambda: 0.0)
    started = InProcessServer(tmp_path, access=access)
    yield started
    started.close()


def predict(*values: float, model: str = "half", **spec: Any) -> Any:
    """A predict request."""
    request = messages.PredictRequest()
    request.model_spec.name = model
    if "version" in spec:
        request.model_spec.version.value = spec["version"]
    if "label" in spec:
        request.model_spec.version_label = spec["label"]
    request.model_spec.signature_name = spec.get("signature", "")
    tensors.to_proto(np.array(values, np.float32), request.inputs["x"])
    return request


def with_examples(request: Any, *values: float, signature: str = "") -> Any:
    """The same request with an example for each value."""
    if signature:
        request.model_spec.name, request.model_spec.signature_name = "half", signature
    for value in values:
        example = request.input.example_list.examples.add()
        example.features.feature["x"].float_list.value.append(value)
    return request


def status_of(model: str = "half") -> Any:
    request = messages.GetModelStatusRequest()
    request.model_spec.name = model
    return request


def refused(server: InProcessServer, method: str, request: Any, **more: Any) -> GrpcError:
    with pytest.raises(GrpcError) as caught:
        server.call(method, request, **more)
    return caught.value


def test_predict_answers_with_the_version_and_the_signature(server: InProcessServer) -> None:
    answer = messages.PredictResponse.FromString(server.call("Predict", predict(2, 3)))
    assert tensors.to_array(answer.outputs["y"]).tolist() == [3.0, 3.5]
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("half", 1, "serving_default")


def test_classify_regress_and_several_at_once(server: InProcessServer) -> None:
    request = with_examples(messages.ClassificationRequest(), 2, 20, signature="classify")
    classified = messages.ClassificationResponse.FromString(server.call("Classify", request))
    rows = [[one.score for one in row.classes] for row in classified.result.classifications]
    assert rows == [[3.0], [12.0]]
    request = with_examples(messages.RegressionRequest(), 2, 80, signature="regress")
    regressed = messages.RegressionResponse.FromString(server.call("Regress", request))
    assert [one.value for one in regressed.result.regressions] == [3.0, 42.0]
    several = with_examples(messages.MultiInferenceRequest(), 2)
    for signature, method in (("classify", CLASSIFY), ("regress", REGRESS)):
        task = several.tasks.add(method_name=method)
        task.model_spec.name, task.model_spec.signature_name = "half", signature
    answer = messages.MultiInferenceResponse.FromString(server.call("MultiInference", several))
    first, second = answer.results
    assert first.classification_result.classifications[0].classes[0].score == 3.0
    assert second.regression_result.regressions[0].value == 3.0


def test_metadata_and_states_are_described(server: InProcessServer) -> None:
    request = messages.GetModelMetadataRequest()
    request.model_spec.name = "half"
    request.metadata_field.append("signature_def")
    content = server.call("GetModelMetadata", request)
    packed = messages.GetModelMetadataResponse.FromString(content).metadata["signature_def"]
    assert packed.type_url == "type.googleapis.com/tensorflow.serving.SignatureDefMap"
    signatures = messages.SignatureDefMap.FromString(packed.value).signature_def
    assert set(signatures) == {"serving_default", "classify", "regress"}
    content = server.call("GetModelStatus", status_of(), service=MODELS)
    (state,) = messages.GetModelStatusResponse.FromString(content).model_version_status
    assert (state.version, state.state, state.status.error_code) == (1, 30, 0)


@pytest.mark.parametrize(
    ("request_of", "code", "message"),
    [
        (lambda: predict(1, model=""), "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (lambda: predict(1, model="no"), "NOT_FOUND", "Latest(no)"),
        (lambda: predict(1, version=7), "NOT_FOUND", "Specific(half, 7)"),
        (lambda: predict(1, label="x"), "INVALID_ARGUMENT", "version label: x"),
        (lambda: predict(1, signature="no"), "FAILED_PRECONDITION", '"no" not found'),
        (lambda: predict(-1), "INVALID_ARGUMENT", "x is negative"),
        (lambda: predict(-2), "INTERNAL", "The model could not be run."),
        (lambda: b"\xff\xff", "INVALID_ARGUMENT", "The 2 bytes of the request are no Predict"),
    ],
    ids=["no name", "model", "version", "label", "signature", "refused", "fault", "bytes"],
)
def test_an_error_has_a_status_and_gives_nothing_away(
    server: InProcessServer, request_of: Any, code: str, message: str
) -> None:
    error = refused(server, "Predict", request_of())
    assert error.code == code and message in error.details
    assert "secret" not in error.details and "Traceback" not in error.details


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda request: request.inputs.clear(), "Missing but required: {x}"),
        (lambda request: request.output_filter.append("z"), "not found in signature: z"),
        (lambda request: request.output_filter.extend(["y", "y"]), "duplicate output tensor"),
        (
            lambda request: setattr(request.inputs["x"], "tensor_content", b"\0\0\0"),
            "tensor parsing error: tensor_content has 3 bytes",
        ),
    ],
    ids=["no input", "unknown output", "duplicate output", "short tensor"],
)
def test_inputs_and_outputs_must_be_those_of_the_signature(
    server: InProcessServer, change: Any, message: str
) -> None:
    request = predict(1, 2)
    change(request)
    error = refused(server, "Predict", request)
    assert error.code == "INVALID_ARGUMENT" and message in error.details


def test_requests_without_examples_tasks_or_fields_are_refused(server: InProcessServer) -> None:
    empty = with_examples(messages.ClassificationRequest(), signature="classify")
    assert "Input is empty" in refused(server, "Classify", empty).details
    other = with_examples(messages.RegressionRequest(), 1, signature="classify")
    assert "Expected regression signature" in refused(server, "Regress", other).details
    nothing = with_examples(messages.MultiInferenceRequest(), 1)
    assert "the same model name" in refused(server, "MultiInference", nothing).details
    for method, message, code in (
        (CLASSIFY, "Duplicate evaluation of signature: classify", "INVALID_ARGUMENT"),
        ("tensorflow/serving/predict", "Unsupported signature method_name", "UNIMPLEMENTED"),
    ):
        tasks = with_examples(messages.MultiInferenceRequest(), 1)
        for _ in range(2):
            task = tasks.tasks.add(method_name=method)
            task.model_spec.name, task.model_spec.signature_name = "half", "classify"
        error = refused(server, "MultiInference", tasks)
        assert error.code == code and message in error.details
    metadata = messages.GetModelMetadataRequest()
    metadata.model_spec.name = "half"
    assert "at least one metadata_field" in refused(server, "GetModelMetadata", metadata).details
    metadata.metadata_field.append("other")
    assert "other is not supported" in refused(server, "GetModelMetadata", metadata).details


def test_a_long_message_is_cut_as_tensorflow_serving_cuts_it(server: InProcessServer) -> None:
    error = refused(server, "Predict", predict(1, model="m" * 3000))
    assert len(error.details) == 1024 and error.details.endswith("...TRUNCATED")


def test_an_unknown_method_has_no_handler(server: InProcessServer) -> None:
    assert server.handler(f"/{PREDICTION}/Invent") is None
    assert server.handler("/tensorflow.serving.SessionService/SessionRun") is None


# Deadlines and limits


@pytest.mark.parametrize(
    ("limit", "seconds"), [(0.1, None), (30.0, 0.1), (0.1, 30.0)], ids=["server", "client", "both"]
)
def test_the_earlier_deadline_counts(tmp_path: Path, limit: float, seconds: float | None) -> None:
    server = InProcessServer(tmp_path, limits=RequestLimits(seconds=limit))
    # Unloading waits for the model's run, which must end.
    threading.Timer(1.0, server.gate.set).start()
    error = refused(server, "Predict", predict(-3), seconds=seconds)
    assert error.code == "DEADLINE_EXCEEDED"
    server.close()


def test_a_tensor_over_the_limit_is_refused(tmp_path: Path) -> None:
    server = InProcessServer(tmp_path, limits=RequestLimits(elements=2))
    assert "more than 2 elements" in refused(server, "Predict", predict(1, 2, 3)).details
    server.close()


# Keys, changes, health


def test_every_method_asks_for_a_key_and_the_reload_for_an_admins(
    guarded: InProcessServer,
) -> None:
    reload = messages.ReloadConfigRequest()
    reload.config.model_config_list.config.add(name="half", base_path="half")
    for method in ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"):
        assert refused(guarded, method, b"").code == "UNAUTHENTICATED"
    for method in ("GetModelStatus", "HandleReloadConfigRequest"):
        assert refused(guarded, method, b"", service=MODELS).code == "UNAUTHENTICATED"
    method = "HandleReloadConfigRequest"
    error = refused(guarded, method, reload, key=KEY, service=MODELS)
    assert error.code == "PERMISSION_DENIED" and "'web' is not an admin's" in error.details
    content = guarded.call(method, reload, key=ADMIN, service=MODELS)
    assert messages.ReloadConfigResponse.FromString(content).status.error_code == 0
    guarded.call("Predict", predict(1), key=KEY)
    guarded.call("Predict", predict(1), key=KEY)
    late = refused(guarded, "Predict", predict(1), key=KEY)
    assert late.code == "RESOURCE_EXHAUSTED" and float(late.trailer["retry-after"]) == 0.5


def test_without_keys_nobody_changes_what_is_served(server: InProcessServer) -> None:
    request = messages.ReloadConfigRequest()
    error = refused(server, "HandleReloadConfigRequest", request, service=MODELS)
    assert error.code == "PERMISSION_DENIED" and "no admin key is set" in error.details


@pytest.mark.parametrize(
    ("names", "base", "code", "message"),
    [
        (("half", "half"), "half", "INVALID_ARGUMENT", "names the model 'half' twice"),
        (("half",), "/etc", "INVALID_ARGUMENT", "expected a folder in"),
        (("none",), "none", "FAILED_PRECONDITION", "No version could be loaded: model none"),
    ],
    ids=["duplicate", "outside", "missing"],
)
def test_a_model_config_that_cannot_be_served_is_refused(
    guarded: InProcessServer, names: tuple[str, ...], base: str, code: str, message: str
) -> None:
    request = messages.ReloadConfigRequest()
    for name in names:
        request.config.model_config_list.config.add(name=name, base_path=base)
    error = refused(guarded, "HandleReloadConfigRequest", request, key=ADMIN, service=MODELS)
    assert error.code == code and message in error.details


def test_health_needs_no_key_and_knows_the_services(guarded: InProcessServer) -> None:
    def status(name: str) -> int:
        request = messages.HealthCheckRequest(service=name)
        content = guarded.call("Check", request, service=HEALTH)
        return int(messages.HealthCheckResponse.FromString(content).status)

    assert {status(name) for name in ("", PREDICTION, MODELS, HEALTH)} == {1}
    absent = messages.HealthCheckRequest(service="absent")
    assert refused(guarded, "Check", absent, service=HEALTH).code == "NOT_FOUND"
    assert refused(guarded, "Check", b"\xff", service=HEALTH).code == "INVALID_ARGUMENT"


def test_a_server_that_stops_is_not_healthy_and_refuses(server: InProcessServer) -> None:
    async def watch() -> list[int]:
        stream = server.watch(b"")
        first = await anext(stream)
        server.grpc_api.stop()
        # Its end lets the server stop at once: gRPC waits for open streams.
        return [first.status, *[last.status async for last in stream]]

    assert server.run(watch()) == [1, 2]
    error = refused(server, "Predict", predict(1))
    assert error.code == "UNAVAILABLE" and "is stopping" in error.details


def test_requests_are_counted_by_their_status_and_timed(server: InProcessServer) -> None:
    server.call("Predict", predict(1))
    refused(server, "Predict", predict(-1))
    text = server.metrics.render()
    for status in ("OK", "INVALID_ARGUMENT"):
        counter = f':tensorflow:serving:request_count{{model_name="half",status="{status}"}} 1'
        assert counter in text
    labels = '{model_name="half",API="Predict",entrypoint="GRPC"}'
    assert f":tensorflow:serving:request_latency_count{labels} 1" in text
