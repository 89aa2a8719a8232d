"""Starts a training from the weights of a run or a servable: all of them, or some layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.errors import ConfigError, ModelwrightError, RunError
from modelwright.core.nearest import nearest
from modelwright.core.report import Report
from modelwright.models.builders import check_options
from modelwright.models.last_layers import last_layers
from modelwright.models.options import TextOptions
from modelwright.runs.run import Run, load_run
from modelwright.servable.manifest import read_manifest
from modelwright.servable.restore import restore_network
from modelwright.training.source_settings import (
    FEATURES,
    TOKENIZER_KEYS,
    SourceRecord,
    check_same_task,
    read_source,
)

_COUNTER = re.compile(r"_\d+$")


@dataclass(frozen=True)
class StartFrom:
    """The source of the first weights.

    Attributes:
        source: the folder of a run or of a servable's version.
        layers: patterns of layer names, such as ``embedding*``. Only these layers are copied; those
            that do not fit are listed in the report. None copies all layers, and a layer that does
            not fit is an error.
        new_classes: whether the last layers may start anew where the classes are others than the
            source's. Otherwise other classes are an error, unless ``layers`` are named.
        fingerprint: the fingerprint that the source must have; any by default.
    """

    source: Path
    layers: tuple[str, ...] | None = None
    new_classes: bool = False
    fingerprint: str = ""

    def record(self) -> dict[str, Any]:
        """Returns what a run must record so that resuming repeats the start."""
        folder, known = self.source, self.fingerprint
        if not known:
            with suppress(ModelwrightError, OSError):
                found = read_source(folder)  # of a model, the version that is the newest now
                folder, known = found.folder, found.fingerprint
        return {
            "source": str(folder.resolve()),
            "layers": self.layers and list(self.layers),
            **({"new_classes": True} if self.new_classes else {}),
            **({"sha256": known} if known else {}),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> StartFrom:
        """Returns the start that ``record`` described."""
        layers = record.get("layers")
        return cls(
            Path(record["source"]),
            tuple(layers) if layers else None,
            bool(record.get("new_classes", False)),
            str(record.get("sha256", "")),
        )


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
    """A trained network, its record, and what is to be copied of it."""

    network: Any
    record: SourceRecord
    start: StartFrom

    @property
    def backbone(self) -> Mapping[str, Any] | None:
        """The record of its backbone, if all of its weights are copied."""
        return self.record.backbone if self.start.layers is None else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Its classes."""
        return self.record.labels

    @property
    def vocabulary(self) -> Path | None:
        """The file of its tokens; None for images."""
        return self.record.vocabulary

    @property
    def tokenizer(self) -> TextOptions | None:
        """The options of its tokenizer; None for images."""
        options: TextOptions = check_options(self.record.model)
        return options if self.record.task == "text" else None


def load_source(start: StartFrom) -> Source:
    """Loads the network to start from.

    Raises:
        RunError: the folder is a run that cannot be used, or the source has changed.
        ServableError: the folder is neither a run nor a servable, or cannot be used.
    """
    record = read_source(start.source)
    if start.fingerprint and record.fingerprint != start.fingerprint:
        raise RunError(
            f"{start.source} has other weights than when this training began; expected the model"
            " that it started from. Restore it, or begin the training again."
        )
    if record.is_run:
        return Source(load_run(record.folder).network(), record, start)
    # Test-time augmentation has no weights, and would hide the layers.
    manifest = replace(read_manifest(record.folder), tta=False)
    return Source(restore_network(record.folder, manifest), record, start)


def copy_weights(
    start: StartFrom,
    source: Any,
    target: Any,
    *,
    renewed: Sequence[str] | None = None,
    hint: str = "",
) -> StartReport:
    """Copies weights from one network to another, in place.

    Layers are matched by name, without the counters of Keras' automatic names (``dense_7``).
    Layers with the same name are matched in their order.

    Args:
        start: which layers to copy.
        source: a ``keras.Model`` with the weights.
        target: a ``keras.Model`` to copy them to.
        renewed: names of layers of the target that keep their new weights.
        hint: what the message says besides, where weights do not fit.

    Raises:
        ConfigError: a layer does not fit although all were requested, or no layer was copied.
    """
    source_layers = dict(_named_layers(source))
    renewed = renewed or ()
    outcomes: list[tuple[str, str]] = []
    _check_patterns(start.layers or (), target, "the layers to copy were given as")
    for key, layer in _named_layers(target):
        if not _matches(layer.name, start.layers):
            outcomes.append((layer.name, "not requested"))
        elif layer.name in renewed:
            outcomes.append((layer.name, "new, for other classes"))
        elif key not in source_layers:
            outcomes.append((layer.name, "not in the source"))
        elif (source_shapes := _shapes(source_layers[key])) != (shapes := _shapes(layer)):
            outcomes.append((layer.name, f"shapes {source_shapes} in the source, {shapes} here"))
        else:
            _copy(source_layers[key], layer)
            outcomes.append((layer.name, "copied"))
    report = StartReport(start.source, tuple(outcomes))
    not_copied = [
        f"{name}: {outcome}"
        for name, outcome in outcomes
        if outcome != "copied" and name not in renewed
    ]
    if not report.copied or (start.layers is None and not_copied):
        reasons = "; ".join(not_copied) or "its only layer with weights belongs to other classes"
        raise ConfigError(
            f"the weights of {start.source} do not fit this network ({reasons});"
            f" choose layers that fit by name, or train with the settings of the source.{hint}"
        )
    return report


def _copy(source: Any, target: Any) -> None:
    if copy := getattr(target, "copy_from", None):
        copy(source)  # of layers whose weights mean something else with other settings
    else:
        target.set_weights(source.get_weights())


def check_source(start: StartFrom, source: Source, run: Run) -> None:
    """Checks that token ids and classes mean the same in both networks.

    Classes may differ if only some layers are copied.

    Raises:
        ConfigError: the tasks, the tokenizers' settings or the classes differ.
    """
    if wrong := check_same_task(source.record, run.task):
        raise ConfigError(wrong)
    own, theirs = check_options(run.model), source.tokenizer
    changed = [
        key for key in TOKENIZER_KEYS if theirs and getattr(own, key) != getattr(theirs, key)
    ]
    if changed:
        raise ConfigError(
            f"the tokenizer of {start.source} has other settings"
            f" ({', '.join(f'model.{key}={getattr(theirs, key)}' for key in changed)}), so its"
            " token ids mean other tokens; use the same settings here."
        )
    if start.new_classes:
        return
    if start.layers is None and source.labels != run.labels:
        raise ConfigError(
            f"{start.source} has the classes {', '.join(source.labels)}, but this run has"
            f" {', '.join(run.labels)}, so the weights of its last layer belong to other classes;"
            " name the layers to copy, without the last one."
        )


def freeze(network: Any, patterns: Sequence[str]) -> tuple[str, ...]:
    """Makes the layers whose names match untrainable, and returns their names.

    Args:
        network: a ``keras.Model``.
        patterns: patterns of names of layers. ``features`` stands for all but the last layers.

    Raises:
        ConfigError: a pattern matches no layer with weights, or nothing is left to train.
    """
    layers = [layer for _, layer in _named_layers(network)]
    last = last_layers(network)
    chosen = [one for one in patterns if one != FEATURES]
    _check_patterns(chosen, network, "the layers to freeze were given as", FEATURES)
    frozen = [
        layer
        for layer in layers
        if (FEATURES in patterns and layer.name not in last) or _matches(layer.name, chosen)
    ]
    if not frozen:
        raise ConfigError(
            f"the layers to freeze were given as '{FEATURES}', but {', '.join(last)} is the only"
            " layer of this network with weights, so nothing would be frozen; freeze nothing."
        )
    for layer in frozen:
        layer.trainable = False
    if not network.trainable_variables:
        raise ConfigError(
            "every layer is frozen, so there is nothing to train; freeze fewer layers."
        )
    return tuple(layer.name for layer in frozen)


def _check_patterns(patterns: Sequence[str], network: Any, given: str, *more: str) -> None:
    """Refuses a pattern that matches no layer with weights.

    Raises:
        ConfigError: names the pattern, and the layers that there are.
    """
    names = [layer.name for _, layer in _named_layers(network)]
    for pattern in patterns:
        if not any(_matches(name, (pattern,)) for name in names):
            known = [*more, *(_COUNTER.sub("", name) for name in names)]
            raise ConfigError(
                f"{given} '{pattern}', but no layer with weights matches '{pattern}'."
                f"{nearest(pattern, known)} This network has: {', '.join(names)}"
                f"{f'; {more[0]} stands for all but the last' if more else ''}."
            )


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
