"""TensorFlow Serving's REST and gRPC, case by case, with its own toy models.

By default the project's own server is started once, in a process of its own. To run the same cases
against another server, write the models with ``python tests/serve/half_plus_two.py FOLDER``, serve
them (its docstring has the container's command), and set::

    MODELWRIGHT_CONFORMANCE_REST=http://HOST:8501
    MODELWRIGHT_CONFORMANCE_GRPC=HOST:8500

Cases in which this project differs on purpose are skipped there; ``docs/serving-conformance.md``
lists them. What needs another models folder or other flags is in ``test_conformance_exported.py``.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import pytest
from conformance_cases import ANSWERED, DOCUMENTS, EXAMPLES, MALFORMED, REFUSED
from half_plus_two import LABEL, VERSION, write_models
from server_process import Client, serving

REST = os.environ.get("MODELWRIGHT_CONFORMANCE_REST", "")
GRPC = os.environ.get("MODELWRIGHT_CONFORMANCE_GRPC", "")
TWO = "half_plus_two"
differs = pytest.mark.skipif(bool(REST), reason="differs from TensorFlow Serving on purpose")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    if REST:
        client = Client(REST, GRPC)
        yield client
        client.close()
        return
    folder = tmp_path_factory.mktemp("toys")
    (folder / "models").mkdir()
    config = write_models(folder / "models", str(folder / "models"))
    batching = folder / "batching"
    batching.write_text("max_batch_size { value: 16 } batch_timeout_micros { value: 1000 }")
    options = ("--model-config", config, "--batching-parameters", batching)
    with serving(folder / "models", folder, *options) as client:
        yield client


def examples(request: Any, *values: float) -> Any:
    """The same request with an example for each x."""
    for value in values:
        added = request.input.example_list.examples.add()
        added.features.feature["x"].float_list.value.append(value)
    return request


def asks(kind: str, signature: str = "", model: str = TWO, **more: Any) -> Any:
    """A request of the published package: predict with x = 2, or classify, regress, metadata."""
    from tensorflow_serving.apis import (
        classification_pb2,
        get_model_metadata_pb2,
        get_model_status_pb2,
        predict_pb2,
        regression_pb2,
    )

    request = {
        "predict": predict_pb2.PredictRequest,
        "classify": classification_pb2.ClassificationRequest,
        "regress": regression_pb2.RegressionRequest,
        "metadata": get_model_metadata_pb2.GetModelMetadataRequest,
        "status": get_model_status_pb2.GetModelStatusRequest,
    }[kind]()
    request.model_spec.name = model
    if signature:
        request.model_spec.signature_name = signature
    if "version" in more:
        request.model_spec.version.value = more["version"]
    if "label" in more:
        request.model_spec.version_label = more["label"]
    if kind == "predict":
        request.inputs["x"].CopyFrom(tensor([2.0], np.float32))
    return request


def tensor(values: Any, dtype: Any) -> Any:
    import tensorflow as tf

    return tf.make_tensor_proto(values, dtype)


# REST: what is where


@pytest.mark.parametrize(("method", "path"), MALFORMED.values(), ids=MALFORMED)
def test_rest_malformed(server: Client, method: str, path: str) -> None:
    reply = server.send(method, path, b"{}" if method == "POST" else b"")
    assert reply.status == 400
    assert reply.error == f"Malformed request: {method} {path}"


def test_rest_version_over_63_bits(server: Client) -> None:
    reply = server.ask(f"foo/versions/{2**64 - 1}:regress", "{}")
    assert reply.status == 400 and "Failed to convert version" in reply.error


@pytest.mark.parametrize("path", ["/index", "/statuspage", "/v2/models/x"])
def test_rest_outside_v1_is_a_bare_404(server: Client, path: str) -> None:
    reply = server.get(path)
    assert reply.status == 404 and b"error" not in reply.content


@differs
def test_rest_models_are_listed(server: Client) -> None:
    listed = server.get("/v1/models").json["models"]
    assert [model["name"] for model in listed] == ["echo", "half_plus_three", TWO]
    assert {model["live"] for model in listed} == {"123"}


@pytest.mark.parametrize(
    "target",
    [
        f"{TWO}:predict",
        f"{TWO}/versions/{VERSION}:predict",
        f"{TWO}/versions/000{VERSION}:predict",
        f"{TWO}/labels/{LABEL}:predict",
        f"{TWO}:PREDICT",
        "half%5Fplus%5Ftwo:predict",
    ],
)
def test_rest_predict(server: Client, target: str) -> None:
    reply = server.ask(target, '{"instances":[2,3,4]}')
    assert reply.status == 200 and reply.json == {"predictions": [3.0, 3.5, 4.0]}
    assert reply.headers["content-type"] == "application/json"


def test_rest_path_in_capitals(server: Client) -> None:
    reply = server.send("POST", f"/V1/MODELS/{TWO}:Predict", '{"instances":[2]}')
    assert reply.json == {"predictions": [3.0]}


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ('{"inputs":[2,3,4]}', {"outputs": [3.0, 3.5, 4.0]}),
        ('{"instances":[[1.0,2.0],[3.0,4.0]]}', {"predictions": [[2.5, 3.0], [3.5, 4.0]]}),
        ('{"signature_name":"serving_default","instances":[3,4]}', {"predictions": [3.5, 4.0]}),
        ('{"signature_name":"serving_default","inputs":[3,4]}', {"outputs": [3.5, 4.0]}),
        ('{"instances":[{"x":[2]},{"x":[4]}]}', {"predictions": [[3.0], [4.0]]}),
        ('{"inputs":{"x":[[2],[4]]}}', {"outputs": [[3.0], [4.0]]}),
    ],
)
def test_rest_predict_forms(server: Client, body: str, answer: Any) -> None:
    assert server.ask(f"{TWO}:predict", body).json == answer


def test_rest_other_model(server: Client) -> None:
    assert server.ask("half_plus_three:predict", '{"instances":[2]}').json == {"predictions": [4.0]}


def test_rest_batched_requests_each_get_their_own_answer(server: Client) -> None:
    def ask(number: int) -> bool:
        values = [float(number), *map(float, range(number % 3))]
        if number % 4 == 3:
            body = {"signature_name": "total", "inputs": values}
            return server.ask("echo:predict", body).json == {"outputs": sum(values)}
        answer = [value / 2 + 2 for value in values]
        return server.ask(f"{TWO}:predict", {"instances": values}).json == {"predictions": answer}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(64)))


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("foo:predict", 404, "Servable not found for request: Latest(foo)"),
        ("foo/versions/50:predict", 404, "Servable not found for request: Specific(foo, 50)"),
        (f"{TWO}/versions/99:predict", 404, f"Servable not found for request: Specific({TWO}, 99)"),
        (f"{TWO}99:predict", 404, f"Servable not found for request: Latest({TWO}99)"),
        (f"{TWO}/labels/absent:predict", 400, "Unrecognized servable version label: absent"),
    ],
)
def test_rest_no_such_model(server: Client, target: str, status: int, text: str) -> None:
    reply = server.ask(target, '{"instances":[1]}')
    assert reply.status == status and text in reply.error
    assert reply.headers["content-type"] == "application/json"


# REST: documents


@pytest.mark.parametrize(("body", "text"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_rest_document_refused(server: Client, body: str, text: str) -> None:
    reply = server.ask(f"{TWO}:predict", body)
    assert reply.status == 400 and text in reply.error


@pytest.mark.parametrize(("signature", "body", "answer"), ANSWERED.values(), ids=ANSWERED)
def test_rest_tensor(server: Client, signature: str, body: str, answer: str) -> None:
    reply = server.ask("echo:predict", f'{{"signature_name":"{signature}",{body}}}')
    assert reply.status == 200, reply.content
    assert "".join(reply.content.decode().split()) == f"{{{answer}}}"


@pytest.mark.parametrize(("signature", "body", "status", "text"), REFUSED.values(), ids=REFUSED)
def test_rest_tensor_refused(
    server: Client, signature: str, body: str, status: int, text: str
) -> None:
    reply = server.ask("echo:predict", f'{{"signature_name":"{signature}",{body}}}')
    assert reply.status == status and text in reply.error


def test_rest_batches_that_differ_in_columns(server: Client) -> None:
    reply = server.ask("echo:predict", '{"signature_name":"uneven","inputs":[1,2]}')
    assert reply.json == {"outputs": {"all": [1.0, 2.0], "rest": [2.0]}}


def test_rest_type_that_json_cannot_express(server: Client) -> None:
    reply = server.ask("echo:predict", '{"signature_name":"waves","inputs":[1]}')
    assert reply.status == 501 and "Conversion of JSON Value" in reply.error


def test_rest_several_named_inputs_in_rows(server: Client) -> None:
    row = {"ints": [[1, 2], [3, 4]], "floats": [1.0, float("inf")], "doubles": [2.0]}
    reply = server.ask("echo:predict", {"instances": [{**row, "texts": ["foo", "bar"]}] * 2})
    files = [{"b64": "Zm9v"}, {"b64": "YmFy"}]
    assert reply.json["predictions"] == [
        {**row, "texts": ["foo", "bar"], "files_bytes": files} for _ in range(2)
    ]


def test_rest_several_named_inputs_in_columns(server: Client) -> None:
    columns = {"ints": [[1, 2]], "floats": 1.5, "doubles": [2.0, 3.0], "texts": ["foo"]}
    reply = server.ask("echo:predict", {"inputs": columns})
    assert reply.json["outputs"] == {**columns, "files_bytes": [{"b64": "Zm9v"}]}


def test_rest_gzip(server: Client) -> None:
    packed = gzip.compress(b'{"instances":[2]}')
    reply = server.send("POST", f"/v1/models/{TWO}:predict", packed, {"content-encoding": "gzip"})
    assert reply.json == {"predictions": [3.0]}


def test_rest_invalid_gzip(server: Client) -> None:
    body, headers = b'{"instances":[2]}', {"content-encoding": "gzip"}
    assert server.send("POST", f"/v1/models/{TWO}:predict", body, headers).status == 400


@differs
def test_rest_gzip_over_the_limit(server: Client) -> None:
    packed = gzip.compress(b" " * (64 * 2**20), 1)
    reply = server.send("POST", f"/v1/models/{TWO}:predict", packed, {"content-encoding": "gzip"})
    assert reply.status == 413 and "The body is larger than" in reply.error


@differs
def test_rest_body_over_the_limit(server: Client) -> None:
    headers = {"content-length": str(2**40)}
    reply = server.send("POST", f"/v1/models/{TWO}:predict", b"{", headers)
    assert reply.status == 413 and "The body is larger than" in reply.error
    assert reply.headers["connection"] == "close"


@differs
@pytest.mark.parametrize("levels", [65, 100_000])
def test_rest_nesting_over_the_limit(server: Client, levels: int) -> None:
    reply = server.ask(f"{TWO}:predict", f'{{"instances":{"[" * levels}1{"]" * levels}}}')
    assert reply.status == 400 and "JSON Parse error" in reply.error


# REST: classify, regress, status, metadata


@pytest.mark.parametrize("target", [TWO, f"{TWO}/versions/{VERSION}", f"{TWO}/labels/{LABEL}"])
def test_rest_classify(server: Client, target: str) -> None:
    body = {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}, {"x": 20.0}]}
    reply = server.ask(f"{target}:classify", body)
    assert reply.json == {"results": [[["", 3.0]], [["", 12.0]]]}


@pytest.mark.parametrize("target", [TWO, f"{TWO}/versions/{VERSION}", f"{TWO}/labels/{LABEL}"])
def test_rest_regress(server: Client, target: str) -> None:
    body = {"signature_name": "regress_x_to_y", "examples": [{"x": [2.0]}, {"x": 80.0}]}
    assert server.ask(f"{target}:regress", body).json == {"results": [3.0, 42.0]}


def test_rest_context_is_in_every_example(server: Client) -> None:
    body = {"signature_name": "regress_x_to_y", "context": {"x": 2.0}, "examples": [{"x2": 1.0}]}
    assert server.ask(f"{TWO}:regress", body).json == {"results": [3.0]}


def test_rest_regress_that_is_not_finite(server: Client) -> None:
    body = '{"signature_name":"regress_x_to_y","examples":[{"x":NaN},{"x":-Infinity}]}'
    content = server.ask(f"{TWO}:regress", body).content
    assert "".join(content.decode().split()) == '{"results":[NaN,-Infinity]}'


@pytest.mark.parametrize("method", ["classify", "regress"])
@pytest.mark.parametrize(("body", "text"), EXAMPLES.values(), ids=EXAMPLES)
def test_rest_examples_refused(server: Client, method: str, body: str, text: str) -> None:
    reply = server.ask(f"{TWO}:{method}", body)
    assert reply.status == 400 and text in reply.error


@pytest.mark.parametrize(
    ("method", "word"), [("classify", "classification"), ("regress", "regress")]
)
def test_rest_signature_of_another_method(server: Client, method: str, word: str) -> None:
    reply = server.ask(f"{TWO}:{method}", {"examples": [{"x": 2.0}]})
    assert reply.status == 400
    assert f"Expected {word}" in reply.error and "Was: tensorflow/serving/predict" in reply.error


def test_rest_missing_feature(server: Client) -> None:
    body = {"signature_name": "regress_x_to_y", "examples": [{"x2": 1.0}]}
    reply = server.ask(f"{TWO}:regress", body)
    assert reply.status == 400 and "Feature: x (data type: float) is required" in reply.error


@pytest.mark.parametrize("target", [TWO, f"{TWO}/versions/{VERSION}", f"{TWO}/labels/{LABEL}"])
def test_rest_status(server: Client, target: str) -> None:
    status = {"error_code": "OK", "error_message": ""}
    found = {"version": "123", "state": "AVAILABLE", "status": status}
    assert server.get(f"/v1/models/{target}").json == {"model_version_status": [found]}


@pytest.mark.parametrize(
    ("target", "status", "text"),
    [
        ("foo", 404, "Could not find any versions of model foo"),
        (f"{TWO}/versions/99", 404, f"Could not find version 99 of model {TWO}"),
        (f"{TWO}/labels/absent", 400, "Unrecognized servable version label: absent"),
    ],
)
def test_rest_status_of_nothing(server: Client, target: str, status: int, text: str) -> None:
    reply = server.get(f"/v1/models/{target}")
    assert reply.status == status and text in reply.error


def info(dtype: str, name: str, *sizes: int, unknown: bool = False) -> dict[str, Any]:
    """What REST says of a tensor."""
    dim = [{"size": str(size), "name": ""} for size in sizes]
    return {"dtype": dtype, "tensor_shape": {"dim": dim, "unknown_rank": unknown}, "name": name}


@pytest.mark.parametrize("target", [TWO, f"{TWO}/versions/{VERSION}", f"{TWO}/labels/{LABEL}"])
def test_rest_metadata(server: Client, target: str) -> None:
    found = server.get(f"/v1/models/{target}/metadata").json
    assert found["model_spec"] == {"name": TWO, "signature_name": "", "version": "123"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    text = info("DT_STRING", "tf_example:0", unknown=True)
    x, x2 = info("DT_FLOAT", "x:0", -1, 1), info("DT_FLOAT", "x2:0", -1, 1)
    y, y2, y3 = (info("DT_FLOAT", f"{name}:0", -1, 1) for name in ("y", "y2", "y3"))
    expected = {
        "serving_default": ("predict", {"x": x}, {"y": y}),
        "classify_x_to_y": ("classify", {"inputs": text}, {"scores": y}),
        "classify_x2_to_y3": ("classify", {"inputs": x2}, {"scores": y3}),
        "regress_x_to_y": ("regress", {"inputs": text}, {"outputs": y}),
        "regress_x_to_y2": ("regress", {"inputs": text}, {"outputs": y2}),
        "regress_x2_to_y3": ("regress", {"inputs": x2}, {"outputs": y3}),
    }
    for one in signatures.values():
        assert one.pop("defaults", {}) == {}  # older versions have no such field
    assert signatures == {
        name: {"inputs": i, "outputs": o, "method_name": f"tensorflow/serving/{method}"}
        for name, (method, i, o) in expected.items()
    }


def test_rest_metadata_of_nothing(server: Client) -> None:
    assert server.get("/v1/models/foo/metadata").status == 404
    assert server.get(f"/v1/models/{TWO}/versions/99/metadata").status == 404
    assert server.get(f"/v1/models/{TWO}/labels/absent/metadata").status == 400


# gRPC


@pytest.mark.parametrize("named", [(), ("y",)], ids=["every output", "named output"])
@pytest.mark.parametrize("more", [{}, {"version": VERSION}, {"label": LABEL}], ids=str)
def test_grpc_predict(server: Client, named: tuple[str, ...], more: Any) -> None:
    request = asks("predict", **more)
    request.output_filter.extend(named)
    answer = server.call(server.prediction.Predict, request)
    assert list(answer.outputs) == ["y"]
    y = answer.outputs["y"]
    assert (y.dtype, list(y.float_val)) == (1, [3.0])
    assert [dim.size for dim in y.tensor_shape.dim] == [1]
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (TWO, VERSION, "serving_default")


def test_grpc_other_model(server: Client) -> None:
    answer = server.call(server.prediction.Predict, asks("predict", model="half_plus_three"))
    assert list(answer.outputs["y"].float_val) == [4.0]


@pytest.mark.parametrize(
    ("signature", "values", "dtype"),
    [
        ("ints", [[1, -2], [3, 4]], np.int32),
        ("floats", [np.nan, np.inf, -0.0, 0.1], np.float32),
        ("doubles", [[0.1]], np.float64),
        ("flags", [True, False], np.bool_),
        ("waves", [1 + 2j], np.complex64),
        ("ints", 5, np.int32),
        ("floats", np.zeros((0, 3)), np.float32),
    ],
    ids=["int32", "float", "double", "bool", "complex64", "scalar", "empty"],
)
def test_grpc_tensor(server: Client, signature: str, values: Any, dtype: Any) -> None:
    import tensorflow as tf

    request = asks("predict", signature, "echo")
    del request.inputs["x"]
    request.inputs[signature].CopyFrom(tensor(values, dtype))
    (output,) = server.call(server.prediction.Predict, request).outputs.values()
    back = tf.make_ndarray(output)
    np.testing.assert_array_equal(back, np.array(values, dtype))
    assert back.dtype == dtype


def test_grpc_texts(server: Client) -> None:
    request = asks("predict", "texts", "echo")
    del request.inputs["x"]
    given = [b"\x00\xff", "评论".encode(), b""]
    request.inputs["texts"].CopyFrom(tensor(given, object))
    answer = server.call(server.prediction.Predict, request)
    assert list(answer.outputs["texts"].string_val) == given


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"model": "foo"}, "NOT_FOUND", "Servable not found for request: Latest(foo)"),
        ({"version": 99}, "NOT_FOUND", f"Servable not found for request: Specific({TWO}, 99)"),
        ({"label": "absent"}, "INVALID_ARGUMENT", "Unrecognized servable version label: absent"),
        ({"model": ""}, "INVALID_ARGUMENT", "ModelSpec has no name specified"),
        (
            {"signature": "absent"},
            "FAILED_PRECONDITION",
            'Serving signature key "absent" not found.',
        ),
    ],
    ids=["model", "version", "label", "no name", "signature"],
)
def test_grpc_no_such(server: Client, change: Any, code: str, text: str) -> None:
    found, details = server.refusal(server.prediction.Predict, asks("predict", **change))
    assert found == code and text in details


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["absent"], "output tensor alias not found in signature: absent"),
        (["y", "y"], "duplicate output tensor alias: y"),
    ],
)
def test_grpc_output_filter_refused(server: Client, names: list[str], text: str) -> None:
    request = asks("predict")
    request.output_filter.extend(names)
    code, details = server.refusal(server.prediction.Predict, request)
    assert code == "INVALID_ARGUMENT" and text in details


@pytest.mark.parametrize(
    ("names", "text"),
    [([], "Missing but required: {x}"), (["x", "more"], "Sent extra: {more}")],
    ids=["no input", "one more"],
)
def test_grpc_inputs_refused(server: Client, names: list[str], text: str) -> None:
    request = asks("predict")
    request.inputs.clear()
    for name in names:
        request.inputs[name].CopyFrom(tensor([2.0], np.float32))
    code, details = server.refusal(server.prediction.Predict, request)
    assert code == "INVALID_ARGUMENT"
    assert "input size does not match signature" in details and text in details


def test_grpc_input_of_another_name_or_type(server: Client) -> None:
    request = asks("predict")
    request.inputs["other"].CopyFrom(request.inputs.pop("x"))
    assert server.refusal(server.prediction.Predict, request)[0] == "INVALID_ARGUMENT"
    request = asks("predict")
    request.inputs["x"].CopyFrom(tensor([2], np.int32))
    assert server.refusal(server.prediction.Predict, request)[0] == "INVALID_ARGUMENT"


def test_grpc_tensor_shorter_than_its_shape(server: Client) -> None:
    request = asks("predict")
    request.inputs["x"].tensor_content = b"\0\0\0"
    assert server.refusal(server.prediction.Predict, request)[0] == "INVALID_ARGUMENT"


def test_grpc_message_is_cut(server: Client) -> None:
    code, details = server.refusal(server.prediction.Predict, asks("predict", model="m" * 3000))
    assert code == "NOT_FOUND" and len(details) <= 1024 and details.endswith("...TRUNCATED")


def test_grpc_classify(server: Client) -> None:
    request = examples(asks("classify", "classify_x_to_y"), 2.0, 20.0)
    answer = server.call(server.prediction.Classify, request)
    rows = [
        [(one.label, one.score) for one in row.classes] for row in answer.result.classifications
    ]
    assert rows == [[("", 3.0)], [("", 12.0)]]
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (TWO, VERSION, "classify_x_to_y")


def test_grpc_regress(server: Client) -> None:
    request = examples(asks("regress", "regress_x_to_y"), 2.0, 80.0)
    answer = server.call(server.prediction.Regress, request)
    assert [one.value for one in answer.result.regressions] == [3.0, 42.0]
    assert answer.model_spec.version.value == VERSION


def test_grpc_context_is_in_every_example(server: Client) -> None:
    request = asks("regress", "regress_x_to_y")
    given = request.input.example_list_with_context
    given.context.features.feature["x"].float_list.value.append(2.0)
    given.examples.add()
    own = given.examples.add()
    own.features.feature["x"].float_list.value.append(4.0)
    answer = server.call(server.prediction.Regress, request)
    assert [one.value for one in answer.result.regressions] == [3.0, 4.0]


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_grpc_examples_refused(server: Client, kind: str) -> None:
    method = getattr(server.prediction, kind.capitalize())
    code, details = server.refusal(method, asks(kind, f"{kind}_x_to_y"))
    assert code == "INVALID_ARGUMENT" and "Input is empty" in details
    code, details = server.refusal(method, examples(asks(kind), 2.0))
    assert code == "INVALID_ARGUMENT" and "Was: tensorflow/serving/predict" in details
    code, _ = server.refusal(method, examples(asks(kind, "absent"), 2.0))
    assert code == "INVALID_ARGUMENT"


def multi(*tasks: tuple[str, str, str]) -> Any:
    """A request of x = 2 with tasks of a model, a signature and a method."""
    from tensorflow_serving.apis import inference_pb2

    request = inference_pb2.MultiInferenceRequest()
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name, task.model_spec.signature_name = model, signature
    return examples(request, 2.0)


def test_grpc_multi_inference(server: Client) -> None:
    request = multi((TWO, "regress_x_to_y", "regress"), (TWO, "classify_x_to_y", "classify"))
    first, second = server.call(server.prediction.MultiInference, request).results
    assert first.regression_result.regressions[0].value == 3.0
    assert second.classification_result.classifications[0].classes[0].score == 3.0
    for result, signature in ((first, "regress_x_to_y"), (second, "classify_x_to_y")):
        spec = result.model_spec
        assert (spec.name, spec.version.value, spec.signature_name) == (TWO, VERSION, signature)


@pytest.mark.parametrize(
    ("tasks", "code", "text"),
    [
        (
            [
                (TWO, "regress_x_to_y", "regress"),
                ("half_plus_three", "classify_x_to_y", "classify"),
            ],
            "INVALID_ARGUMENT",
            "must access the same model name",
        ),
        (
            [(TWO, "regress_x_to_y", "regress")] * 2,
            "INVALID_ARGUMENT",
            "Duplicate evaluation of signature: regress_x_to_y",
        ),
        ([(TWO, "serving_default", "predict")], "UNIMPLEMENTED", "Unsupported signature"),
        ([("", "regress_x_to_y", "regress")], "INVALID_ARGUMENT", "no name specified"),
    ],
    ids=["two models", "twice the same", "predict", "no name"],
)
def test_grpc_multi_inference_refused(
    server: Client, tasks: list[tuple[str, str, str]], code: str, text: str
) -> None:
    found, details = server.refusal(server.prediction.MultiInference, multi(*tasks))
    assert found == code and text in details


def test_grpc_metadata(server: Client) -> None:
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = asks("metadata")
    request.metadata_field.append("signature_def")
    answer = server.call(server.prediction.GetModelMetadata, request)
    assert (answer.model_spec.name, answer.model_spec.version.value) == (TWO, VERSION)
    packed = get_model_metadata_pb2.SignatureDefMap()
    assert list(answer.metadata) == ["signature_def"]
    assert answer.metadata["signature_def"].Unpack(packed)
    assert len(packed.signature_def) == 6
    default = packed.signature_def["serving_default"]
    x = default.inputs["x"]
    assert (x.name, x.dtype, [dim.size for dim in x.tensor_shape.dim]) == ("x:0", 1, [-1, 1])
    assert default.method_name == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("model", "fields", "code", "text"),
    [
        (TWO, [], "INVALID_ARGUMENT", "must specify at least one metadata_field"),
        (TWO, ["other"], "INVALID_ARGUMENT", "not supported"),
        ("foo", ["signature_def"], "NOT_FOUND", "Servable not found for request: Latest(foo)"),
    ],
)
def test_grpc_metadata_refused(
    server: Client, model: str, fields: list[str], code: str, text: str
) -> None:
    request = asks("metadata", model=model)
    request.metadata_field.extend(fields)
    found, details = server.refusal(server.prediction.GetModelMetadata, request)
    assert found == code and text in details


@pytest.mark.parametrize("more", [{}, {"version": VERSION}, {"label": LABEL}], ids=str)
def test_grpc_status(server: Client, more: Any) -> None:
    answer = server.call(server.models.GetModelStatus, asks("status", **more))
    (found,) = answer.model_version_status
    assert (found.version, found.state, found.status.error_code) == (VERSION, 30, 0)


@pytest.mark.parametrize("more", [{"model": "foo"}, {"version": 99}], ids=str)
def test_grpc_status_of_nothing(server: Client, more: Any) -> None:
    code, details = server.refusal(server.models.GetModelStatus, asks("status", **more))
    assert code == "NOT_FOUND" and "Could not find" in details


def test_grpc_deadline(server: Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        server.prediction.Predict(asks("predict"), timeout=1e-6)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


def test_grpc_health(server: Client) -> None:
    assert server.health() == 1
    assert server.health("tensorflow.serving.PredictionService") == 1


def test_both_kinds_of_messages_in_one_process(server: Client) -> None:
    from modelwright.wire import messages

    request = asks("predict", version=VERSION)
    own = messages.PredictRequest.FromString(request.SerializeToString())
    assert own.SerializeToString() == request.SerializeToString()
    answer = server.call(server.prediction.Predict, request)
    own = messages.PredictResponse.FromString(answer.SerializeToString())
    assert list(own.outputs["y"].float_val) == [3.0]
