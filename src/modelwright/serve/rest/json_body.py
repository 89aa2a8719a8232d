"""Parses the bodies of the REST interface: TensorFlow Serving's JSON as tensors, with limits.

It accepts and refuses the same documents, in the same words, as TensorFlow Serving's
``util/json_tensor.cc``. It differs where that is safer or clearer: it limits nesting and sizes,
refuses numbers that overflow a small integer type, shortens quoted values, reads back the text of
the largest float, and takes the last of two equal keys, not the first.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from modelwright.serve.lifecycle.signatures import Signature
from modelwright.serve.rest.json_faults import bad, json_kind, lossy, quoted, unfit, unfit_rows
from modelwright.serve.rest.json_values import Tally, from_base64, is_base64, to_tensor

Array = npt.NDArray[Any]
Document = Mapping[str, Any]
Feature = list[bytes] | list[float] | list[int]
Example = dict[str, Feature]

_BOM = b"\xef\xbb\xbf"
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("{"), ord("}")]] = 1, -1
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")
_INTEGER_DIGITS = 20  # of a 64-bit integer with its sign


class PredictBody(NamedTuple):
    """The content of a ``:predict`` request."""

    signature_name: str
    """Empty if the document names no signature."""
    inputs: dict[str, Array]
    row: bool
    """Whether it came as ``instances``, so that the answer has ``predictions``."""


def parse_json(body: bytes, *, depth: int) -> Document:
    """Returns the JSON object of a body. ``NaN``, ``Infinity`` and ``-Infinity`` are numbers.

    Args:
        body: UTF-8, with or without a byte order mark.
        depth: most levels of lists and objects.

    Raises:
        Refused: it is no JSON object, or has more levels.
    """
    if body.startswith(_BOM):
        body = body[3:]
    if not body or body.isspace():
        raise bad("JSON Parse error: The document is empty")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if b"NaN" not in body and b"Infinity" not in body:
            raise bad(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
        document = _parse_slowly(body)
    # Fewer brackets than levels cannot nest too deeply; counting them is fast.
    if body.count(b"[") + body.count(b"{") > depth and _depth_of(body) > depth:
        raise bad(f"JSON Parse error: The document has more than {depth} levels of nesting")
    if type(document) is not dict:
        raise bad(f"JSON Value: {quoted(document)} Is not object")
    return document


def parse_predict(
    document: Document, signature_of: Callable[[str], Signature], *, most: int
) -> PredictBody:
    """Returns the inputs of a predict request in rows (``instances``) or columns (``inputs``).

    Args:
        document: what ``parse_json`` returned.
        signature_of: returns the signature of a name; an empty name means the default one.
        most: most elements of all inputs together.

    Raises:
        Refused: the document has neither form, or does not fit the signature.
    """
    name = _signature_name(document)
    signature = signature_of(name)
    if not signature.inputs:
        raise bad(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    if "instances" in document:
        if "inputs" in document:
            raise bad(
                f"JSON Value: {quoted(document)} Not formatted correctly expecting only one of"
                " 'inputs' or 'instances' keys to exist "
            )
        instances = document["instances"]
        if type(instances) is not list:
            raise bad(f"JSON Value: {quoted(document)} Excepting 'instances' to be an list/array")
        if not instances:
            raise bad(f"JSON Value: {quoted(document)} No values in 'instances' array")
        return PredictBody(name, _rows(instances, signature, Tally(most)), True)
    if "inputs" in document:
        return PredictBody(name, _columns(document["inputs"], signature, Tally(most)), False)
    raise bad("Missing 'inputs' or 'instances' key")


def parse_examples(document: Document, *, most: int) -> tuple[str, list[Example]]:
    """Returns the signature's name and the examples of a classify or regress request.

    Each example gets the features of ``context`` that it does not have itself. A feature is a
    list of ``bytes``, floats or integers, and may be empty.

    Raises:
        Refused: the document has another form, or more than ``most`` values.
    """
    name = _signature_name(document)
    tally = Tally(most)
    context = _example(document["context"], tally) if "context" in document else {}
    if "examples" not in document:
        raise bad(
            f"JSON Value: {quoted(document)} When method is classify, key 'examples' is expected"
            " and was not found"
        )
    values = document["examples"]
    if type(values) is not list:
        raise bad(f"JSON Value: {quoted(document)} Expecting 'examples' value to be an list/array")
    if not values:
        raise bad(f"JSON Value: {quoted(document)} 'examples' value is an empty array")
    examples = []
    for value in values:
        tally.add(len(context) + 1)
        examples.append({**context, **_example(value, tally)})
    return name, examples


def _parse_slowly(body: bytes) -> Any:
    """Parses with Python's parser, which knows the tokens of numbers that are not finite."""
    try:
        text = body.decode()
        document = json.loads(text, parse_int=_integer, parse_float=_double)
        if _HALF_PAIR.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise bad("JSON Parse error: The document is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise bad(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except ValueError as error:
        raise bad(f"JSON Parse error: {error}") from None
    return document


def _integer(digits: str) -> int | float:
    """Returns an integer; a double if 64 bits are too few, as TensorFlow Serving and orjson do."""
    if len(digits) > _INTEGER_DIGITS:
        return _double(digits)
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else float(value)


def _double(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("Number too big to be stored in double")
    return value


def _depth_of(body: bytes) -> int:
    """Returns how deeply lists and objects are nested in valid JSON."""
    if b"\\" in body:  # otherwise every quotation mark starts or ends a string
        body = _STRINGS.sub(b"", body)
    folded = np.frombuffer(body, np.uint8) | 0x20  # turns [ and ] into { and }
    marks = folded[(folded == ord("{")) | (folded == ord("}")) | (folded == ord('"'))]
    outside = np.cumsum(marks == ord('"'), dtype=np.int32) % 2 == 0
    return int(np.cumsum(_STEPS[marks] * outside, dtype=np.int32).max(initial=0))


def _signature_name(document: Document) -> str:
    name = document.get("signature_name", "")
    if type(name) is not str:
        raise bad(
            f"JSON Value: {quoted(document)} not formatted correctly. 'signature_name' key must"
            " be a string value."
        )
    return name


def _rows(instances: list[Any], signature: Signature, tally: Tally) -> dict[str, Array]:
    """Reads row form: values of the only input, or objects with a key for each input."""
    inputs = signature.inputs
    first = instances[0]
    if type(first) is not dict or is_base64(first):
        if len(inputs) > 1:
            raise bad(
                "instances is a plain list, but expecting list of objects as multiple input"
                " tensors required as per tensorinfo_map"
            )
        columns = {next(iter(inputs)): instances}
    else:
        names = inputs.keys()
        for element in instances:
            if type(element) is not dict or element.keys() != names:
                raise unfit_rows(instances, _types(signature))
        columns = {name: [element[name] for element in instances] for name in inputs}
    arrays = {}
    for name, values in columns.items():
        array = to_tensor(values, inputs[name].dtype, tally)
        if array is None:
            raise unfit_rows(instances, _types(signature))
        arrays[name] = array
    return arrays


def _columns(value: Any, signature: Signature, tally: Tally) -> dict[str, Array]:
    """Reads column form: the only input, or an object with a key for each; ignores other keys."""
    inputs = signature.inputs
    if type(value) is not dict or is_base64(value):
        if len(inputs) > 1:
            raise bad(
                "inputs is a plain value/list, but expecting an object as multiple input tensors"
                " required as per tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    arrays = {}
    for name, spec in inputs.items():
        if name not in value:
            raise bad(f"Missing named input: {name} in 'inputs' object.")
        array = to_tensor(value[name], spec.dtype, tally)
        if array is None:
            raise unfit(value[name], spec.dtype)
        arrays[name] = array
    return arrays


def _types(signature: Signature) -> dict[str, str]:
    return {name: spec.dtype for name, spec in signature.inputs.items()}


def _example(value: Any, tally: Tally) -> Example:
    if type(value) is not dict:
        raise bad(f"Example must be JSON object but got JSON {json_kind(value)}")
    return {name: _feature(name, content, tally) for name, content in value.items()}


def _feature(name: str, content: Any, tally: Tally) -> Feature:
    """Reads a feature, whose values must be all bytes, all floats, or all integers."""
    items = content if type(content) is list else [content]
    tally.add(len(items))
    values: list[Any] = []
    expected = ""
    for value in items:
        kind, read = _feature_value(name, value)
        if expected not in ("", kind):
            raise bad(f"Unexpected element type in feature: {name} expecting type: {expected}")
        expected = kind
        values.append(read)
    return values


def _feature_value(name: str, value: Any) -> tuple[str, bytes | float | int]:
    if type(value) is str:
        return "bytes", value.encode()
    if is_base64(value):
        decoded = from_base64(value["b64"])
        if decoded is None:
            raise bad("Unable to base64 decode")
        return "bytes", decoded
    if type(value) is float:
        fault = lossy(value, "DT_FLOAT")
        if fault:
            raise bad(fault)
        return "float", value
    if type(value) is int or type(value) is bool:
        if value >= 2**63:
            raise bad(f"Feature: {name} has uint64 element. Only int64 is supported.")
        return "int64", int(value)
    raise bad(f"Feature: {name} has element with unexpected JSON type: {json_kind(value)}")
