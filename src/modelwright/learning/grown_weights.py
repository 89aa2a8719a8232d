"""The weights of a grown network, layer by layer: old values, and a start for what is new."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.models.context_vectors import ContextVectors
from modelwright.models.ngrams import WeighedSum
from modelwright.models.regions import Regions

NEW_CLASS_SHARE = 0.01
"""The most probability that a class without a single row gets."""
_UNKNOWN = 1


@dataclass(frozen=True)
class Sizes:
    """What a network knew before, and what it is to know.

    Attributes:
        classes_before: number of classes before.
        classes: number of classes now.
        tokens_before: number of token ids before; 0 for images.
        tokens: number of token ids now.
        options: the options of the network before.
    """

    classes_before: int
    classes: int
    tokens_before: int
    tokens: int
    options: Any

    @property
    def ignores_tokens(self) -> bool:
        """Whether the network has no weights of their own for some of its old tokens.

        To give new tokens weights, it would need them for all of these first.
        """
        return self.tokens_before > getattr(self.options, "known", self.tokens_before)

    @property
    def columns_before(self) -> tuple[int, ...]:
        """The numbers of columns that the last layer may have had."""
        return (1, 2) if self.classes_before == 2 else (self.classes_before,)


def copy_grown(before: Any, after: Any, sizes: Sizes, options: Any) -> None:
    """Sets the weights of the grown network.

    Args:
        before: the network with the old sizes.
        after: the network of the same builder with the new sizes.
        sizes: both sizes.
        options: the options of the network with the new sizes.

    Raises:
        ConfigError: a layer differs in more than its classes and tokens.
    """
    old, new = list(_leaves(before)), list(_leaves(after))
    if len(old) != len(new):
        raise ConfigError(
            f"the network has {len(new)} layers with weights once it has {sizes.classes} classes"
            f" and {sizes.tokens:,} tokens, and {len(old)} before; expected the same layers."
            " Build it with the same layers for any number of classes, or train anew."
        )
    for source, target in zip(old, new, strict=True):
        weights = _grown(source, target, sizes, options)
        shapes = [tuple(weight.shape) for weight in target.weights]
        if [weight.shape for weight in weights] != shapes:
            raise ConfigError(
                f"the layer '{source.name}' has weights of the shapes"
                f" {', '.join(map(str, shapes))} in the grown network; expected"
                f" {', '.join(str(weight.shape) for weight in weights)}. Only the last layer may"
                " depend on the number of classes, and only an Embedding on that of tokens; change"
                " the function that builds it, or train anew."
            )
        target.set_weights(weights)


def grow_columns(
    kernel: FloatArray, bias: FloatArray | None, classes: int
) -> tuple[FloatArray, FloatArray]:
    """Returns kernel ``[d, classes]`` and bias ``[classes]`` of a softmax over more classes.

    The softmax does not change where the mean of all columns is subtracted from each. The largest
    old score is then at least 0 for any input, so that a new class with zero weights and a
    negative bias is never the most probable one.

    Args:
        kernel: ``[d, k]``; a single column is the log-odds of the second of two classes.
        bias: ``[k]``; None for a layer without one.
        classes: number of classes, at least ``k``.
    """
    both = np.concatenate([kernel, (np.zeros(kernel.shape[1]) if bias is None else bias)[None]])
    both = both.astype(np.float64)
    if both.shape[1] == 1:
        both = np.concatenate([-both / 2, both / 2], axis=1)
    known = both.shape[1]
    if classes > known:
        both -= both.mean(axis=1, keepdims=True)
    grown = np.zeros((len(both), classes))
    grown[:, :known] = both
    grown[-1, known:] = np.log(NEW_CLASS_SHARE / (classes - known)) if classes > known else 0
    result: FloatArray = grown.astype(np.float32)
    return result[:-1], result[-1]


def _leaves(network: Any) -> Iterator[Any]:
    """Yields the layers with weights; those inside a nested model in its place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        elif layer.weights:
            yield layer


def _grown(source: Any, target: Any, sizes: Sizes, options: Any) -> list[FloatArray]:
    weights: list[FloatArray] = source.get_weights()
    if isinstance(source, Regions):
        return _grow_regions(source, target, weights, sizes)
    if isinstance(source, ContextVectors):
        # The vector of an unknown token does not count.
        return [_grow_rows(weights[0], target.vocabulary, sizes, start=None)]
    if isinstance(source, WeighedSum):
        return _grow_ngrams(source, target, weights, sizes, options)
    if isinstance(source, keras.layers.Embedding):
        return [_grow_rows(weights[0], target.input_dim, sizes), *weights[1:]]
    if isinstance(source, keras.layers.Dense) and _is_last(source, target, sizes):
        bias = weights[1] if source.use_bias else None
        if not target.use_bias:
            raise ConfigError(
                f"the last layer '{source.name}' has no bias, without which a new class could take"
                " rows of the old ones. Build it with a bias, or train anew."
            )
        return list(grow_columns(weights[0], bias, sizes.classes))
    return weights


def _is_last(source: Any, target: Any, sizes: Sizes) -> bool:
    grows = sizes.classes > sizes.classes_before
    return grows and source.units in sizes.columns_before and target.units == sizes.classes


def _grow_rows(
    rows: FloatArray, count: int, sizes: Sizes, start: int | None = _UNKNOWN
) -> FloatArray:
    """Returns a table with a row for each token id; new ids have the row ``start``, or zeros."""
    if sizes.tokens == sizes.tokens_before:
        return rows
    known = min(len(rows), sizes.tokens_before)
    grown = np.zeros((count, *rows.shape[1:]), rows.dtype)
    if start is not None:
        grown[:] = rows[start]
    grown[:known] = rows[:known]
    return grown


def _grow_regions(
    source: Any, target: Any, weights: list[FloatArray], sizes: Sizes
) -> list[FloatArray]:
    """Returns the weights of ``Regions``, whose table has one part for each position."""
    named = _by_name(source, weights)
    parts = np.split(named["tables"], source.width)
    named["tables"] = np.concatenate([_grow_rows(part, target.vocabulary, sizes) for part in parts])
    return [named[variable.name] for variable in target.weights]


def _grow_ngrams(
    source: Any, target: Any, weights: list[FloatArray], sizes: Sizes, options: Any
) -> list[FloatArray]:
    """Returns the weights of ``WeighedSum``.

    The buckets of n-grams move behind those of the new tokens, all by the same distance.
    """
    named = _by_name(source, weights)
    if sizes.tokens > sizes.tokens_before:
        for name in ("ratio", "weight"):
            named[name] = _move_buckets(named[name], sizes, options)
    if sizes.classes > sizes.classes_before:
        # All classes share one ratio, so that the mean of the old products can be subtracted, and
        # so that a new class can learn.
        ratio, weight = named["ratio"], named["weight"]
        shared = np.sqrt((ratio**2).mean(axis=1, keepdims=True))
        known = np.flatnonzero(shared)
        products = (ratio[known] * weight[known]) / shared[known]
        named["ratio"] = np.repeat(shared, sizes.classes, axis=1)
        named["weight"] = np.zeros_like(named["ratio"])
        named["weight"][known], named["bias"] = grow_columns(products, named["bias"], sizes.classes)
    return [named[variable.name] for variable in target.weights]


def _by_name(layer: Any, weights: list[FloatArray]) -> dict[str, FloatArray]:
    names = (variable.name for variable in layer.weights)
    return dict(zip(names, weights, strict=True))


def _move_buckets(rows: FloatArray, sizes: Sizes, options: Any) -> FloatArray:
    before = sizes.options.vocabulary
    grown = np.zeros((options.buckets, rows.shape[1]), rows.dtype)
    grown[: sizes.tokens_before] = rows[: sizes.tokens_before]
    grown[options.vocabulary :] = rows[before:]
    return grown
