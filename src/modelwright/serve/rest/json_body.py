"""Bodies of the REST interface as tensors: TensorFlow Serving's JSON, with bounds.

What is accepted, what is refused and the words are those of its ``util/json_tensor.cc``. It
differs where that is safer or clearer: nesting and sizes are bounded, numbers that do not fit a
small integer type are refused rather than wrapped, quoted values are cut, what is written for the
largest float is read back, and of two equal keys the last one counts rather than the first.
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
from modelwright.serve.rest.json_faults import bad, kind_of, lossy, quoted, unfit, unfit_rows
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
_WHOLE_DIGITS = 20  # that 64 bits may have, with a sign


class PredictBody(NamedTuple):
    """What a ``:predict`` asks. ``signature_name`` is empty where none is named; ``row`` says
    whether it came as ``instances`` and is answered as ``predictions``."""

    signature_name: str
    inputs: dict[str, Array]
    row: bool


def parse(body: bytes, *, depth: int) -> Document:
    """The JSON object of a body. ``NaN``, ``Infinity`` and ``-Infinity`` are numbers.

    Args:
        body: UTF-8, a byte order mark may come first.
        depth: levels of lists and objects that it may have.

    Raises:
        Refused: it is no JSON object, or deeper.
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
    # No more brackets than levels cannot be deeper, which two scans in C decide.
    if body.count(b"[") + body.count(b"{") > depth and _depth_of(body) > depth:
        raise bad(f"JSON Parse error: The document has more than {depth} levels of nesting")
    if type(document) is not dict:
        raise bad(f"JSON Value: {quoted(document)} Is not object")
    return document


def predict_tensors(
    document: Document, signature_of: Callable[[str], Signature], *, most: int
) -> PredictBody:
    """The inputs of a predict request, in row form (``instances``) or column form (``inputs``).

    Args:
        document: as ``parse`` gives it.
        signature_of: the signature of a name, which is empty where the document has none.
        most: elements that all inputs may have together.

    Raises:
        Refused: the document is not of one of the forms, or not what the signature takes.
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


def examples(document: Document, *, most: int) -> tuple[str, list[Example]]:
    """The signature's name and the examples of a classify or regress request.

    The features of ``context`` are in each example that has none of their names. A feature is a
    list of ``bytes``, of floats or of integers; it is empty where the document's list is.

    Raises:
        Refused: the document is not of that form, or has more than ``most`` values.
    """
    name = _signature_name(document)
    tally = Tally(most)
    context = _example(document["context"], tally) if "context" in document else {}
    if "examples" not in document:
        raise bad(
            f"JSON Value: {quoted(document)} When method is classify, key 'examples' is expected"
            " and was not found"
        )
    given = document["examples"]
    if type(given) is not list:
        raise bad(f"JSON Value: {quoted(document)} Expecting 'examples' value to be an list/array")
    if not given:
        raise bad(f"JSON Value: {quoted(document)} 'examples' value is an empty array")
    made = []
    for value in given:
        tally.add(len(context) + 1)
        made.append({**context, **_example(value, tally)})
    return name, made


def _parse_slowly(body: bytes) -> Any:
    """The same with Python's parser, which knows the tokens that are not finite."""
    try:
        text = body.decode()
        document = json.loads(text, parse_int=_whole, parse_float=_fraction)
        if _HALF_PAIR.search(text):
            json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise bad("JSON Parse error: The document is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise bad(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except ValueError as error:
        raise bad(f"JSON Parse error: {error}") from None
    return document


def _whole(digits: str) -> int | float:
    """What 64 bits do not hold is a double, as it is to TensorFlow Serving and to orjson."""
    if len(digits) > _WHOLE_DIGITS:
        return _fraction(digits)
    value = int(digits)
    return value if -(2**63) <= value < 2**64 else float(value)


def _fraction(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("Number too big to be stored in double")
    return value


def _depth_of(body: bytes) -> int:
    """The most levels of lists and objects in a body that is valid JSON."""
    if b"\\" in body:  # else each quotation mark begins or ends a text
        body = _STRINGS.sub(b"", body)
    folded = np.frombuffer(body, np.uint8) | 0x20  # makes of [ and ] a { and a }
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
    """Row form: values or lists for the one input, or objects with a key for each input."""
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
    made = {}
    for name, values in columns.items():
        array = to_tensor(values, inputs[name].dtype, tally)
        if array is None:
            raise unfit_rows(instances, _types(signature))
        made[name] = array
    return made


def _columns(given: Any, signature: Signature, tally: Tally) -> dict[str, Array]:
    """Column form: the one input, or an object with a key for each; others are passed over."""
    inputs = signature.inputs
    if type(given) is not dict or is_base64(given):
        if len(inputs) > 1:
            raise bad(
                "inputs is a plain value/list, but expecting an object as multiple input tensors"
                " required as per tensorinfo_map"
            )
        given = {next(iter(inputs)): given}
    made = {}
    for name, spec in inputs.items():
        if name not in given:
            raise bad(f"Missing named input: {name} in 'inputs' object.")
        array = to_tensor(given[name], spec.dtype, tally)
        if array is None:
            raise unfit(given[name], spec.dtype)
        made[name] = array
    return made


def _types(signature: Signature) -> dict[str, str]:
    return {name: spec.dtype for name, spec in signature.inputs.items()}


def _example(value: Any, tally: Tally) -> Example:
    if type(value) is not dict:
        raise bad(f"Example must be JSON object but got JSON {kind_of(value)}")
    return {name: _feature(name, content, tally) for name, content in value.items()}


def _feature(name: str, content: Any, tally: Tally) -> Feature:
    """All values of one kind: texts and files, floats, or integers and booleans."""
    given = content if type(content) is list else [content]
    tally.add(len(given))
    values: list[Any] = []
    expected = ""
    for value in given:
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
    raise bad(f"Feature: {name} has element with unexpected JSON type: {kind_of(value)}")
