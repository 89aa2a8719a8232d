"""Request bodies: the cases of TensorFlow Serving's own tests, and properties of any body."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.serve.rest.json_body import PredictBody, parse_examples, parse_json, parse_predict


def signature(**types: str) -> Callable[[str], Signature]:
    inputs = {name: TensorSpec(name, dtype, None) for name, dtype in types.items()}
    return lambda name: Signature("tensorflow/serving/predict", inputs, {})


def read(body: str | bytes, most: int = 1000, **types: str) -> PredictBody:
    raw = body.encode() if isinstance(body, str) else body
    return parse_predict(parse_json(raw, depth=64), signature(**types), most=most)


def refusal(body: str | bytes, most: int = 1000, **types: str) -> str:
    with pytest.raises(Refused) as caught:
        read(body, most, **types)
    assert caught.value.code == "INVALID_ARGUMENT"
    return caught.value.message


def one(body: str, dtype: str) -> Any:
    (array,) = read(body, x=dtype).inputs.values()
    return array


def test_one_input_of_lists() -> None:
    body = read('{"instances": [[1,2],[3,4],[5,6]]}', x="DT_INT32")
    assert (body.signature_name, body.row) == ("", True)
    array = body.inputs["x"]
    assert (array.dtype, array.tolist()) == (np.int32, [[1, 2], [3, 4], [5, 6]])


def test_a_signature_is_named() -> None:
    asked = []

    def signature_of(name: str) -> Signature:
        asked.append(name)
        return signature(x="DT_INT32")(name)

    document = parse_json(b'{"signature_name": "predict_images", "instances": [[1,2]]}', depth=4)
    assert parse_predict(document, signature_of, most=2).signature_name == "predict_images"
    assert asked == ["predict_images"]
    with pytest.raises(Refused, match="Failed to get input map for signature: DEFAULT"):
        parse_predict({"instances": [1]}, signature(), most=1)


@pytest.mark.parametrize(("dtype", "kind"), [("DT_FLOAT", np.float32), ("DT_DOUBLE", np.float64)])
def test_integers_among_floats(dtype: str, kind: type) -> None:
    array = one('{"instances": [1, 2.0, 3, 4, 5.003, 0.007, 0.0, -1e2]}', dtype)
    assert array.dtype == kind
    assert array.tolist() == np.array([1, 2, 3, 4, 5.003, 0.007, 0, -100], kind).tolist()


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ('[{"b64": "aGVsbG8="}, {"b64": "d29ybGQ="}]', [b"hello", b"world"]),
        ('[[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]', [[b"hello"], [b"world"]]),
        ('[{"x": [[{"b64": "aGVsbG8="}], [{"b64": "d29ybGQ="}]]}]', [[[b"hello"], [b"world"]]]),
        ('["hello", {"b64": "d29y bGQ"}, {"b64": ""}, "好\\u0000"]', None),
    ],
)
def test_base64(instances: str, expected: Any) -> None:
    array = one(f'{{"instances": {instances}}}', "DT_STRING")
    assert array.dtype == object
    assert array.tolist() == (expected or [b"hello", b"world", b"", "好\0".encode()])


def test_several_inputs_in_rows_with_numbers_that_are_not_finite() -> None:
    body = read(
        """{"instances": [
            {"int": [[1,2],[3,4],[5,6]], "str": ["foo", "bar"], "flt": [1.0, NaN], "dbl": [NaN]},
            {"int": [[7,8],[9,0],[1,2]], "str": ["baz", "bat"], "flt": [2.0, -Infinity],
             "dbl": [2.0]}]}""",
        **{"int": "DT_INT32", "str": "DT_STRING", "flt": "DT_FLOAT", "dbl": "DT_DOUBLE"},
    )
    assert body.inputs["int"].shape == (2, 3, 2)
    assert body.inputs["str"].tolist() == [[b"foo", b"bar"], [b"baz", b"bat"]]
    np.testing.assert_array_equal(body.inputs["flt"], np.float32([[1, math.nan], [2, -math.inf]]))
    np.testing.assert_array_equal(body.inputs["dbl"], [[math.nan], [2]])


@pytest.mark.parametrize("inputs", ['{"x": [[[1,2],[3,4]]]}', "[[[1,2],[3,4]]]"])
def test_one_input_in_columns(inputs: str) -> None:
    body = read(f'{{"inputs": {inputs}}}', x="DT_INT32")
    assert (body.row, body.inputs["x"].tolist()) == (False, [[[1, 2], [3, 4]]])


def test_several_inputs_in_columns() -> None:
    body = read(
        '{"inputs": {"i": [[1,2]], "s": ["foo", "bar", "baz"], "b": {"b64": "aGVsbG8="}, "o": 1}}',
        i="DT_INT64",
        s="DT_STRING",
        b="DT_STRING",
    )
    assert {k: v.shape for k, v in body.inputs.items()} == {"i": (1, 2), "s": (3,), "b": ()}
    assert body.inputs["b"].item() == b"hello"


def test_scalars_and_empty_lists() -> None:
    assert one('{"inputs": 5}', "DT_UINT8").shape == ()
    assert one('{"inputs": []}', "DT_FLOAT").shape == (0,)
    assert one('{"instances": [[], []]}', "DT_STRING").shape == (2, 0)
    assert one('{"instances": [[[[[[[[7]]]]]]]]}', "DT_INT8").shape == (1,) * 8
    assert one('{"instances": [true, false]}', "DT_BOOL").tolist() == [True, False]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("DT_INT64", -(2**63)),
        ("DT_INT64", 2**63 - 1),
        ("DT_UINT64", 2**64 - 1),
        ("DT_UINT32", 2**32 - 1),
        ("DT_UINT16", 2**16 - 1),
        ("DT_INT16", -(2**15)),
        ("DT_FLOAT", 2**24 - 1),
        ("DT_DOUBLE", 2**53 - 1),
        ("DT_FLOAT", 1e30),
        ("DT_FLOAT", 2**70),
    ],
)
def test_numbers_at_the_bounds(dtype: str, value: float) -> None:
    array = one(f'{{"instances": [{value}]}}', dtype)
    assert array.tolist() == [array.dtype.type(value)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "JSON Parse error: The document is empty"),
        (" \n", "The document is empty"),
        ("[1]", r"JSON Value: [1] Is not object"),
        ('{"instances": [1}', "JSON Parse error: "),
        ('{"instances": [1]} x', "JSON Parse error: "),
        ('{"instances": [NaN, }', "JSON Parse error: Expecting value at offset: 20"),
        ('{"instances": [1e400]}', "JSON Parse error: number is infinity"),
        ('{"instances": [NaN, 1e400]}', "Number too big to be stored in double"),
        ('{"instances": [NaN, ' + "9" * 400 + "]}", "Number too big to be stored in double"),
        (b'{"instances": ["\xff"]}', "JSON Parse error: "),
        (b'{"instances": ["\xff", NaN]}', "JSON Parse error: "),
        ('{"instances": ["\\ud800"]}', "JSON Parse error: "),
        ('{"instances": ["\\ud800", NaN]}', "JSON Parse error: "),
        ('{"signature_name": 5, "instances": [1]}', "'signature_name' key must be a string value"),
        ('{"signature_name": null, "instances": [1]}', "must be a string value"),
        ('{"instances": [1], "inputs": [1]}', "Not formatted correctly expecting only one of"),
        ("{}", "Missing 'inputs' or 'instances' key"),
        ('{"instances": []}', "No values in 'instances' array"),
        ('{"instances": 1}', "Excepting 'instances' to be an list/array"),
        ('{"instances": {"x": 1}}', "Excepting 'instances' to be an list/array"),
        ('{"instances": [[1,2],[3,4],[5,6,7]]}', "Expecting tensor size: 2 but got: 3"),
        ('{"instances": [[1,2],[3,4],[[5,6]]]}', "Expecting shape [2] but got: [1,2]"),
        ('{"instances": [1, [1]]}', "Expecting shape [] but got: [1]"),
        ('{"instances": [[1], 1]}', "Expecting shape [1] but got: []"),
        ('{"instances": [[[1,2],[3]]]}', "list at unexpected size: 1 at level: 1 expected size: 2"),
        ('{"instances": [[1,[2]]]}', "Encountered list at unexpected level: 1 expected < 1"),
        ('{"instances": [[[1],2]]}', "2 found at incorrect level: 2 in the JSON DOM. Expected at"),
        (
            '{"instances": [[1,2],["a", "b"]]}',
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: JSON"
            ' Value: "a" Type: String is not of expected type: int32',
        ),
        ('{"instances": [1.0]}', "1.0 Type: Number is not of expected type: int32"),
        ('{"instances": [2147483648]}', "is not of expected type: int32"),
        ('{"instances": [true]}', "true Type: True is not of expected type: int32"),
        ('{"instances": [null]}', "null Type: Null is not of expected type: int32"),
        ('{"instances": [{"b64": "aGVsbG8="}]}', "Type: Object is not of expected type: int32"),
        ('{"instances": [{"y": 1}]}', "key: y of 'instances' list. Error: INVALID_ARGUMENT: JSON"),
        ('{"instances": [1, {"x": 1}]}', "Expecting value/list but got object at item 1 of input"),
        ('{"instances": [{"x": 1}, [1]]}', "Expecting object but got list at item 1 of input list"),
        ('{"instances": [{}]}', "JSON object: {} must only have keys: x"),
        ('{"inputs": {"y": 1}}', "Missing named input: x in 'inputs' object."),
        ('{"inputs": [[1],[2,3]]}', "Encountered list at unexpected size: 2 at level: 1 expected"),
        ('{"inputs": "a"}', '"a" Type: String is not of expected type: int32'),
    ],
)
def test_bodies_for_one_input_of_integers(body: str | bytes, says: str) -> None:
    assert says in refusal(body, x="DT_INT32")


@pytest.mark.parametrize(
    ("dtype", "value", "says"),
    [
        ("DT_FLOAT", '"a"', "not of expected type: float"),
        ("DT_FLOAT", "true", "not of expected type: float"),
        ("DT_FLOAT", "1.7976931348623157e308", "to float without loss of precision."),
        ("DT_FLOAT", "-3.41e38", "to float without loss of precision."),
        ("DT_FLOAT", "16777217", "Cannot convert JSON value: 16777217 to float without loss"),
        ("DT_FLOAT", "[1.5, 16777217]", "16777217 to float"),
        ("DT_DOUBLE", "9007199254740993", "to double without loss of precision."),
        ("DT_DOUBLE", "{}", "must only have keys: x"),
        ("DT_BOOL", "1", "not of expected type: bool"),
        ("DT_STRING", "1", "not of expected type: string"),
        ("DT_STRING", "[null]", "not of expected type: string"),
        ("DT_STRING", '{"b64": "####"}', "Unable to base64 decode"),
        ("DT_STRING", '{"b64": "aGVsbG8=="}', "Unable to base64 decode"),
        ("DT_STRING", '{"b64": "好"}', "Unable to base64 decode"),
        ("DT_STRING", '[{"b64": 5}]', "not formatted correctly for base64 data"),
        ("DT_STRING", '[{"b64": "", "c": 1}]', "not formatted correctly for base64 data"),
        ("DT_INT8", "128", "not of expected type: int8"),
        ("DT_UINT8", "-1", "not of expected type: uint8"),
        ("DT_UINT64", "-1", "not of expected type: uint64"),
        ("DT_INT64", "9223372036854775808", "not of expected type: int64"),
    ],
)
def test_values_that_a_type_cannot_hold(dtype: str, value: str, says: str) -> None:
    assert says in refusal(f'{{"instances": [{value}]}}', x=dtype)


@pytest.mark.parametrize(
    ("form", "code"), [("instances", "INVALID_ARGUMENT"), ("inputs", "UNIMPLEMENTED")]
)
@pytest.mark.parametrize("dtype", ["DT_HALF", "DT_COMPLEX64", "DT_BFLOAT16"])
def test_types_that_json_cannot_express(form: str, code: str, dtype: str) -> None:
    with pytest.raises(Refused, match="Conversion of JSON Value: .* to type: ") as caught:
        read(f'{{"{form}": [1]}}', x=dtype)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"instances": [1]}', "instances is a plain list, but expecting list of objects as"),
        ('{"instances": [{"b64": ""}]}', "instances is a plain list, but expecting list"),
        ('{"inputs": [1]}', "inputs is a plain value/list, but expecting an object as multiple"),
        ('{"inputs": {"i": [1]}}', "Missing named input: s in 'inputs' object."),
        (
            '{"instances": [{"i": [1], "s": ["a"]}, {"i": [[1]], "s": ["a"]}]}',
            "Failed to process element: 1 key: i of 'instances' list. Error: INVALID_ARGUMENT:"
            " Expecting shape [1] but got: [1,1]",
        ),
        (
            '{"instances": [{"i": [1], "s": ["a"]}, {"i": [1, 2], "s": ["a"]}]}',
            "Expecting tensor size: 1 but got: 2",
        ),
        ('{"instances": [{"i": 1, "s": "a"}, {"i": 2}]}', "element: 1 of 'instances' list. JSON"),
        ('{"instances": [{"i": 1, "s": "a"}, [1]]}', "Expecting object but got list at item 1"),
        ('{"instances": [{"i": 1, "t": "a"}]}', "does not have named input: t"),
    ],
)
def test_bodies_for_two_inputs(body: str, says: str) -> None:
    assert says in refusal(body, i="DT_INT32", s="DT_STRING")


def test_nesting_is_bounded() -> None:
    def nested(levels: int, value: str) -> bytes:
        return f'{{"instances": {"[" * (levels - 1)}{value}{"]" * (levels - 1)}}}'.encode()

    for value in ("1", "NaN"):
        assert parse_json(nested(20, value), depth=20)
        with pytest.raises(Refused, match="more than 19 levels of nesting"):
            parse_json(nested(20, value), depth=19)
        for levels in (1025, 200_000):
            with pytest.raises(Refused, match="JSON Parse error"):
                parse_json(nested(levels, value), depth=64)
    with pytest.raises(Refused, match="more than 32 levels of lists"):
        read(nested(40, "1"), x="DT_INT32")


def test_brackets_in_texts_and_in_a_row_are_not_nesting() -> None:
    texts = ["[" * 100, '"[\\"[', "\\", "{{" * 50]
    body = json.dumps({"instances": [[text] for text in texts]}).encode()
    assert parse_json(body, depth=3)["instances"] == [[text] for text in texts]
    with pytest.raises(Refused, match="more than 2 levels"):
        parse_json(body, depth=2)


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_elements_are_bounded(form: str) -> None:
    body = f'{{"{form}": [[1, 2], [3, 4]]}}'
    assert read(body, 4, x="DT_FLOAT").inputs["x"].size == 4
    assert "more than 3 elements" in refusal(body, 3, x="DT_FLOAT")
    both = (
        f'{{"{form}": {{"x": 1, "y": 2}}}}'
        if form == "inputs"
        else ('{"instances": [{"x": 1, "y": 2}]}')
    )
    assert len(read(both, 2, x="DT_FLOAT", y="DT_FLOAT").inputs) == 2
    assert "more than 1 elements" in refusal(both, 1, x="DT_FLOAT", y="DT_FLOAT")


def test_a_long_document_is_quoted_in_part() -> None:
    message = refusal(json.dumps({"instances": [], "x": "a" * 10_000}), x="DT_INT32")
    assert len(message) < 300
    assert "TRUNCATED" in message
    message = refusal(json.dumps({"instances": [{"a" * 10_000: 1}]}), x="DT_INT32")
    assert len(message) < 1100


def test_a_byte_order_mark_and_equal_keys() -> None:
    assert one('\ufeff{"instances": [1], "instances": [2]}', "DT_INT32").tolist() == [2]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(-3, 300)
    | st.floats()
    | st.text(max_size=3)
    | st.builds(lambda raw: {"b64": base64.b64encode(raw).decode()}, st.binary(max_size=3)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "y", "b64"]), inner, max_size=2)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries({"instances": st.lists(JSON, min_size=1, max_size=3)})
    | st.fixed_dictionaries({"inputs": JSON}),
    st.sampled_from(["DT_FLOAT", "DT_DOUBLE", "DT_INT8", "DT_INT64", "DT_STRING", "DT_BOOL"]),
)
def test_any_document_is_a_tensor_or_refused_with_a_reason(document: Any, dtype: str) -> None:
    try:
        body = read(json.dumps(document), x=dtype)
    except Refused as refused:
        assert refused.code == "INVALID_ARGUMENT"
        assert "is no tensor" not in refused.message
    else:
        assert body.inputs["x"].dtype == TensorSpec("x", dtype, None).numpy


@settings(deadline=None)
@given(st.binary(max_size=40) | st.text('[]{}",:1NaIinfty e\\u', max_size=40).map(str.encode))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        assert isinstance(parse_json(body, depth=8), dict)
    except Refused as refused:
        assert refused.message.encode()


def test_examples() -> None:
    body = b"""{"signature_name": "custom", "examples": [
        {"names": ["foo", "bar"], "ratings": [8.0, 9.0, NaN, Infinity], "age": 20},
        {"names": ["baz", {"b64": "aGVsbG8="}], "ratings": 6.0, "mixed": [1, true, false]},
        {"names": "bar", "ratings": -Infinity, "none": []}]}"""
    name, given = parse_examples(parse_json(body, depth=5), most=100)
    assert name == "custom"
    assert math.isnan(given[0]["ratings"].pop(2))
    assert given == [
        {"names": [b"foo", b"bar"], "ratings": [8.0, 9.0, math.inf], "age": [20]},
        {"names": [b"baz", b"hello"], "ratings": [6.0], "mixed": [1, 1, 0]},
        {"names": [b"bar"], "ratings": [-math.inf], "none": []},
    ]
    assert [type(value) for value in given[1]["mixed"]] == [int] * 3


def test_the_context_is_in_each_example() -> None:
    body = b'{"context": {"q": "pizza", "n": 1}, "examples": [{"n": 2}, {}]}'
    assert parse_examples(parse_json(body, depth=4), most=9) == (
        "",
        [{"q": [b"pizza"], "n": [2]}, {"q": [b"pizza"], "n": [1]}],
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"signature_name": ["a"], "examples": [{}]}', "'signature_name' key must be a string"),
        ('{"context": [{"names": ["foo"]}]}', "Example must be JSON object but got JSON Array"),
        ("{}", "key 'examples' is expected and was not found"),
        ('{"examples": {"a": 1}}', "Expecting 'examples' value to be an list/array"),
        ('{"examples": []}', "'examples' value is an empty array"),
        ('{"examples": [[{"a": 1}]]}', "Example must be JSON object but got JSON Array"),
        ('{"examples": [{"a": [10, null]}]}', "a has element with unexpected JSON type: Null"),
        ('{"examples": [{"a": [10, 10.0]}]}', "in feature: a expecting type: int64"),
        ('{"examples": [{"a": ["b", 1]}]}', "in feature: a expecting type: bytes"),
        ('{"examples": [{"a": [1.5, "b"]}]}', "in feature: a expecting type: float"),
        ('{"examples": [{"a": [10, {"t": 1}]}]}', "a has element with unexpected JSON type: Obj"),
        ('{"examples": [{"a": [[10], 20]}]}', "a has element with unexpected JSON type: Array"),
        ('{"examples": [{"a": 18446744073709551603}]}', "Only int64 is supported"),
        ('{"examples": [{"a": 1.7976931348623157e308}]}', "without loss of precision"),
        ('{"examples": [{"a": {"b64": "#"}}]}', "Unable to base64 decode"),
        ('{"examples": [{"a": [1, 2, 3, 4, 5]}]}', "more than 4 elements"),
        ('{"context": {"a": [1, 2]}, "examples": [{}, {}, {}]}', "more than 4 elements"),
    ],
)
def test_invalid_examples(body: str, says: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_examples(parse_json(body.encode(), depth=8), most=4)
    assert says in caught.value.message
