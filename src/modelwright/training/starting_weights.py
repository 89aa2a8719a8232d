"""Starts a training from the weights of a run or a servable: all of them, or some layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.core.report import Report
from modelwright.models.builders import check_options
from modelwright.models.options import TextOptions
from modelwright.runs.run import VOCABULARY, Run, load_run
from modelwright.servable import tokenizer
from modelwright.servable.manifest import find_version, read_manifest
from modelwright.servable.restore import restore_network

_COUNTER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class StartFrom:
    """The source of the first weights.

    Attributes:
        source: the folder of a run or of a servable's version.
        layers: patterns of layer names, such as ``embedding*``. Only these layers are copied; those
            that do not fit are listed in the report. None copies all layers, and a layer that does
            not fit is an error.
    """

    source: Path
    layers: tuple[str, ...] | None = None


@dataclass(frozen=True)
class StartReport(Report):
    """Each layer with weights: its name, and ``copied`` or the reason why it was not."""

    source: Path
    layers: tuple[tuple[str, str], ...]

    @property
    def copied(self) -> tuple[str, ...]:
        """The names of the copied layers."""
        return tuple(name for name, outcome in self.layers if outcome == "copied")

    def blocks(self) -> Sequence[Block]:
        """Returns the source, then each layer."""
        copied = f"{len(self.copied)} of {len(self.layers)}"
        return (
            Facts("started from", [("source", str(self.source)), ("layers copied", copied)]),
            Table(("layer", "outcome"), self.layers),
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {"source": str(self.source), "layers": [list(layer) for layer in self.layers]}


@dataclass(frozen=True)
class Source:
    """A trained network, its classes, and the vocabulary file and settings of its tokenizer."""

    network: Any
    labels: tuple[str, ...]
    vocabulary: Path | None
    tokenizer: TextOptions | None


def load_source(start: StartFrom) -> Source:
    """Loads the network to start from.

    Raises:
        RunError: the folder is a run that cannot be used.
        ServableError: the folder is neither a run nor a servable, or cannot be used.
    """
    if (start.source / "run.json").exists():
        run = load_run(start.source)
        options = check_options(run.model) if run.task == "text" else None
        vocabulary = run.path / VOCABULARY if run.task == "text" else None
        return Source(run.network(), run.labels, vocabulary, options)
    folder = find_version(start.source)
    manifest = read_manifest(folder)
    config = ModelConfig(**manifest.config["model"])
    options = check_options(config) if manifest.task == "text" else None
    vocabulary = folder / tokenizer.VOCABULARY if manifest.task == "text" else None
    return Source(restore_network(folder, manifest), manifest.labels, vocabulary, options)


def copy_weights(start: StartFrom, source: Any, target: Any) -> StartReport:
    """Copies weights from one network to another, in place.

    Layers are matched by name, without the counters of Keras' automatic names (``dense_7``).
    Layers with the same name are matched in their order.

    Args:
        start: which layers to copy.
        source: a ``keras.Model`` with the weights.
        target: a ``keras.Model`` to copy them to.

    Raises:
        ConfigError: a layer does not fit although all were requested, or no layer was copied.
    """
    source_layers = dict(_named_layers(source))
    outcomes: list[tuple[str, str]] = []
    for key, layer in _named_layers(target):
        if not _matches(layer.name, start.layers):
            outcomes.append((layer.name, "not requested"))
        elif key not in source_layers:
            outcomes.append((layer.name, "not in the source"))
        elif (source_shapes := _shapes(source_layers[key])) != (shapes := _shapes(layer)):
            outcomes.append((layer.name, f"shapes {source_shapes} in the source, {shapes} here"))
        else:
            layer.set_weights(source_layers[key].get_weights())
            outcomes.append((layer.name, "copied"))
    report = StartReport(start.source, tuple(outcomes))
    not_copied = [f"{name}: {outcome}" for name, outcome in outcomes if outcome != "copied"]
    if not report.copied or (start.layers is None and not_copied):
        raise ConfigError(
            f"the weights of {start.source} do not fit this network ({'; '.join(not_copied)});"
            " choose layers that fit by name, or train with the settings of the source."
        )
    return report


def check_source(start: StartFrom, source: Source, run: Run) -> None:
    """Checks that token ids and classes mean the same in both networks.

    Classes may differ if only some layers are copied.

    Raises:
        ConfigError: the tasks, the tokenizers' settings or the classes differ.
    """
    own = check_options(run.model) if run.task == "text" else None
    theirs = source.tokenizer
    if (own is None) != (theirs is None):
        raise ConfigError(
            f"{start.source} classifies {'images' if theirs is None else 'texts'}, but this run"
            f" classifies {run.task}s; start from a model of the same task."
        )
    keys = ("vocabulary", "tokens", "ngrams")
    changed = [key for key in keys if own and getattr(own, key) != getattr(theirs, key)]
    if changed:
        raise ConfigError(
            f"the tokenizer of {start.source} has other settings"
            f" ({', '.join(f'model.{key}={getattr(theirs, key)}' for key in changed)}), so its"
            " token ids mean other tokens; use the same settings here."
        )
    if start.layers is None and source.labels != run.labels:
        raise ConfigError(
            f"{start.source} has the classes {', '.join(source.labels)}, but this run has"
            f" {', '.join(run.labels)}, so the weights of its last layer belong to other classes;"
            " name the layers to copy, without the last one."
        )


def freeze(network: Any, patterns: Sequence[str]) -> tuple[str, ...]:
    """Makes the layers whose names match untrainable, and returns their names.

    Raises:
        ConfigError: a pattern matches no layer with weights, or nothing is left to train.
    """
    layers = [layer for _, layer in _named_layers(network)]
    for pattern in patterns:
        if not any(_matches(layer.name, (pattern,)) for layer in layers):
            raise ConfigError(
                f"no layer with weights matches '{pattern}' to be frozen; this network has:"
                f" {', '.join(layer.name for layer in layers)}."
            )
    frozen = [layer for layer in layers if _matches(layer.name, patterns)]
    for layer in frozen:
        layer.trainable = False
    if not network.trainable_variables:
        raise ConfigError(
            "every layer is frozen, so there is nothing to train; freeze fewer layers."
        )
    return tuple(layer.name for layer in frozen)


def _named_layers(network: Any) -> Iterator[tuple[tuple[str, int], Any]]:
    """Yields each layer with weights, its name without a counter, and its index for that name."""
    counts: dict[str, int] = {}
    for layer in network.layers:
        if layer.weights:
            base = _COUNTER.sub("", layer.name)
            yield (base, counts.get(base, 0)), layer
            counts[base] = counts.get(base, 0) + 1


def _matches(name: str, patterns: Sequence[str] | None) -> bool:
    plain = _COUNTER.sub("", name)
    return patterns is None or any(
        fnmatchcase(name, pattern) or fnmatchcase(plain, pattern) for pattern in patterns
    )


def _shapes(layer: Any) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]
