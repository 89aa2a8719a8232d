"""Specs name numpy's types, and every gRPC status has a number in HTTP."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from modelwright.serve.errors import GRPC, HTTP, Refused
from modelwright.serve.signatures import TensorSpec


def test_a_spec_knows_its_arrays() -> None:
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


def test_a_refusal_says_what_and_when() -> None:
    refused = Refused("UNAVAILABLE", "busy", retry_after=0.5)
    assert (refused.code, str(refused), refused.retry_after) == ("UNAVAILABLE", "busy", 0.5)
