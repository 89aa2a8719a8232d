"""Growth: a network with more classes and more tokens that still gives the old answers.

The network is built anew with the new sizes, and every weight is copied. A new class starts with a
probability of at most 1 %: its weights are zero and its bias is low, next to old scores whose mean
is zero. The old classes keep their order and their ratios, so no row changes its class. A new token
starts as the unknown token, which it was before. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.learning.grown_weights import NEW_CLASS_SHARE, Sizes, copy_grown
from modelwright.models.builders import build_network, check_options
from modelwright.models.network_size import limited_weights
from modelwright.models.options import (
    MOST_BUCKETS,
    NgramFeatureOptions,
    RegionsOptions,
    WhitenedOptions,
)
from modelwright.models.output_layer import two_columns

_PROBES = 4
_PROBE_LENGTH = 16
_TOLERANCE = NEW_CLASS_SHARE / 2
"""A committee's members each give the new class another probability, so their mean may move."""


@dataclass(frozen=True)
class Grown:
    """A network that knows more classes or tokens.

    Attributes:
        network: a ``keras.Model`` with the new sizes.
        model: the builder and the options that build such a network.
        notes: what a report says of the growth.
    """

    network: Any
    model: ModelConfig
    notes: tuple[str, ...] = ()


def grow_network(
    network: Any,
    model: ModelConfig,
    *,
    labels_before: Sequence[str],
    labels: Sequence[str],
    tokens_before: int,
    tokens: int,
) -> Grown:
    """Returns a network for more classes or tokens, with the answers of the one before.

    Rows without new tokens are answered as before: the probabilities of the old classes keep their
    ratios, and a new class gets at most 1 %. Two classes with a single sigmoid become a softmax
    with the same answers. In a committee each member keeps its ratios, so a probability of
    their mean may move by 0.25 points. A new token counts as the unknown token did. In an n-gram
    network, runs of tokens with a new one may share a bucket with an old run and then add to the
    score.

    Args:
        network: the ``keras.Model`` before; it stays as it is. Returned itself if nothing grows.
        model: its builder and options.
        labels_before: names of its classes.
        labels: names of all classes: the old ones first, in their order.
        tokens_before: number of lines of its vocabulary; 0 for images.
        tokens: number of lines of the vocabulary now; old lines unchanged.

    Raises:
        ConfigError: the labels or tokens do not begin with the old ones, or a network of this
            builder cannot grow that way.
    """
    if tuple(labels[: len(labels_before)]) != tuple(labels_before):
        raise ConfigError(
            f"the classes {', '.join(labels)} do not begin with the model's own,"
            f" {', '.join(labels_before)}; its last layer can only be extended by classes that come"
            " after them."
        )
    if tokens < tokens_before:
        raise ConfigError(
            f"the vocabulary would shrink from {tokens_before:,} tokens to {tokens:,}, but ids of"
            " old tokens must stay; append the new tokens to its file."
        )
    if len(labels) == len(labels_before) and tokens == tokens_before:
        return Grown(network, model)
    options = check_options(model)
    sizes = Sizes(len(labels_before), len(labels), tokens_before, tokens, options)
    changes = _option_changes(options, sizes)
    grown_model = model.model_copy(update={"options": {**model.options, **changes}})
    with limited_weights():
        grown = build_network(grown_model, network.input_shape[1:], len(labels), _policy(network))
    copy_grown(network, grown, sizes, check_options(grown_model))
    _check_answers(network, grown, sizes, model)
    return Grown(grown, grown_model, _notes(sizes, labels, changes))


def _option_changes(options: Any, sizes: Sizes) -> Mapping[str, Any]:
    """Returns the options that differ in the network with the new sizes.

    Raises:
        ConfigError: there is no room for so many tokens.
    """
    changes: dict[str, Any] = {}
    if isinstance(options, WhitenedOptions) and sizes.classes > sizes.classes_before:
        changes["bias"] = True
    vocabulary = getattr(options, "vocabulary", 0)
    more = max(0, sizes.tokens - vocabulary)
    if more:
        changes["vocabulary"] = sizes.tokens
    reads_all = isinstance(options, RegionsOptions) and not sizes.ignores_tokens
    if reads_all and sizes.tokens > min(options.known, vocabulary):
        changes["known"] = max(options.known, sizes.tokens)
    if more and isinstance(options, NgramFeatureOptions):
        # As many buckets above the vocabulary as before, so that each n-gram stays in its own.
        changes["buckets"] = options.buckets + more
        if changes["buckets"] > MOST_BUCKETS:
            raise ConfigError(
                f"{more:,} new tokens would need {changes['buckets']:,} buckets, so that the old"
                f" n-grams keep theirs; at most {MOST_BUCKETS:,} are possible. Learn without new"
                " tokens, or train anew."
            )
    return changes if sizes.tokens > sizes.tokens_before else _without_tokens(changes)


def _without_tokens(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in changes.items() if key == "bias"}


def _policy(network: Any) -> str:
    """Returns the name of the dtype policy with which a network was built."""
    policies = (layer.dtype_policy.name for layer in network._flatten_layers(include_self=False))
    return next((name for name in policies if name.startswith("mixed")), "float32")


def _check_answers(before: Any, after: Any, sizes: Sizes, model: ModelConfig) -> None:
    """Compares the answers of both networks to random inputs.

    Raises:
        ConfigError: they differ.
    """
    random = np.random.default_rng(0)
    shape = tuple(side or _PROBE_LENGTH for side in before.input_shape[1:])
    if len(shape) == 1:
        inputs = random.integers(1, max(2, sizes.tokens_before), (_PROBES, *shape), np.int32)
        inputs[0, shape[0] // 2 :] = 0
    else:
        inputs = random.integers(0, 256, (_PROBES, *shape)).astype(np.uint8)
    old, new = (_answers(network, inputs) for network in (before, after))
    kept = new[:, : old.shape[1]]
    difference = np.abs(kept / kept.sum(axis=1, keepdims=True) - old).max()
    if not difference <= _TOLERANCE:
        raise ConfigError(
            f"the network '{model.builder}' gives other answers once it has"
            f" {sizes.classes} classes and {sizes.tokens:,} tokens (probabilities differ by"
            f" {difference:.2g}), so its weights cannot be carried over. Its last layer should be a"
            " Dense layer with a bias and a softmax; otherwise train anew on all rows."
        )


def _answers(network: Any, inputs: Any) -> FloatArray:
    outputs = network(keras.ops.convert_to_tensor(inputs), training=False)
    return two_columns(keras.ops.convert_to_numpy(outputs))


def _notes(sizes: Sizes, labels: Sequence[str], changes: Mapping[str, Any]) -> tuple[str, ...]:
    notes = []
    new = labels[sizes.classes_before :]
    if new:
        notes.append(
            f"new {'class' if len(new) == 1 else 'classes'} {', '.join(new)}: the last layer grows"
            f" from {sizes.classes_before} classes to {sizes.classes}; until it learns, a new class"
            f" gets a probability of at most {NEW_CLASS_SHARE:.0%}"
        )
    if sizes.tokens > sizes.tokens_before:
        more = sizes.tokens - sizes.tokens_before
        names = [f"model.{key}={value}" for key, value in changes.items() if key != "bias"]
        now = f", with {' and '.join(names)}" if names else ""
        notes.append(
            f"{more:,} new tokens: the vocabulary grows from {sizes.tokens_before:,} to"
            f" {sizes.tokens:,}{now}; until it learns, a new token counts as unknown"
        )
        if sizes.ignores_tokens:
            notes.append(
                f"convolutions over regions read only the first model.known={sizes.options.known:,}"
                " tokens, so the new ones stay unknown to them; train anew with a larger"
                " model.known to change that"
            )
    return tuple(notes)
