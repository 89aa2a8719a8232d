"""Turns JSON values into arrays of the type that a signature asks for, a tensor at a time.

The checks run over all elements in C: the set of their types, the set of the lists' lengths. A
value that fails gives None, and ``json_faults`` finds the error message.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.serve.errors import Refused

Array = npt.NDArray[Any]

INTEGERS: Mapping[str, type[np.integer[Any]]] = {
    "DT_INT8": np.int8,
    "DT_INT16": np.int16,
    "DT_INT32": np.int32,
    "DT_INT64": np.int64,
    "DT_UINT8": np.uint8,
    "DT_UINT16": np.uint16,
    "DT_UINT32": np.uint32,
    "DT_UINT64": np.uint64,
}
EXACT: Mapping[str, int] = {"DT_FLOAT": 2**24 - 1, "DT_DOUBLE": 2**53 - 1}
"""The largest integer that each floating type accepts; TensorFlow Serving's bounds."""
OVERFLOW: Mapping[str, float] = {"DT_FLOAT": 2.0**128 - 2.0**103, "DT_DOUBLE": float("inf")}
"""The smallest number of each floating type that would round to infinity."""

_MOST_LEVELS = 32


class Tally:
    """Counts the elements of a request, up to a limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    def add(self, count: int) -> None:
        """Counts more elements.

        Raises:
            Refused: there are too many.
        """
        self._left -= count
        if self._left < 0:
            raise Refused(
                "INVALID_ARGUMENT",
                f"The request has more than {self._most} elements (--max-elements); send fewer"
                " at once.",
            )


def to_tensor(value: Any, dtype: str, tally: Tally) -> Array | None:
    """Returns nested lists, or one value, as an array; None if ``dtype`` cannot hold them.

    Args:
        value: a JSON value.
        dtype: for example ``"DT_FLOAT"``.
        tally: counts the elements before memory for them is allocated.
    """
    flattened = _flatten(value, tally)
    if flattened is None:
        return None
    shape, flat = flattened
    types = set(map(type, flat))  # a list among them matches no type below
    array: Array | None
    if dtype == "DT_STRING":
        array = _texts(flat, types)
    elif dtype in EXACT:
        array = _floats(flat, types, dtype) if types <= {int, float} else None
    elif dtype in INTEGERS and types <= {int}:
        try:
            array = np.array(flat, INTEGERS[dtype])
        except OverflowError:
            return None
    elif dtype == "DT_BOOL" and types <= {bool}:
        array = np.array(flat, np.bool_)
    else:
        return None
    return array if array is None or len(shape) == 1 else array.reshape(shape)


def is_base64(value: Any) -> bool:
    """Whether a value is ``{"b64": "..."}`` with no other key."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def from_base64(text: str) -> bytes | None:
    """Decodes base64, which may contain spaces and lack padding; None if it is invalid."""
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        pass
    bare = "".join(text.split())
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except ValueError:
        return None


def _flatten(value: Any, tally: Tally) -> tuple[list[int], list[Any]] | None:
    """Returns the shape and all elements of nested lists; None if they are ragged."""
    shape: list[int] = []
    flat, first = [value], value
    tally.add(1)
    while type(first) is list:
        size = len(first)
        if len(flat) > 1 and (set(map(type, flat)) != {list} or set(map(len, flat)) != {size}):
            return None
        shape.append(size)
        if len(shape) > _MOST_LEVELS:
            raise Refused(
                "INVALID_ARGUMENT",
                f"A tensor has more than {_MOST_LEVELS} levels of lists.",
            )
        tally.add(len(flat) * (size - 1))
        flat = first if len(flat) == 1 else list(chain.from_iterable(flat))
        if not flat:
            return shape, flat
        first = flat[0]
    return shape, flat


def _texts(flat: list[Any], types: set[type]) -> Array | None:
    values: list[Any]
    if types <= {str}:
        values = [text.encode() for text in flat]
    elif types <= {str, dict}:
        values = []
        for value in flat:
            if type(value) is str:
                values.append(value.encode())
            elif is_base64(value) and (decoded := from_base64(value["b64"])) is not None:
                values.append(decoded)
            else:
                return None
    else:
        return None
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _floats(flat: list[Any], types: set[type], dtype: str) -> Array | None:
    doubles = np.array(flat, np.float64)
    size = np.abs(doubles)
    if int in types:
        for position in np.flatnonzero(size > EXACT[dtype]):
            if type(flat[position]) is int:
                return None
    if dtype == "DT_DOUBLE":
        return doubles
    if ((size >= OVERFLOW[dtype]) & (size != np.inf)).any():
        return None
    return doubles.astype(np.float32)
