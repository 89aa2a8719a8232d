"""The last layers of a network: those whose weights belong to its classes."""

from __future__ import annotations

from typing import Any


def last_layers(network: Any) -> list[str]:
    """Returns the names of the last layers with weights, one for each path to the output.

    The members of a committee each have one. A network whose layers are not connected to an output
    that Keras knows, such as a subclassed model, has its last layer with weights.

    Args:
        network: a ``keras.Model``.
    """
    own = {layer.name for layer in network.layers if layer.weights}
    found: list[str] = []
    seen: set[int] = set()
    waiting = list(getattr(network, "outputs", None) or [])
    while waiting:
        layer = waiting.pop()._keras_history.operation
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        if layer.name in own:
            found.append(layer.name)
            continue
        for node in layer._inbound_nodes:
            waiting += node.input_tensors
    return found or [layer.name for layer in network.layers if layer.weights][-1:]
