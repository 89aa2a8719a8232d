"""What an ONNX file refers to, read from its bytes: other files, and the operators of its graph.

The file is read as the messages of ``onnx.proto``. Weights are skipped, so a large file takes no
time, and the package ``onnx`` is not needed. It does not check that the graph is right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_INSIDE = {
    ("model", 7): "graph",
    ("model", 25): "function",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("graph", 15): "sparse",
    ("function", 7): "node",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 6): "graph",
    ("attribute", 10): "tensor",
    ("attribute", 11): "graph",
    ("attribute", 22): "sparse",
    ("attribute", 23): "sparse",
    ("sparse", 1): "tensor",
    ("sparse", 2): "tensor",
    ("tensor", 13): "entry",
}
"""The message in a field, by the message that holds it and the number of the field."""
_OPERATOR = ("node", 4)
_KEY, _VALUE = 1, 2
_SIZES = {1: 8, 5: 4}
_VARINT, _BYTES = 0, 2
_LONGEST_VARINT = 10


@dataclass(frozen=True)
class OnnxFile:
    """What an ONNX file refers to.

    Attributes:
        external: the files with its weights, as it names them.
        operators: the names of the operators in its graphs.
    """

    external: frozenset[str]
    operators: frozenset[str]


def read_onnx(path: Path) -> OnnxFile:
    """Returns what an ONNX file refers to.

    Raises:
        ValueError: it is no ONNX file, or it is cut off.
        OSError: it cannot be read.
    """
    external, operators = set(), set()
    waiting = [("model", np.memmap(path, np.uint8, "r").data)]
    graphs = 0
    while waiting:
        kind, content = waiting.pop()
        entry: dict[int, str] = {}
        for number, value in _fields(content):
            if inside := _INSIDE.get((kind, number)):
                waiting.append((inside, value))
                graphs += inside == "graph"
            elif (kind, number) == _OPERATOR:
                operators.add(str(value, "utf-8"))
            elif kind == "entry":
                entry[number] = str(value, "utf-8")
        if entry.get(_KEY) == "location":
            external.add(entry.get(_VALUE, ""))
    if not graphs:
        raise ValueError("it holds no graph")
    return OnnxFile(frozenset(external), frozenset(operators))


def _fields(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields the number and the bytes of each field that has bytes."""
    at = 0
    while at < len(content):
        tag, at = _varint(content, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, at = _varint(content, at)
            continue
        size = _SIZES.get(kind, 0)
        if kind == _BYTES:
            size, at = _varint(content, at)
        elif not size:
            raise ValueError("it is no ONNX file")
        if at + size > len(content):
            raise ValueError("it is cut off")
        if kind == _BYTES:
            yield number, content[at : at + size]
        at += size


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    """Returns the number at a position, and the position behind it."""
    value = 0
    for shift in range(0, 7 * _LONGEST_VARINT, 7):
        if at >= len(content):
            raise ValueError("it is cut off")
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("it is no ONNX file")
