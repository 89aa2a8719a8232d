"""Answers of the REST interface as JSON, with the same digits as TensorFlow Serving.

TensorFlow Serving breaks lines and indents, which no JSON parser sees. This output is compact.
"""

from __future__ import annotations

import binascii
import math
from array import array as packed
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from modelwright.serve.errors import Refused
from modelwright.wire import tensors

Array = npt.NDArray[Any]

_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
BYTES = "_bytes"
"""An output whose name ends like this holds files, which are sent as base64."""


def predictions(outputs: Mapping[str, Array], *, row: bool) -> bytes:
    """Returns ``{"predictions": ...}`` for a request in rows, else ``{"outputs": ...}``.

    A single output is a bare value. Several outputs are an object, in the order of the mapping.

    Args:
        outputs: arrays by name; in row form the first dimension of each is the batch.
        row: whether the request came in rows, as in ``PredictBody.row``.

    Raises:
        Refused: there is no output, batches differ, or JSON cannot express a type.
    """
    if not outputs:
        raise _bad("Cannot convert empty tensor map to JSON")
    if not row:
        columns = [_nest(_values(name, array), array.shape) for name, array in outputs.items()]
        if len(outputs) == 1:
            return f'{{"outputs":{columns[0]}}}'.encode()
        return f'{{"outputs":{_object_format(tuple(outputs)) % tuple(columns)}}}'.encode()
    batch = -1
    rows = []
    for name, array in outputs.items():
        if array.ndim == 0:
            raise _bad(f"Tensor name: {name} has no shape information ")
        if batch not in (-1, len(array)):
            raise _bad(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: {batch}"
            )
        batch = len(array)
        rows.append(_group(_values(name, array), array.shape[1:], batch))
    if len(rows) == 1:
        return f'{{"predictions":[{",".join(rows[0])}]}}'.encode()
    template = _object_format(tuple(outputs))
    objects = [template % values for values in zip(*rows, strict=True)]
    return f'{{"predictions":[{",".join(objects)}]}}'.encode()


def classifications(rows: Sequence[Iterable[tuple[str, float]]]) -> bytes:
    """Returns ``{"results": [[["label", score], ...], ...]}``; scores are float32.

    Raises:
        Refused: there are no rows.
    """
    if not rows:
        raise _bad("Cannot convert empty ClassificationResults to JSON")
    texts = []
    for pairs in rows:
        classes = list(pairs)
        scores = _floats(np.array([score for _, score in classes], np.float32))
        labels = [orjson.dumps(label).decode() for label, _ in classes]
        texts.append("[" + ",".join(map("[{},{}]".format, labels, scores)) + "]")
    return f'{{"results":[{",".join(texts)}]}}'.encode()


def regressions(values: Array) -> bytes:
    """Returns ``{"results": [value, ...]}`` of float32 values ``[n]``.

    Raises:
        Refused: there are no values.
    """
    if not len(values):
        raise _bad("Cannot convert empty RegressionResults to JSON")
    return f'{{"results":[{",".join(_floats(values.astype(np.float32)))}]}}'.encode()


@lru_cache(maxsize=256)
def _object_format(names: tuple[str, ...]) -> str:
    """Returns an object with these keys, and ``%s`` for each value."""
    keys = [orjson.dumps(name).decode().replace("%", "%%") for name in names]
    return "{" + ",".join(f"{key}:%s" for key in keys) + "}"


def _values(name: str, array: Array) -> list[str]:
    """Returns the text of every element, in order."""
    kind = array.dtype.kind
    if kind == "O":
        return _texts(name, array.ravel().tolist())
    if kind == "f" and array.dtype.itemsize in (4, 8):
        return _floats(array.ravel())
    if kind in "iu":
        return list(map(str, array.ravel().tolist()))
    if kind == "b":
        return ["true" if value else "false" for value in array.ravel().tolist()]
    try:
        known = tensors.name_of(tensors.enum_of(array.dtype)).removeprefix("DT_").lower()
    except ValueError:
        known = str(array.dtype)
    raise _bad(f"Failed to write JSON value for tensor type: {known}")


def _texts(name: str, values: list[bytes]) -> list[str]:
    if name.endswith(BYTES):
        return [f'{{"b64":"{binascii.b2a_base64(v, newline=False).decode()}"}}' for v in values]
    try:
        return [orjson.dumps(value.decode()).decode() for value in values]
    except UnicodeDecodeError:
        raise _bad(
            f"Tensor name: {name} has bytes that are not UTF-8; an output whose name ends in"
            f" '{BYTES}' is sent as base64."
        ) from None


def _floats(array: Array) -> list[str]:
    """Returns six significant digits if they read back as the same number, else 9 or 17."""
    values: list[float] = array.tolist()
    if not values:
        return []
    single = array.dtype.itemsize == 4
    texts = _formatted("%.6g,", values)
    read = packed("f" if single else "d", map(float, texts)).tolist()
    if read != values:
        precise = _formatted("%.9g," if single else "%.17g,", values)
        texts = [
            text if parsed == value else better
            for text, parsed, value, better in zip(texts, read, values, precise, strict=True)
        ]
    return [text if "." in text else _with_point(text) for text in texts]


def _formatted(template: str, values: list[float]) -> list[str]:
    return (template * len(values) % tuple(values)).split(",")[:-1]


def _with_point(text: str) -> str:
    """Adds ``.0`` to an integer, so that a reader sees that it is a float."""
    return _NOT_FINITE.get(text) or (text if "e" in text else text + ".0")


def _nest(texts: list[str], shape: tuple[int, ...]) -> str:
    return _group(texts, shape, 1)[0]


def _group(texts: list[str], shape: tuple[int, ...], count: int) -> list[str]:
    """Joins element texts into ``count`` texts, each of nested lists of that shape."""
    for level in range(len(shape) - 1, -1, -1):
        size = shape[level]
        lists = count * math.prod(shape[:level])
        texts = [f"[{','.join(texts[n * size : (n + 1) * size])}]" for n in range(lists)]
    return texts


def _bad(message: str) -> Refused:
    return Refused("INVALID_ARGUMENT", message)
