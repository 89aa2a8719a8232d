"""What usually surrounds a place in a text, learned from texts without labels.

After Johnson and Zhang, "Semi-supervised Convolutional Neural Networks for Text Categorization
via Region Embedding" (arXiv:1504.01255): a region of a few tokens becomes a short vector from
which the tokens around it can be told. The vectors come from counts and not from steps, as in Levy
and Goldberg, "Neural Word Embedding as Implicit Matrix Factorization" (2014): of how much more
often than by chance two tokens stand near each other, what the largest singular vectors say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from modelwright.core.types import FloatArray, Progress, Rows

UNKNOWN = 1
_REACH = 8
"""Tokens on each side that are counted as near."""
_CONTEXTS = 10_000
"""The most frequent tokens, near which every token is counted."""
_SMOOTH = 0.75
"""Power of the contexts' counts, so that rare ones do not stand out by chance."""
_PART = 4096
_SAMPLE = 256


class Surroundings(keras.layers.Layer):  # type: ignore[misc]
    """Ids int32 ``[n, length]`` to vectors ``[n, length, size]``, one for each place's region.

    The sum of the vectors of the region's tokens, whatever their order; 0 where there is padding.
    """

    def __init__(self, vocabulary: int, size: int, region: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.vocabulary = vocabulary
        self.size = size
        self.region = region
        self.tokens = self.add_weight((vocabulary, size), "zeros", name="tokens")

    def call(self, ids: Any) -> Any:
        """The vectors."""
        each = ops.take(self.tokens, ids, axis=0)
        each = ops.cast(each, self.compute_dtype) * _mask(ids > UNKNOWN, self.compute_dtype)
        before = (self.region - 1) // 2
        padded = ops.pad(each, [[0, 0], [before, self.region - 1 - before], [0, 0]])
        length = ops.shape(ids)[1]
        summed = sum(padded[:, at : at + length] for at in range(self.region))
        return summed * _mask(ops.not_equal(ids, 0), self.compute_dtype)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """A vector for each place."""
        return (*shape, self.size)


def learn(
    layer: Surroundings, parts: Sequence[Rows], deviation: float, progress: Progress | None = None
) -> None:
    """Set the layer's weights.

    Args:
        layer: whose weights they are; ids that it does not reach are unknown.
        parts: rows that give ids int32 ``[n, length]``, all of one length.
        deviation: that the layer's vectors are to have on the first rows.
        progress: told of each step.
    """
    counts = _counts(parts, layer.vocabulary, progress)
    layer.tokens.assign(_vectors(counts, layer.size))
    ids = parts[0].take(np.arange(min(len(parts[0]), _SAMPLE)))
    found = np.asarray(layer(_known(ids, layer.vocabulary)))[ids != 0].std()
    if found:
        layer.tokens.assign(layer.tokens * (deviation / found))


def _counts(parts: Sequence[Rows], vocabulary: int, progress: Progress | None) -> Any:
    """How often each token stands near each context, a sparse matrix."""
    from scipy import sparse

    contexts = min(_CONTEXTS, vocabulary)
    found = sparse.csr_matrix((vocabulary, contexts), dtype=np.float32)
    done, rows = 0, sum(map(len, parts))
    for part in parts:
        for start in range(0, len(part), _PART):
            ids = part.take(np.arange(start, min(start + _PART, len(part))))
            # Texts one behind the other, with so much padding between that none is near another.
            ids = np.pad(_known(ids, vocabulary), ((0, 0), (0, _REACH)))
            ends = np.cumsum((ids != 0)[:, ::-1], axis=1)[:, ::-1] > 0
            flat = ids[ends | (np.cumsum(~ends, axis=1) <= _REACH)]
            pairs = [(flat[:-far], flat[far:]) for far in range(1, _REACH + 1)]
            one = np.concatenate([side for pair in pairs for side in pair])
            other = np.concatenate([side for pair in pairs for side in pair[::-1]])
            counted = (one > UNKNOWN) & (other > UNKNOWN) & (other < contexts)
            where = (one[counted], other[counted])
            ones = np.ones(counted.sum(), np.float32)
            found = found + sparse.coo_matrix((ones, where), found.shape).tocsr()
            done += len(ids)
            if progress:
                progress("counting neighbours", done, rows)
    return found


def _vectors(counts: Any, size: int) -> FloatArray:
    """A vector of each token: the positive logarithms of observed over expected, shortened."""
    from scipy import sparse
    from scipy.sparse import linalg

    often = np.asarray(counts.sum(axis=0)).ravel() ** _SMOOTH
    total = np.asarray(counts.sum(axis=1)).ravel()
    cells = counts.tocoo()
    expected = total[cells.row] * (often / max(often.sum(), 1e-12))[cells.col]
    more = np.log(cells.data / expected)
    kept = more > 0
    where = (cells.row[kept], cells.col[kept])
    matrix = sparse.coo_matrix((more[kept].astype(np.float32), where), counts.shape).tocsr()
    made = np.zeros((len(total), size), np.float32)
    # At most as many as there are dimensions; the rest stays 0, as for a handful of texts.
    if rank := min(size, min(matrix.shape) - 1, matrix.nnz):
        left, strength, _ = linalg.svds(matrix, k=rank, v0=np.ones(min(matrix.shape)))
        made[:, :rank] = left * np.sqrt(np.maximum(strength, 0))
    return made


def _known(ids: Any, vocabulary: int) -> Any:
    return np.where(ids < vocabulary, ids, UNKNOWN)


def _mask(there: Any, dtype: str) -> Any:
    return ops.cast(ops.expand_dims(there, 2), dtype)
