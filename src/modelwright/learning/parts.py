"""The parts of a network: its features, the dense layers at its end, and its last layers.

The parts follow from the graph of the network alone, so they are the same for built-in networks,
for those of other packages, and for a user's own function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

_COUNTER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Parts:
    """Layers with weights, by their paths: ``dense``, or ``inner/dense`` in a nested network.

    Attributes:
        last: the layers that turn features into the answer; several where the answer is a mean.
        dense: the dense layers at the end, the last ones among them.
        features: all layers but the last ones.
    """

    last: tuple[str, ...]
    dense: tuple[str, ...]
    features: tuple[str, ...]

    @property
    def before_dense(self) -> tuple[str, ...]:
        """All layers but the dense ones at the end."""
        return tuple(name for name in self.features if name not in self.dense)


@dataclass(frozen=True)
class _Place:
    """A layer with weights where the graph calls it, and the tensors that it reads there."""

    layer: Any
    tensors: tuple[_Tensor, ...]

    @property
    def scales(self) -> bool:
        """Whether the layer only scales and shifts each unit, as a normalization does."""
        return all(len(weight.shape) <= 1 for weight in self.layer.weights)

    @property
    def dense(self) -> bool:
        """Whether this is a dense layer of one vector for each row."""
        return isinstance(self.layer, keras.layers.Dense) and len(self.layer.input.shape) == 2


@dataclass(frozen=True)
class _Tensor:
    """A tensor in a graph, and what the inputs of that graph are outside of it, by identity."""

    value: Any
    outside: dict[int, _Tensor]


def find_parts(network: Any) -> Parts:
    """Returns the parts of a network.

    In a network that has only dense layers, ``dense`` are the last ones alone.
    """
    layers = named_layers(network)
    paths = {id(layer): path for path, layer in layers.items()}
    last: list[int] = []
    dense: list[int] = []
    frontier = []
    for place in _before([_Tensor(output, {}) for output in network.outputs]):
        chain, ends = _through_scales(place)
        last += chain + [id(end.layer) for end in ends]
        frontier += ends
    while frontier:
        place = frontier.pop()
        for before in _before(place.tensors):
            chain, ends = _through_scales(before)
            if ends and all(end.dense for end in ends):
                dense += chain + [id(end.layer) for end in ends]
                frontier += ends
    if not set(paths) - set(last) - set(dense):
        dense = []
    return Parts(
        last=tuple(path for one, path in paths.items() if one in last),
        dense=tuple(path for one, path in paths.items() if one in {*last, *dense}),
        features=tuple(path for one, path in paths.items() if one not in last),
    )


def named_layers(network: Any) -> dict[str, Any]:
    """Returns the layers with weights by their paths; those of nested networks one by one."""
    found: dict[str, Any] = {}
    for layer in network.layers:
        if _is_graph(layer):
            inner = named_layers(layer)
            found |= {f"{layer.name}/{path}": one for path, one in inner.items()}
        elif layer.weights:
            found[layer.name] = layer
    return found


def named_weights(network: Any) -> dict[str, Any]:
    """Returns the trainable weights by names that are the same in every process.

    Keras numbers the layers without a name of their own by how many the process has built. Here
    they are numbered by their order in the network.
    """
    found: dict[str, Any] = {}
    for weight in network.trainable_weights:
        plain = "/".join(_COUNTER.sub("", part) for part in weight.path.split("/"))
        number = 1
        while (name := plain if number == 1 else f"{plain}#{number}") in found:
            number += 1
        found[name] = weight
    return found


def _through_scales(place: _Place) -> tuple[list[int], list[_Place]]:
    """Returns the layers that only scale, from a place backward, and the first that do more."""
    if not place.scales:
        return [], [place]
    chain, ends = [id(place.layer)], []
    for before in _before(place.tensors):
        more, reached = _through_scales(before)
        chain += more
        ends += reached
    return chain, ends


def _before(tensors: tuple[_Tensor, ...] | list[_Tensor]) -> list[_Place]:
    """Returns the layers with weights from which tensors come, without others in between."""
    seen: set[int] = set()
    return [place for tensor in tensors for place in _walk(tensor, seen)]


def _walk(tensor: _Tensor, seen: set[int]) -> Iterator[_Place]:
    if id(tensor.value) in seen:
        return
    seen.add(id(tensor.value))
    layer, node_index, position = tensor.value._keras_history
    if isinstance(layer, keras.layers.InputLayer):
        if id(tensor.value) in tensor.outside:
            yield from _walk(tensor.outside[id(tensor.value)], seen)
        return
    read = [_Tensor(one, tensor.outside) for one in layer._inbound_nodes[node_index].input_tensors]
    if _is_graph(layer):
        inputs = {id(inner): outer for inner, outer in zip(layer.inputs, read, strict=True)}
        yield from _walk(_Tensor(layer.outputs[position], inputs), seen)
    elif getattr(layer, "weights", None):
        yield _Place(layer, tuple(read))
    else:
        for one in read:
            yield from _walk(one, seen)


def _is_graph(layer: Any) -> bool:
    """Returns whether a layer is a network whose own layers can be told apart."""
    if not isinstance(layer, keras.Model):
        return False
    outputs = getattr(layer, "outputs", None) or ()
    return bool(outputs) and all(hasattr(one, "_keras_history") for one in outputs)
