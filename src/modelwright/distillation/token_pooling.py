"""One vector for a text from the vectors of its tokens, as sentence encoders do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray

_TINY = 1e-9


def _mean(tokens: FloatArray, mask: FloatArray) -> Any:
    return _sum(tokens, mask) / _count(mask)


def _mean_sqrt(tokens: FloatArray, mask: FloatArray) -> Any:
    return _sum(tokens, mask) / np.sqrt(_count(mask))


def _weighted_mean(tokens: FloatArray, mask: FloatArray) -> Any:
    return _mean(tokens, mask * np.arange(1, mask.shape[1] + 1, dtype=np.float32))


def _max(tokens: FloatArray, mask: FloatArray) -> Any:
    kept = np.where(mask[:, :, None] > 0, tokens, -np.inf).max(axis=1)
    return np.where(np.isfinite(kept), kept, 0)


def _first(tokens: FloatArray, mask: FloatArray) -> Any:
    return tokens[:, 0]


def _last(tokens: FloatArray, mask: FloatArray) -> Any:
    last = mask.shape[1] - 1 - np.argmax(mask[:, ::-1] > 0, axis=1)
    return tokens[np.arange(len(tokens)), last]


def _sum(tokens: FloatArray, mask: FloatArray) -> Any:
    return np.einsum("ntd,nt->nd", tokens, mask)


def _count(mask: FloatArray) -> Any:
    return np.maximum(mask.sum(axis=1, keepdims=True), _TINY)


POOLINGS: Mapping[str, Callable[[FloatArray, FloatArray], Any]] = {
    "cls": _first,
    "max": _max,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_sqrt,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}
"""By the names that sentence-transformers uses. Several are joined in this order."""


def pool_tokens(tokens: FloatArray, mask: FloatArray, kinds: Sequence[str]) -> FloatArray:
    """Returns one vector for each text, ``[n, d]`` for one kind of pooling.

    Args:
        tokens: the vectors of the tokens, ``[n, tokens, d]``.
        mask: 1 for tokens that count and 0 for padding, ``[n, tokens]``.
        kinds: names in ``POOLINGS``.
    """
    parts = [POOLINGS[kind](tokens, mask) for kind in POOLINGS if kind in kinds]
    return np.concatenate(parts, axis=1).astype(np.float32)


def normalize(vectors: FloatArray) -> FloatArray:
    """Returns vectors of length 1; a vector of zeros stays one."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, _TINY), np.float32)
