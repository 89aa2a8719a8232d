"""The check of inputs against a signature, and the statuses of refusals."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import GRPC, HTTP, Refused
from modelwright.serve.lifecycle.input_check import check_inputs
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec


def test_a_spec_has_the_numpy_type_of_its_arrays() -> None:
    assert TensorSpec("x", "DT_FLOAT", (-1, 3)).numpy == np.float32
    assert TensorSpec("x", "DT_STRING", None).numpy.kind == "O"
    with pytest.raises(ValueError, match="element type DT_VARIANT is not supported"):
        _ = TensorSpec("x", "DT_VARIANT", None).numpy


def test_statuses_are_those_of_grpc() -> None:
    assert {code.name: code.value[0] for code in grpc.StatusCode} == GRPC
    assert HTTP.keys() == GRPC.keys()
    assert {HTTP[name] for name in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE")} == {
        400
    }
    assert (HTTP["RESOURCE_EXHAUSTED"], HTTP["CANCELLED"], HTTP["DATA_LOSS"]) == (429, 499, 500)


def test_a_refusal_has_a_code_a_message_and_a_retry_time() -> None:
    refused = Refused("UNAVAILABLE", "busy", retry_after=0.5)
    assert (refused.code, str(refused), refused.retry_after) == ("UNAVAILABLE", "busy", 0.5)


def test_only_a_savedmodel_accepts_other_shapes_than_it_declares() -> None:
    def rows(tensor: str, *shape: int) -> int:
        spec = TensorSpec("x", "DT_FLOAT", (-1, 1), tensor)
        signatures = {"s": Signature("tensorflow/serving/predict", {"x": spec}, {})}
        return check_inputs(
            "s", signatures, {"x": np.zeros(shape, np.float32)}, RequestLimits()
        ).rows

    assert [rows("x:0", 3, 1), rows("x:0", 3), rows("x:0", 2, 5), rows("x:0")] == [3, 3, 2, 1]
    assert rows("", 3, 1) == 3
    with pytest.raises(Refused, match=r"has the shape \[3\]; expected \[-1, 1\]"):
        rows("", 3)


def test_a_wrong_type_is_named_as_in_tensorflow() -> None:
    signatures = {"s": Signature("", {"x": TensorSpec("x", "DT_FLOAT", None)}, {})}
    with pytest.raises(Refused, match="'x' has the type DT_STRING; expected DT_FLOAT"):
        check_inputs("s", signatures, {"x": np.array([b"a"], object)}, RequestLimits())
