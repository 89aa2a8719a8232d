"""Context vectors: what usually surrounds a position, learned from texts without labels.

After Johnson and Zhang, "Semi-supervised Convolutional Neural Networks for Text Categorization
via Region Embedding" (arXiv:1504.01255): a region of a few tokens becomes a short vector that
predicts the tokens around it. The vectors come from counts, not from training steps, as in Levy
and Goldberg, "Neural Word Embedding as Implicit Matrix Factorization" (2014): they are the
largest singular vectors of how much more often than by chance two tokens occur near each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from modelwright.core.types import FloatArray, Progress, Rows
from modelwright.models.adaptation import AdaptationData
from modelwright.models.network_size import check_weight

UNKNOWN = 1
_REACH = 8
"""Tokens on each side that count as near."""
_CONTEXTS = 10_000
"""Number of context tokens, the most frequent ones. Every token is counted near these."""
_SMOOTHING = 0.75
"""Power of the contexts' counts, so that rare contexts do not stand out by chance."""
_ZERO = 1e-5
"""Singular values below this share of the largest are rounding errors."""
_DENSE = 1000
"""Up to so many tokens or contexts, all singular vectors are computed."""
_CHUNK = 4096
_SAMPLE = 256


class ContextVectors(keras.layers.Layer):
    """Token ids int32 ``[n, length]`` to vectors ``[n, length, size]``, one for each region.

    A vector is the sum over the tokens of the region, in any order. Padding has the vector 0.
    """

    def __init__(self, vocabulary: int, size: int, region: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.vocabulary = vocabulary
        self.size = size
        self.region = region
        check_weight(
            "the context vectors",
            (vocabulary, size),
            "Give a smaller model.vocabulary or model.context.",
        )
        self.tokens = self.add_weight((vocabulary, size), "zeros", name="tokens")

    def call(self, ids: Any) -> Any:
        """Returns the vectors."""
        vectors = ops.take(self.tokens, ids, axis=0)
        vectors = ops.cast(vectors, self.compute_dtype) * _mask(ids > UNKNOWN, self.compute_dtype)
        before = (self.region - 1) // 2
        padded = ops.pad(vectors, [[0, 0], [before, self.region - 1 - before], [0, 0]])
        length = ops.shape(ids)[1]
        summed = sum(padded[:, shift : shift + length] for shift in range(self.region))
        return summed * _mask(ops.not_equal(ids, 0), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the vectors."""
        return (*shape, self.size)


# Keras stores weights under the class's name. Run folders have them under "surroundings".
ContextVectors.__name__ = "Surroundings"


def adapt_context_vectors(network: keras.Model, data: AdaptationData, deviation: float) -> None:
    """Learns the network's context vectors from its training rows and its unlabeled texts."""
    parts = [data.rows, *([data.unlabeled] if data.unlabeled else [])]
    layer = next(layer for layer in network.layers if isinstance(layer, ContextVectors))
    learn_context_vectors(layer, parts, deviation, data.progress)


def learn_context_vectors(
    layer: ContextVectors,
    parts: Sequence[Rows],
    deviation: float,
    progress: Progress | None = None,
) -> None:
    """Sets the weights of a layer.

    Args:
        layer: The layer. Ids outside its vocabulary count as unknown tokens.
        parts: Rows that return token ids int32 ``[n, length]``, all of one length.
        deviation: Standard deviation that the layer's output has on the first rows afterward.
        progress: Called after each chunk.
    """
    counts = _counts(parts, layer.vocabulary, progress)
    layer.tokens.assign(_vectors(counts, layer.size))
    ids = parts[0].take(np.arange(min(len(parts[0]), _SAMPLE)))
    current = np.asarray(layer(_known(ids, layer.vocabulary)))[ids != 0].std()
    if current:
        layer.tokens.assign(layer.tokens * (deviation / current))


def _counts(parts: Sequence[Rows], vocabulary: int, progress: Progress | None) -> Any:
    """Returns how often each token occurs near each context, as a sparse matrix."""
    from scipy import sparse

    contexts = min(_CONTEXTS, vocabulary)
    counts = sparse.csr_matrix((vocabulary, contexts), dtype=np.float32)
    done, rows = 0, sum(map(len, parts))
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            ids = part.take(np.arange(start, min(start + _CHUNK, len(part))))
            # The texts one after the other, with enough padding between them that no token is
            # near one of another text.
            ids = np.pad(_known(ids, vocabulary), ((0, 0), (0, _REACH)))
            inside = np.cumsum((ids != 0)[:, ::-1], axis=1)[:, ::-1] > 0
            flat = ids[inside | (np.cumsum(~inside, axis=1) <= _REACH)]
            pairs = [(flat[:-distance], flat[distance:]) for distance in range(1, _REACH + 1)]
            token = np.concatenate([side for pair in pairs for side in pair])
            context = np.concatenate([side for pair in pairs for side in pair[::-1]])
            counted = (token > UNKNOWN) & (context > UNKNOWN) & (context < contexts)
            cells = (token[counted], context[counted])
            ones = np.ones(counted.sum(), np.float32)
            counts = counts + sparse.coo_matrix((ones, cells), counts.shape).tocsr()
            done += len(ids)
            if progress:
                progress("counting neighbors", done, rows)
    return counts


def _vectors(counts: Any, size: int) -> FloatArray:
    """Returns a vector for each token: the positive log-ratios of observed to expected counts,
    reduced to ``size`` dimensions."""
    from scipy import sparse
    from scipy.sparse import linalg

    frequency = np.asarray(counts.sum(axis=0)).ravel() ** _SMOOTHING
    total = np.asarray(counts.sum(axis=1)).ravel()
    cells = counts.tocoo()
    expected = total[cells.row] * (frequency / max(frequency.sum(), 1e-12))[cells.col]
    ratio = np.log(cells.data / expected)
    positive = ratio > 0
    where = (cells.row[positive], cells.col[positive])
    matrix = sparse.coo_matrix((ratio[positive].astype(np.float32), where), counts.shape).tocsr()
    vectors = np.zeros((len(total), size), np.float32)
    tokens, contexts = np.unique(where[0]), np.unique(where[1])
    dimensions = min(len(tokens), len(contexts))
    if dimensions > max(2 * size + 1, _DENSE):
        left, strength, _ = linalg.svds(matrix, k=size, v0=np.ones(min(matrix.shape)))
        vectors[:] = left * np.sqrt(np.maximum(strength, 0))
    elif dimensions:
        # Few tokens, or texts made from templates, have a low rank. ARPACK would span their whole
        # space and then go on from random vectors, which the seed does not determine. Columns
        # beyond the rank stay 0.
        dense = matrix[tokens][:, contexts].toarray()
        left, strength, _ = np.linalg.svd(dense, full_matrices=False)
        rank = min(size, int(np.sum(strength > _ZERO * strength[0])))
        vectors[tokens, :rank] = left[:, :rank] * np.sqrt(strength[:rank])
    return vectors


def _known(ids: Any, vocabulary: int) -> Any:
    return np.where(ids < vocabulary, ids, UNKNOWN)


def _mask(positions: Any, dtype: str) -> Any:
    return ops.cast(ops.expand_dims(positions, 2), dtype)
