"""Exported servables over both protocols, API keys, and a new model config.

Always against the project's own server: it needs its folders and flags.
"""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image
from server_process import Client, add_version, serving, texts
from smuggling_cases import ANSWERED, LAST, REFUSED, SMUGGLED

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig, check_config
from modelwright.serve.lifecycle.model_config import models_in_file

ADMIN, READER = "k" * 16, "r" * 16
REVIEWS = ["the film wonderful acting", "手机 很差 this book", "", "word" * 200]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """An image of each color, of several sizes."""
    folder, files = tmp_path_factory.mktemp("images"), []
    for number, color in enumerate([(30, 40, 220), (30, 200, 40), (220, 30, 30)]):
        path = folder / f"{number}.png"
        Image.new("RGB", (16 + number, 16), color).save(path)
        files.append(path.read_bytes())
    return files


@pytest.fixture(scope="module")
def models(
    small_text_servable: Path, small_image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("own") / "models"
    add_version(small_text_servable, folder / "sentiment", 1)
    add_version(small_image_servable, folder / "colors", 1)
    return folder


@pytest.fixture(scope="module")
def server(models: Path) -> Iterator[Client]:
    with serving(models, models.parent, "--header-timeout", 1) as client:
        yield client


def ask(model: str, **inputs: Any) -> Any:
    """A predict request of the published package."""
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(value)
    return request


def answers(outputs: Any) -> list[tuple[str, float, list[float]]]:
    """The label, score and probabilities of each row of a gRPC answer."""
    import tensorflow as tf

    label, score, probabilities = (
        tf.make_ndarray(outputs[n]) for n in ("label", "score", "probabilities")
    )
    labels = [one.decode() for one in label]
    return list(zip(labels, score.tolist(), probabilities.tolist(), strict=True))


def expect(found: Any, folder: Path, rows: Any) -> None:
    """Checks triples of label, score and probabilities against ``Predictor``."""
    model = modelwright.load(folder)
    expected = model.predict(rows)
    assert [one[0] for one in found] == [one.label for one in expected]
    np.testing.assert_allclose([one[1] for one in found], [e.score for e in expected], atol=1e-6)
    probabilities = [list(one.probabilities.values()) for one in expected]
    np.testing.assert_allclose([one[2] for one in found], probabilities, atol=1e-6)


def rows_of(reply: Any) -> list[tuple[str, float, list[float]]]:
    assert reply.status == 200, reply.content
    return [(r["label"], r["score"], r["probabilities"]) for r in reply.json["predictions"]]


def b64(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


# Answers


def test_raw_texts_over_rest(server: Client, small_text_servable: Path) -> None:
    name = modelwright.load(small_text_servable).manifest.input_name
    reply = server.ask("sentiment:predict", {"instances": [{name: text} for text in REVIEWS]})
    expect(rows_of(reply), small_text_servable, REVIEWS)
    assert reply.headers["x-model-version"] == "1"
    plain = server.ask("sentiment/versions/1:predict", {"instances": REVIEWS})
    assert plain.content == reply.content


def test_raw_texts_over_rest_in_columns(server: Client, small_text_servable: Path) -> None:
    found = server.ask("sentiment:predict", {"inputs": REVIEWS}).json["outputs"]
    rows = list(zip(found["label"], found["score"], found["probabilities"], strict=True))
    expect(rows, small_text_servable, REVIEWS)


def test_raw_texts_over_grpc(server: Client, small_text_servable: Path) -> None:
    name = modelwright.load(small_text_servable).manifest.input_name
    request = ask("sentiment", **{name: texts([text.encode() for text in REVIEWS])})
    answer = server.call(server.prediction.Predict, request)
    assert answer.model_spec.version.value == 1
    expect(answers(answer.outputs), small_text_servable, REVIEWS)


def test_images_over_rest(server: Client, small_image_servable: Path, images: list[bytes]) -> None:
    reply = server.ask("colors:predict", {"instances": [b64(content) for content in images]})
    expect(rows_of(reply), small_image_servable, images)
    name = modelwright.load(small_image_servable).manifest.input_name
    named = {"instances": [{name: b64(content)} for content in images]}
    assert server.ask("colors:predict", named).content == reply.content


def test_images_over_grpc(server: Client, small_image_servable: Path, images: list[bytes]) -> None:
    name = modelwright.load(small_image_servable).manifest.input_name
    answer = server.call(server.prediction.Predict, ask("colors", **{name: texts(images)}))
    expect(answers(answer.outputs), small_image_servable, images)


def test_pixels_over_grpc(server: Client, small_image_servable: Path) -> None:
    import tensorflow as tf

    model = modelwright.load(small_image_servable)
    shape = model.manifest.shape
    assert shape
    pixels = np.full((2, *shape), 200, np.uint8)
    request = ask("colors", pixels=tf.make_tensor_proto(pixels))
    request.model_spec.signature_name = "pixels"
    found = answers(server.call(server.prediction.Predict, request).outputs)
    assert found[0] == found[1] and abs(sum(found[0][2]) - 1) < 1e-5


@pytest.mark.parametrize("model", ["sentiment", "colors"])
def test_classify_with_the_default_signature(
    server: Client, models: Path, images: list[bytes], model: str
) -> None:
    from tensorflow_serving.apis import classification_pb2

    servable = modelwright.load(models / model / "1")
    name, labels = servable.manifest.input_name, list(servable.manifest.labels)
    given = images if model == "colors" else [text.encode() for text in REVIEWS]
    rows = given if model == "colors" else REVIEWS
    expected = [list(one.probabilities.values()) for one in servable.predict(rows)]
    values = [b64(one) for one in given]
    found = server.ask(f"{model}:classify", {"examples": [{name: v} for v in values]}).json
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = model
    for value in given:
        example = request.input.example_list.examples.add()
        example.features.feature[name].bytes_list.value.append(value)
    result = server.call(server.prediction.Classify, request).result.classifications
    over_grpc = [[[one.label, one.score] for one in row.classes] for row in result]
    for pairs in (found["results"], over_grpc):
        assert [[label for label, _ in row] for row in pairs] == [labels] * len(rows)
        scores = [[score for _, score in row] for row in pairs]
        np.testing.assert_allclose(scores, expected, atol=1e-6)


def test_regress_is_refused(server: Client) -> None:
    reply = server.ask("sentiment:regress", {"examples": [{"x": 1.0}]})
    assert reply.status == 400 and "Was: tensorflow/serving/predict" in reply.error


def test_metadata_of_both_signatures(server: Client, small_text_servable: Path) -> None:
    manifest = modelwright.load(small_text_servable).manifest
    found = server.get("/v1/models/sentiment/metadata").json
    assert found["model_spec"]["version"] == "1"
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() == {"serving_default", "ids"}
    assert signatures["serving_default"]["inputs"].keys() == {manifest.input_name}
    outputs = signatures["ids"]["outputs"]
    assert {name: one["dtype"] for name, one in outputs.items()} == {
        "label": "DT_STRING",
        "probabilities": "DT_FLOAT",
        "score": "DT_FLOAT",
    }


def test_models_are_listed_with_their_labels(server: Client) -> None:
    listed = {model["name"]: model for model in server.get("/v1/models").json["models"]}
    assert listed.keys() == {"sentiment", "colors"}
    assert set(listed["sentiment"]["labels"]) == {"pos", "neg"}
    assert listed["colors"]["live"] == "1"


# Refusals


def test_text_that_is_not_utf8(server: Client, small_text_servable: Path) -> None:
    reply = server.ask("sentiment:predict", {"instances": ["good", b64(b"\xff\xfe")]})
    assert reply.status == 400 and "not valid UTF-8" in reply.error
    name = modelwright.load(small_text_servable).manifest.input_name
    request = ask("sentiment", **{name: texts([b"\xff"])})
    code, details = server.refusal(server.prediction.Predict, request)
    assert code == "INVALID_ARGUMENT" and "not valid UTF-8" in details


def test_file_that_is_not_an_image(server: Client) -> None:
    reply = server.ask("colors:predict", {"instances": [b64(b"no image")]})
    assert reply.status == 400 and "Traceback" not in reply.error


@pytest.mark.parametrize("ids", [[5, 0, 7], [0, 0, 0], [-1, 0, 0]])
def test_ids_with_gaps(server: Client, ids: list[int]) -> None:
    metadata = server.get("/v1/models/sentiment/metadata").json["metadata"]["signature_def"]
    shape = metadata["signature_def"]["ids"]["inputs"]["ids"]["tensor_shape"]["dim"]
    width = max(int(shape[1]["size"]), 3)
    body = {"signature_name": "ids", "instances": [ids + [0] * (width - 3)]}
    reply = server.ask("sentiment:predict", body)
    assert reply.status == 400 and "expected ids above 0, then zeros" in reply.error


def test_more_rows_than_the_limit(server: Client) -> None:
    reply = server.ask("sentiment:predict", {"instances": ["x"] * 1025})
    assert reply.status == 400 and "at most 1024 at once" in reply.error


def test_headers_over_the_limit(server: Client) -> None:
    with socket.create_connection((server.host, server.port), 60) as connection:
        connection.sendall(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 70_000)
        assert connection.recv(12) == b"HTTP/1.1 431"


def test_unknown_signature(server: Client) -> None:
    body = {"signature_name": "absent", "instances": ["x"]}
    reply = server.ask("sentiment:predict", body)
    assert reply.status == 400 and 'Serving signature name: "absent" not found' in reply.error
    request = ask("sentiment")
    request.model_spec.signature_name = "absent"
    code, details = server.refusal(server.prediction.Predict, request)
    assert code == "FAILED_PRECONDITION" and 'Serving signature key "absent"' in details


def test_health_metrics_and_openapi(server: Client) -> None:
    assert server.get("/healthz").json == {"status": "alive"}
    assert server.get("/readyz").json["status"] == "ready"
    assert server.get("/openapi.json").json["openapi"].startswith("3.")
    assert server.ask("sentiment:predict", {"instances": REVIEWS}).status == 200
    metrics = server.get("/monitoring/prometheus/metrics").content.decode()
    for name in ("request_count", "request_latency", "runtime_latency"):
        assert f":tensorflow:serving:{name}" in metrics
    assert server.health() == 1
    with pytest.raises(grpc.RpcError) as caught:
        server.health("absent")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reload_without_an_admin_key(server: Client) -> None:
    code, details = server.refusal(server.models.HandleReloadConfigRequest, config())
    assert code == "PERMISSION_DENIED" and "no admin key is set" in details


# Keys and changes


@pytest.fixture(scope="module")
def guarded(
    small_text_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A server with two models and API keys; the client has the admin's key."""
    folder = tmp_path_factory.mktemp("guarded")
    for version in (1, 2):
        add_version(small_text_servable, folder / "models" / "sentiment", version)
    add_version(small_text_servable, folder / "models" / "other", 7)
    keys = folder / "keys"
    keys.write_text(f"boss {ADMIN} admin\nreader {READER}\n")
    options = ("--api-keys", keys, "--poll", 0.2)
    with serving(folder / "models", folder, *options, key=ADMIN) as client:
        yield client


def config(*entries: tuple[str, str], **policy: Any) -> Any:
    """A reload request of models and their base paths; the first has the policy and labels."""
    from tensorflow_serving.apis import model_management_pb2

    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    for number, (name, base) in enumerate(entries):
        one = request.config.model_config_list.config.add(
            name=name, base_path=base, model_platform="tensorflow"
        )
        if number == 0:
            one.model_version_policy.specific.versions.extend(policy.get("versions", []))
            for label, version in policy.get("labels", {}).items():
                one.version_labels[label] = version
        if not one.model_version_policy.specific.versions:
            one.ClearField("model_version_policy")
    return request


def version_of(client: Client, target: str = "sentiment") -> str:
    """The version that answers."""
    reply = client.ask(f"{target}:predict", {"instances": ["good"]})
    return reply.headers.get("x-model-version", f"{reply.status} {reply.content.decode()}")


def reload(client: Client, request: Any) -> None:
    """Reload and expect success."""
    answer = client.call(client.models.HandleReloadConfigRequest, request)
    assert (answer.status.error_code, answer.status.error_message) == (0, "")


def test_keys_are_asked_for_over_both_protocols(guarded: Client) -> None:
    address = f"http://{guarded.host}:{guarded.port}"
    for header in ({}, {"authorization": "Bearer wrong-wrong-wrong"}, {"authorization": ADMIN}):
        plain = Client(address, "127.0.0.1:1")
        reply = plain.send("GET", "/v1/models/sentiment", b"", header)
        assert reply.status == 401 and "Authorization: Bearer KEY" in reply.error
        assert reply.headers["www-authenticate"] == "Bearer"
        plain.close()
    with pytest.raises(grpc.RpcError) as caught:
        guarded.prediction.Predict(ask("sentiment"), timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert guarded.send("GET", "/healthz", b"", {"authorization": ""}).status == 200


def test_reload_with_a_key_that_is_no_admins(guarded: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        guarded.models.HandleReloadConfigRequest(
            config(), timeout=60, metadata=[("authorization", f"Bearer {READER}")]
        )
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_reload_waits_until_available_and_replaces_everything(guarded: Client) -> None:
    reload(guarded, config(("new", "other"), ("sentiment", "sentiment")))
    assert version_of(guarded, "new") == "7" and version_of(guarded) == "2"
    reload(guarded, config(("sentiment", "sentiment")))
    assert "Servable not found for request: Latest(new)" in version_of(guarded, "new")


def test_reload_changes_a_base_path(guarded: Client) -> None:
    reload(guarded, config(("sentiment", "sentiment")))
    reload(guarded, config(("sentiment", "other")))
    assert version_of(guarded) == "7"
    reload(guarded, config(("sentiment", "sentiment")))
    assert version_of(guarded) == "2"


def test_reload_goes_back_to_a_smaller_version(guarded: Client) -> None:
    reload(guarded, config(("sentiment", "sentiment"), versions=[2]))
    assert version_of(guarded) == "2"
    reload(guarded, config(("sentiment", "sentiment"), versions=[1]))
    assert version_of(guarded) == "1"


def test_reload_moves_labels(guarded: Client) -> None:
    both = {"versions": [1, 2]}
    reload(guarded, config(("sentiment", ""), **both, labels={"stable": 1, "canary": 2}))
    assert version_of(guarded, "sentiment/labels/stable") == "1"
    assert version_of(guarded, "sentiment/labels/canary") == "2"
    reload(guarded, config(("sentiment", ""), **both, labels={"stable": 2}))
    assert version_of(guarded, "sentiment/labels/stable") == "2"
    gone = version_of(guarded, "sentiment/labels/canary")
    assert gone.startswith("400") and "Unrecognized servable version label: canary" in gone


@pytest.mark.parametrize(
    ("request_of", "code", "text"),
    [
        (lambda: config(("a", ""), ("a", "other")), "INVALID_ARGUMENT", "'a' twice"),
        (lambda: config(("sentiment", "/etc")), "INVALID_ARGUMENT", "expected a folder in"),
        (lambda: config(("sentiment", "../..")), "INVALID_ARGUMENT", "expected a folder in"),
        (lambda: config(("absent", "absent")), "FAILED_PRECONDITION", "No version could be loaded"),
        (
            lambda: config(("sentiment", ""), versions=[1], labels={"stable": 99}),
            "FAILED_PRECONDITION",
            "not currently available for inference",
        ),
    ],
    ids=["twice", "another root", "up", "missing", "label"],
)
def test_reload_refused(guarded: Client, request_of: Any, code: str, text: str) -> None:
    reload(guarded, config(("sentiment", "sentiment")))
    found, details = guarded.refusal(guarded.models.HandleReloadConfigRequest, request_of())
    assert found == code and text in details
    reload(guarded, config(("sentiment", "sentiment")))
    assert version_of(guarded) == "2"


def test_headers_that_do_not_come(server: Client) -> None:
    with socket.create_connection((server.host, server.port), 60) as connection:
        connection.sendall(b"POST /v1/models/colors:predict HTTP/1.1\r\nhost: x\r\n")
        assert connection.recv(12) == b"HTTP/1.1 408"


def exchange(server: Client, content: bytes) -> bytes:
    """All that the server writes on a connection until it closes it."""
    received = b""
    with socket.create_connection((server.host, server.port), 60) as connection:
        connection.sendall(content)
        while part := connection.recv(65_536):
            received += part
    return received


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_a_request_that_servers_delimit_differently_is_refused(
    server: Client, content: bytes
) -> None:
    received = exchange(server, content + SMUGGLED + LAST)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"400"] and b"smuggled" not in received


@pytest.mark.parametrize(("content", "expected"), ANSWERED.values(), ids=ANSWERED.keys())
def test_every_request_on_a_connection_is_answered_once(
    server: Client, content: bytes, expected: list[int]
) -> None:
    # The model does not exist here, which is as good an answer.
    content = content.replace(b"/half:", b"/absent:")
    received = exchange(server, content + LAST)
    statuses = [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", received)]
    assert len(statuses) == len(expected) + 1 and statuses[-1] == 200
    assert b"model smuggled" not in received


@pytest.mark.parametrize(
    "text",
    ["no config {", 'model_config_list { config { name: "a" base_path: "/etc" } }'],
    ids=["no config", "another root"],
)
def test_a_server_does_not_start_with_a_bad_config(models: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.config"
    path.write_text(text)
    with pytest.raises(ConfigError, match="model"):
        models_in_file(path, models)


def test_a_server_does_not_listen_to_others_unguarded(models: Path) -> None:
    with pytest.raises(ConfigError, match="nothing guards it"):
        check_config(ServeConfig(str(models), host="0.0.0.0"))  # noqa: S104
