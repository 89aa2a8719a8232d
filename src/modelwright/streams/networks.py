"""Networks that are built once and used again, because building and compiling take seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from modelwright.core.config import ModelConfig
from modelwright.models.builders import build_network, check_options
from modelwright.models.network_size import limited_weights
from modelwright.runs.run import WEIGHTS, Run

Weights = list[npt.NDArray[Any]]
Shape = tuple[int | None, ...]


class Networks:
    """Networks of one study by their role, builder and number of classes."""

    def __init__(self) -> None:
        self._built: dict[tuple[Any, ...], Any] = {}

    def get(self, role: str, shape: Shape, model: ModelConfig, classes: int) -> Any:
        """Returns a network in float32. The weights are those that its last user left.

        Two networks of different roles exist at the same time.
        """
        key = (role, shape, model.model_dump_json(), classes)
        if key not in self._built:
            with limited_weights():
                self._built[key] = build_network(model, shape, classes)
        return self._built[key]


@dataclass
class GrowingNetwork:
    """A network that learns lesson after lesson, and what describes its present form.

    Attributes:
        networks: where networks are taken from.
        shape: shape of one row.
        model: the builder and its options.
        classes: number of classes that it knows.
        tokens: number of token ids; 0 for images.
        network: the ``keras.Model``.
    """

    networks: Networks
    shape: Shape
    model: ModelConfig
    classes: int
    tokens: int
    network: Any

    def replace(self, network: Any, model: ModelConfig, classes: int, tokens: int) -> None:
        """Takes the weights of a grown network into one that was built before."""
        known = self.networks.get("learning", self.shape, model, classes)
        known.set_weights(network.get_weights())
        self.network, self.model, self.classes, self.tokens = known, model, classes, tokens

    def copy_of(self, weights: Weights, model: ModelConfig, classes: int) -> Any:
        """Returns a second network with some weights, those of a form that it had."""
        copy = self.networks.get("before", self.shape, model, classes)
        copy.set_weights(weights)
        return copy


def first_weights(run: Run, networks: Networks) -> Weights:
    """Returns the weights of a finished run."""
    network = networks.get("learning", row_shape(run), run.model, len(run.labels))
    network.load_weights(run.path / WEIGHTS)
    weights: Weights = network.get_weights()
    return weights


def start(run: Run, weights: Weights, networks: Networks, tokens: int) -> GrowingNetwork:
    """Returns the network of a finished run, to learn on."""
    shape, classes = row_shape(run), len(run.labels)
    network = networks.get("learning", shape, run.model, classes)
    network.set_weights(weights)
    return GrowingNetwork(networks, shape, run.model, classes, tokens, network)


def row_shape(run: Run) -> Shape:
    """Returns the shape of a row as training reads it: of any length, if the network allows it."""
    if getattr(check_options(run.model), "any_length", False):
        return (None,)
    return run.input_shape
