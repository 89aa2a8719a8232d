"""JSON values as arrays of the type a signature asks for, a whole tensor at a time.

Checks go over all elements in C: the set of their types, the set of the lists' lengths. What does
not pass gives None, and ``rest_faults`` finds the words for it.
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

WHOLE: Mapping[str, type[np.integer[Any]]] = {
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
"""Of each floating type, the largest whole number that is taken; TensorFlow Serving's bounds."""
OVERFLOW: Mapping[str, float] = {"DT_FLOAT": 2.0**128 - 2.0**103, "DT_DOUBLE": float("inf")}
"""Of each, the least number that would round to infinity."""

_MOST_LEVELS = 32


class Tally:
    """Counts a request's elements."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._left = most

    def add(self, count: int) -> None:
        """Count some more.

        Raises:
            Refused: there are too many.
        """
        self._left -= count
        if self._left < 0:
            raise Refused(
                "INVALID_ARGUMENT",
                f"The request has more than {self._most} elements; send fewer at once.",
            )


def to_tensor(value: Any, dtype: str, tally: Tally) -> Array | None:
    """Nested lists, or one value, as an array; None where they are not what ``dtype`` takes.

    Args:
        value: of JSON.
        dtype: as ``"DT_FLOAT"``.
        tally: counts the elements, before anything of their number is made.
    """
    flattened = _flatten(value, tally)
    if flattened is None:
        return None
    shape, flat = flattened
    types = set(map(type, flat))  # a list among them is none of those taken below
    made: Array | None
    if dtype == "DT_STRING":
        made = _texts(flat, types)
    elif dtype in EXACT:
        made = _floats(flat, types, dtype) if types <= {int, float} else None
    elif dtype in WHOLE and types <= {int}:
        try:
            made = np.array(flat, WHOLE[dtype])
        except OverflowError:
            return None
    elif dtype == "DT_BOOL" and types <= {bool}:
        made = np.array(flat, np.bool_)
    else:
        return None
    return made if made is None or len(shape) == 1 else made.reshape(shape)


def is_base64(value: Any) -> bool:
    """Whether it is ``{"b64": "..."}`` and nothing else."""
    return type(value) is dict and len(value) == 1 and type(value.get("b64")) is str


def from_base64(text: str) -> bytes | None:
    """The bytes; spaces may be in it and padding missing. None where it is no base64."""
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
    """The shape and all elements of lists in lists; None where they are ragged."""
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
    wide = np.array(flat, np.float64)
    size = np.abs(wide)
    if int in types:
        for place in np.flatnonzero(size > EXACT[dtype]):
            if type(flat[place]) is int:
                return None
    if dtype == "DT_DOUBLE":
        return wide
    if ((size >= OVERFLOW[dtype]) & (size != np.inf)).any():
        return None
    return wide.astype(np.float32)
