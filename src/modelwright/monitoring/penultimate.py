"""Finds the features of a network in its ONNX file: the input of its last dense layer.

Needs the package onnx, as an export does.
"""

from __future__ import annotations

from pathlib import Path

_PASSED = frozenset(
    ["Add", "Cast", "Concat", "Constant", "Div", "Identity", "Mul", "Sigmoid", "Softmax", "Sub"]
)
_DENSE = frozenset(["Gemm", "MatMul"])


def find_features(path: Path) -> str:
    """Returns the name of the features in an ONNX file; empty if the network has no such layer.

    A network that adds up weights of n-grams has none, and neither has an ensemble.

    Args:
        path: the file of a network with the output ``probabilities``.
    """
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    made_by = {name: node for node in graph.node for name in node.output}
    weights = {one.name for one in graph.initializer}
    left, seen, found = [graph.output[0].name], set(), set()
    while left:
        node = made_by.get(left.pop())
        if node is None or node.output[0] in seen:
            continue
        seen.add(node.output[0])
        if node.op_type in _DENSE and node.input[1] in weights:
            found.add(node.input[0])
        elif node.op_type in _PASSED:
            left += list(node.input)
        else:
            return ""
    return found.pop() if len(found) == 1 else ""
