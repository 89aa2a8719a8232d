"""The service that both protocols call: targets, signatures, outputs, and the count of requests."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from in_process import MODELS, InProcessServer

from modelwright.core.errors import ConfigError
from modelwright.serve.errors import Refused
from modelwright.serve.service.answers import Target
from modelwright.serve.service.example_outputs import classes_of, select_outputs, values_of
from modelwright.serve.service.tf_example import example_from_features
from modelwright.wire import messages


@pytest.fixture
def server(tmp_path: Path) -> Iterator[InProcessServer]:
    started = InProcessServer(tmp_path)
    yield started
    started.close()


def soon() -> float:
    return time.monotonic() + 5


def test_an_answer_names_its_version_and_holds_the_wanted_outputs(server: InProcessServer) -> None:
    inputs = {"x": np.array([2, 4], np.float32)}
    target = Target("half", 1)
    answer = server.run(server.service.predict(target, inputs, soon(), ["y"]))
    assert answer.version == 1 and answer.outputs["y"].tolist() == [3, 4]
    with pytest.raises(Refused, match="set {y}"):
        server.run(server.service.predict(target, inputs, soon(), ["z"]))


def test_examples_are_classified_and_regressed(server: InProcessServer) -> None:
    examples = [example_from_features({"x": [value]}) for value in (2.0, 4.0)]
    classified = server.run(
        server.service.classify(Target("half", signature="classify"), examples, soon())
    )
    assert classified.rows == [[("", 3.0)], [("", 4.0)]]
    regressed = server.run(
        server.service.regress(Target("half", signature="regress"), examples, soon())
    )
    assert regressed.values.tolist() == [3, 4] and regressed.values.dtype == np.float32


def test_a_signature_of_another_method_is_refused(server: InProcessServer) -> None:
    with pytest.raises(Refused, match="Expected classification signature .* Was: .*regress"):
        target = Target("half", signature="regress")
        server.run(server.service.classify(target, [b""], soon()))


def test_a_request_that_is_over_its_deadline_is_not_run(server: InProcessServer) -> None:
    inputs = {"x": np.array([2], np.float32)}
    with pytest.raises(Refused) as caught:
        server.run(server.service.predict(Target("half"), inputs, time.monotonic() - 1))
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_unknown_targets_are_refused_and_not_counted(server: InProcessServer) -> None:
    for target in (Target("none"), Target("half", 9), Target("half", label="x")):
        with pytest.raises(Refused):
            server.service.signature(target)
    assert "none" not in server.metrics.render()


def test_models_are_listed_with_their_live_version(server: InProcessServer) -> None:
    server.add_version(5)
    server.add_version(1, "another")
    server.look()
    listed = server.service.list_models()
    assert [(model["name"], model["live"]) for model in listed] == [("another", "1"), ("half", "5")]


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ({"classes": [[b"a"], [b"b"]], "scores": [[0.5], [1.0]]}, [[("a", 0.5)], [("b", 1.0)]]),
        ({"scores": [[0.5], [1.0]]}, [[("", 0.5)], [("", 1.0)]]),
        ({"classes": [[b"a"], [b"\xff"]]}, [[("a", 0.0)], [("\ufffd", 0.0)]]),
    ],
)
def test_labels_or_scores_may_be_missing(outputs: dict, expected: list) -> None:
    arrays = {
        name: np.array(rows, object if name == "classes" else np.float32)
        for name, rows in outputs.items()
    }
    assert classes_of(arrays, 2) == expected


def test_outputs_of_another_number_of_rows_are_refused() -> None:
    with pytest.raises(Refused, match="a row for each of 3 examples"):
        classes_of({"scores": np.zeros((2, 1))}, 3)
    with pytest.raises(Refused, match="a row for each of 1 examples"):
        classes_of({"other": np.zeros((1, 1))}, 1)
    with pytest.raises(Refused, match=r"gave the shape \[2\]; expected a value for each of 3"):
        values_of({"y": np.zeros(2)}, 3)


def test_without_names_all_outputs_are_selected() -> None:
    outputs = {"a": np.zeros(1), "b": np.ones(1)}
    assert select_outputs(outputs, []) is outputs
    assert list(select_outputs(outputs, ["b", "a"])) == ["b", "a"]


def test_a_model_config_that_is_invalid_changes_nothing(server: InProcessServer) -> None:
    from modelwright.serve.lifecycle.model_config import models_in_message

    config = messages.ModelServerConfig()
    config.model_config_list.config.add(name="a/b")
    with pytest.raises(ConfigError, match="names a model 'a/b'"):
        models_in_message(config, server.root)
    assert server.manager.ready


def test_a_name_is_found_in_either_way_that_unicode_writes_it(tmp_path: Path) -> None:
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    server = InProcessServer(tmp_path)
    server.add_version(1, decomposed)
    server.look()
    try:
        path = f"/v1/models/{quote(composed)}"
        assert server.send("POST", f"{path}:predict", b'{"instances": [2]}').status == 200
        assert server.send("GET", path).status == 200
        assert server.send("GET", f"{path}/metadata").status == 200
        request = messages.GetModelStatusRequest()
        request.model_spec.name = composed
        answer = server.call("GetModelStatus", request, service=MODELS)
        states = messages.GetModelStatusResponse.FromString(answer)
        assert [one.version for one in states.model_version_status] == [1]
        assert server.send("GET", f"{path}e").status == 404
        assert f'request_count{{model_name="{decomposed}"' in server.metrics.render()
    finally:
        server.close()
