"""Answers as JSON: the cases of TensorFlow Serving's tests, and exact numbers."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.serve.rest.json_answers import classifications, predictions, regressions
from modelwright.serve.rest.json_body import parse_json, parse_predict


def texts(*values: bytes) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


def refusal(outputs: dict[str, Any], row: bool = True) -> str:
    with pytest.raises(Refused) as caught:
        predictions(outputs, row=row)
    assert caught.value.code == "INVALID_ARGUMENT"
    return caught.value.message


def test_half_plus_two() -> None:
    answer = floats(3.0, 3.5, 4.0)
    assert predictions({"y": answer}, row=True) == b'{"predictions":[3.0,3.5,4.0]}'
    assert predictions({"y": answer}, row=False) == b'{"outputs":[3.0,3.5,4.0]}'
    assert classifications([[("", 3.0)]]) == b'{"results":[[["",3.0]]]}'
    assert regressions(floats(3.0)) == b'{"results":[3.0]}'


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (9000000, "9e+06"),
        (999999, "999999.0"),
        (0.5, "0.5"),
        (0.0003, "0.0003"),
        (0.00003, "3e-05"),
        (555557.5, "555557.5"),
        (0.2, "0.2"),
        (1 / 3, "0.333333343"),
        (16777216, "16777216.0"),
        (1e10, "1e+10"),
        (-0.0, "-0.0"),
        (0.0, "0.0"),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        (3.4028235e38, "3.40282347e+38"),
        (1e-45, "1.4013e-45"),
    ],
)
def test_a_float(value: float, expected: str) -> None:
    given = np.array([value, 0.1], np.float32)
    assert predictions({"y": given}, row=True) == f'{{"predictions":[{expected},0.1]}}'.encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.1, "0.1"),
        (1 / 3, "0.33333333333333331"),
        (2**53, "9007199254740992.0"),
        (1e300, "1e+300"),
    ],
)
def test_a_double(value: float, expected: str) -> None:
    answer = predictions({"y": np.array(value, np.float64)}, row=False)
    assert answer == f'{{"outputs":{expected}}}'.encode()


@settings(deadline=None)
@given(hnp.arrays(np.float32, hnp.array_shapes(min_side=1, max_dims=3)))
def test_every_float_is_read_back_exactly(array: Any) -> None:
    spec = Signature("", {"x": TensorSpec("x", "DT_FLOAT", None)}, {})
    body = predictions({"y": array}, row=True).replace(b"predictions", b"instances")
    read = parse_predict(parse_json(body, depth=8), lambda name: spec, most=10_000).inputs["x"]
    np.testing.assert_array_equal(read, array)  # NaN is NaN, whichever its bits
    assert np.array_equal(np.signbit(read) & (read == 0), np.signbit(array) & (array == 0))
    assert read.dtype == array.dtype


@settings(deadline=None)
@given(hnp.arrays(np.float64, st.integers(1, 5)))
def test_every_double_is_read_back_exactly(array: Any) -> None:
    read = json.loads(predictions({"y": array}, row=False))["outputs"]
    np.testing.assert_array_equal(np.array(read, np.float64), array)


@settings(deadline=None)
@given(hnp.arrays(np.float32, st.integers(1, 5), elements={"allow_nan": False}))
def test_a_float_has_a_sign_of_its_type_and_at_most_nine_digits(array: Any) -> None:
    body = predictions({"y": array}, row=True).decode()
    for text in body.removeprefix('{"predictions":[').removesuffix("]}").split(","):
        assert "." in text or "e" in text or "Infinity" in text
        assert len(text.partition("e")[0].lstrip("-0.").replace(".", "")) <= 10


@pytest.mark.parametrize("row", [True, False])
def test_integers_are_exact(row: bool) -> None:
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        bounds = np.iinfo(dtype)
        given = np.array([[bounds.min, bounds.max]], dtype)
        (read,) = json.loads(predictions({"y": given}, row=row)).values()
        assert read == [[bounds.min, bounds.max]]


NAMED = {
    "double_scalar": np.array([8.0, 9.0]),
    "float": floats(1, 2).reshape(2, 1),
    "int": np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]),
    "str": texts(b"foo", b"bar", b"baz", "好".encode()).reshape(2, 2),
    "str_bytes": texts(b"hello", b"tf"),
    "flag": np.array([True, False]),
}


def test_several_outputs_in_rows() -> None:
    assert json.loads(predictions(NAMED, row=True)) == {
        "predictions": [
            {
                "double_scalar": 8.0,
                "float": [1.0],
                "int": [[1, 2], [3, 4]],
                "str": ["foo", "bar"],
                "str_bytes": {"b64": "aGVsbG8="},
                "flag": True,
            },
            {
                "double_scalar": 9.0,
                "float": [2.0],
                "int": [[5, 6], [7, 8]],
                "str": ["baz", "好"],
                "str_bytes": {"b64": "dGY="},
                "flag": False,
            },
        ]
    }


def test_several_outputs_in_columns() -> None:
    assert json.loads(predictions(NAMED, row=False)) == {
        "outputs": {
            "double_scalar": [8.0, 9.0],
            "float": [[1.0], [2.0]],
            "int": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
            "str": [["foo", "bar"], ["baz", "好"]],
            "str_bytes": [{"b64": "aGVsbG8="}, {"b64": "dGY="}],
            "flag": [True, False],
        }
    }


def test_one_output_of_bytes() -> None:
    given = texts(b"hello", b"\xff\x00").reshape(2, 1)
    expected = [[{"b64": "aGVsbG8="}], [{"b64": "/wA="}]]
    assert json.loads(predictions({"y_bytes": given}, row=True)) == {"predictions": expected}


def test_texts_are_escaped() -> None:
    given = texts(b'a"\\\n\x01\x00</script>', "\u2028好😀".encode())
    (read,) = json.loads(predictions({'na"me': given}, row=True)).values()
    assert [text.encode() for text in read] == given.tolist()
    two = {'na"me': given, "100%s": given}
    assert json.loads(predictions(two, row=True))["predictions"][0].keys() == two.keys()
    assert json.loads(predictions(two, row=False))["outputs"].keys() == two.keys()


@pytest.mark.parametrize("row", [True, False])
def test_an_empty_batch(row: bool) -> None:
    key = "predictions" if row else "outputs"
    empty = np.zeros((0, 3), np.float32)
    assert json.loads(predictions({"y": empty}, row=row)) == {key: []}
    both = json.loads(predictions({"y": empty, "s": texts()}, row=row))
    assert both == {key: [] if row else {"y": [], "s": []}}
    assert json.loads(predictions({"y": empty.T[:2]}, row=row)) == {key: [[], []]}


def test_types_that_json_cannot_express() -> None:
    assert "Cannot convert empty tensor map to JSON" in refusal({})
    for dtype, name in (("complex64", "complex64"), ("float16", "half"), ("datetime64[s]", "date")):
        given = np.zeros(2, dtype)
        assert f"JSON value for tensor type: {name}" in refusal({"y": given})
        assert f"JSON value for tensor type: {name}" in refusal({"y": given}, row=False)
    assert "y has no shape information" in refusal({"y": np.array(1)})
    assert "b has inconsistent batch size: 1 expecting: 2" in refusal(
        {"a": floats(1, 2), "b": texts(b"")}
    )
    assert "y has bytes that are not UTF-8; an output whose name ends in '_bytes'" in refusal(
        {"y": texts(b"\xff")}
    )


def test_classes_and_values() -> None:
    answer = classifications([[("car", 0.2), ('b"', 0.7)], [("car", math.nan)], []])
    assert answer == b'{"results":[[["car",0.2],["b\\"",0.7]],[["car",NaN]],[]]}'
    given = floats(0.2, math.inf, 1, -math.inf, math.nan)
    assert regressions(given) == b'{"results":[0.2,Infinity,1.0,-Infinity,NaN]}'
    with pytest.raises(Refused, match="empty ClassificationResults"):
        classifications([])
    with pytest.raises(Refused, match="empty RegressionResults"):
        regressions(floats())
