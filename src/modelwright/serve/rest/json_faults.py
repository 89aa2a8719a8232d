"""Finds why a JSON value is not a valid tensor, in the words of TensorFlow Serving.

Its words are in ``util/json_tensor.cc``. This code may be slow, because only values that
``json_values`` refused come here. Long values are quoted in part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from modelwright.serve.errors import Refused
from modelwright.serve.rest.json_values import EXACT, INTEGERS, OVERFLOW, from_base64, is_base64

_QUOTED = 120  # characters of a value
_LONGEST = 1024  # of a message, as TensorFlow Serving cuts them
_KINDS: Mapping[type, str] = {
    type(None): "Null",
    dict: "Object",
    list: "Array",
    str: "String",
    int: "Number",
    float: "Number",
}


def bad(message: str) -> Refused:
    """Returns the refusal of an invalid request, its message cut where a name in it is long."""
    cut = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}...TRUNCATED"
    return Refused("INVALID_ARGUMENT", cut)


def quoted(value: Any) -> str:
    """Returns a JSON value as text, cut if it is long."""
    if type(value) is float and not np.isfinite(value):
        return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    try:
        text = orjson.dumps(value).decode()
    except (TypeError, ValueError):  # too deep for its writer
        return f"({json_kind(value)})"
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}...TRUNCATED"


def json_kind(value: Any) -> str:
    """Returns ``Null``, ``False``, ``True``, ``Object``, ``Array``, ``String`` or ``Number``."""
    return str(value) if type(value) is bool else _KINDS[type(value)]


def lossy(value: float, dtype: str) -> str | None:
    """Returns why a floating type cannot hold a number; None if it can."""
    exact = type(value) is not int or abs(value) <= EXACT[dtype]
    if exact and (abs(value) < OVERFLOW[dtype] or not np.isfinite(value)):
        return None
    kind = _name(dtype)
    return f"Cannot convert JSON value: {quoted(value)} to {kind} without loss of precision."


def unfit(value: Any, dtype: str) -> Refused:
    """Returns the refusal of a value, or of nested lists, that ``dtype`` cannot hold."""
    if not _convertible(dtype):
        return Refused(
            "UNIMPLEMENTED", f"Conversion of JSON Value: {quoted(value)} to type: {_name(dtype)}"
        )
    return bad(
        _fault(value, dtype, 0, _dense(value)) or f"JSON Value: {quoted(value)} is no tensor"
    )


def unfit_rows(instances: list[Any], inputs: Mapping[str, str]) -> Refused:
    """Returns the refusal of ``instances``, by the first element that does not fit its input."""
    objects = _is_object(instances[0])
    shapes: dict[str, list[int]] = {}
    for number, element in enumerate(instances):
        if _is_object(element) != objects:
            forms = ("object", "list") if objects else ("value/list", "object")
            return bad(f"Expecting {forms[0]} but got {forms[1]} at item {number} of input list")
        values = element if objects else {next(iter(inputs)): element}
        for name, value in values.items():
            fault = _row_fault(name, value, inputs, shapes)
            if fault:
                key = f" key: {name}" if objects else ""
                return bad(
                    f"Failed to process element: {number}{key} of 'instances' list. Error:"
                    f" {fault.code}: {fault.message}",
                )
        if values.keys() != inputs.keys():
            return bad(
                f"Failed to process element: {number} of 'instances' list. JSON object:"
                f" {quoted(element)} must only have keys: {','.join(sorted(inputs))}"
            )
    return bad(f"JSON Value: {quoted(instances)} is no tensor")


def _row_fault(
    name: str, value: Any, inputs: Mapping[str, str], shapes: dict[str, list[int]]
) -> Refused | None:
    if name not in inputs:
        return bad(f"JSON object: does not have named input: {name}")
    shape = _dense(value)
    if not _convertible(inputs[name]):
        return unfit(value, inputs[name])
    fault = _fault(value, inputs[name], 0, shape)
    if fault:
        return bad(fault)
    first = shapes.setdefault(name, shape)
    if _size(first) != _size(shape):
        return bad(f"Expecting tensor size: {_size(first)} but got: {_size(shape)}")
    if first != shape:
        return bad(f"Expecting shape {_brackets(first)} but got: {_brackets(shape)}")
    return None


def _fault(value: Any, dtype: str, level: int, shape: list[int]) -> str | None:
    """Returns the first fault in nested lists that should have that shape."""
    rank = len(shape)
    if type(value) is not list:
        if level != rank:
            return (
                f"JSON Value: {quoted(value)} found at incorrect level: {level + 1} in the JSON"
                f" DOM. Expected at level: {rank}"
            )
        return _leaf_fault(value, dtype)
    if level >= rank:
        return f"Encountered list at unexpected level: {level} expected < {rank}"
    if len(value) != shape[level]:
        return (
            f"Encountered list at unexpected size: {len(value)} at level: {level} expected size:"
            f" {shape[level]}"
        )
    faults = (_fault(item, dtype, level + 1, shape) for item in value)
    return next(filter(None, faults), None)


def _leaf_fault(value: Any, dtype: str) -> str | None:
    kind = type(value)
    if dtype == "DT_STRING" and kind is dict:
        if not is_base64(value):
            return f"JSON Value: {quoted(value)} not formatted correctly for base64 data"
        return "Unable to base64 decode" if from_base64(value["b64"]) is None else None
    if dtype in EXACT and kind in (int, float):
        return lossy(value, dtype)
    if dtype in INTEGERS and kind is int:
        bounds = np.iinfo(INTEGERS[dtype])
        fits = bounds.min <= value <= bounds.max
    else:
        fits = (dtype == "DT_STRING" and kind is str) or (dtype == "DT_BOOL" and kind is bool)
    if fits:
        return None
    return (
        f"JSON Value: {quoted(value)} Type: {json_kind(value)} is not of expected type:"
        f" {_name(dtype)}"
    )


def _convertible(dtype: str) -> bool:
    return dtype in EXACT or dtype in INTEGERS or dtype in ("DT_BOOL", "DT_STRING")


def _is_object(value: Any) -> bool:
    return type(value) is dict and not is_base64(value)


def _dense(value: Any) -> list[int]:
    """Returns the shape that the first element of each level has."""
    shape = []
    while type(value) is list:
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _size(shape: list[int]) -> int:
    return math.prod(shape)


def _brackets(shape: list[int]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _name(dtype: str) -> str:
    return dtype.removeprefix("DT_").lower()
