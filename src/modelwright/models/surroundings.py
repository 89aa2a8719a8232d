"""What usually surrounds a place in a text, learned from texts without labels.

After Johnson and Zhang, "Semi-supervised Convolutional Neural Networks for Text Categorization
via Region Embedding" (arXiv:1504.01255): a region of a few tokens becomes a short vector from
which the tokens before and after the region can be told. They are told from noise as in word2vec
(Mikolov and others, arXiv:1310.4546), frequent ones counting less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from modelwright.core.types import FloatArray, IntArray, Progress, Rows

UNKNOWN = 1
_REACH = 5
"""Tokens on each side of the region that are to be told."""
_NOISE = 200
_RATIO = 5
"""Noise tokens to each true one, in weight."""
_FREQUENT = 1e-4
"""Tokens with a larger share than this count less."""
_BATCH = 64
_STEP = 16
_PART = 4096
_RATE = 2e-3


class Surroundings(keras.layers.Layer):  # type: ignore[misc]
    """Ids int32 ``[n, length]`` to vectors ``[n, length, size]``, one for each place's region.

    The rectified sum of the region's tokens, whatever their order; 0 where there is padding.
    """

    def __init__(self, vocabulary: int, size: int, region: int, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.size = size
        self.region = region
        self.tokens = self.add_weight((vocabulary, size), "random_normal", name="tokens")
        self.bias = self.add_weight((size,), "zeros", name="bias")

    def call(self, ids: Any) -> Any:
        """The vectors."""
        each = ops.take(self.tokens, ids, axis=0)
        each = ops.cast(each, self.compute_dtype) * _mask(ids > UNKNOWN, self.compute_dtype)
        before = (self.region - 1) // 2
        padded = ops.pad(each, [[0, 0], [before, self.region - 1 - before], [0, 0]])
        length = ops.shape(ids)[1]
        summed = sum(padded[:, at : at + length] for at in range(self.region))
        there = _mask(ops.not_equal(ids, 0), self.compute_dtype)
        return ops.relu(summed + ops.cast(self.bias, self.compute_dtype)) * there

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """A vector for each place."""
        return (*shape, self.size)


def learn(
    layer: Surroundings, parts: Sequence[Rows], epochs: int, progress: Progress | None = None
) -> float:
    """Learn the layer's weights; gives the last epoch's mean loss.

    Args:
        layer: its tokens begin as they are.
        parts: rows that give ids int32 ``[n, length]``, all of one length.
        epochs: how often each text is read; their order is the same each time.
        progress: told of each step.
    """
    texts = _Texts(parts, int(layer.tokens.shape[0]))
    teller = _Teller(layer, texts.weights)
    layer.trainable = True
    steps = max(len(texts) * epochs, 1)
    teller.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, steps)),
        lambda _, losses: ops.mean(losses),
        jit_compile=False if keras.config.backend() == "tensorflow" else "auto",
    )
    losses: list[float] = []
    for epoch in range(epochs):
        random = np.random.default_rng([epoch])
        losses = []
        for place in random.permutation(len(texts)):
            batch = texts.batch(int(place), random)
            losses.append(float(teller.train_on_batch(batch, np.zeros((len(batch[0]), 1)))))
            if progress:
                progress("learning from texts", epoch * len(texts) + len(losses), steps)
    layer.trainable = False
    return float(np.mean(losses))


class _Texts:
    """Batches of texts of like length, noise tokens, and how much each token counts.

    Ids that the vocabulary does not reach are unknown.
    """

    def __init__(self, parts: Sequence[Rows], vocabulary: int) -> None:
        self._parts = parts
        self._vocabulary = vocabulary
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        counts = np.zeros(vocabulary, np.int64)
        lengths = np.zeros(self._starts[-1], np.int64)
        for start in range(0, len(lengths), _PART):
            chosen = np.arange(start, min(start + _PART, len(lengths)))
            ids = self._take(chosen)
            lengths[chosen] = (ids != 0).sum(axis=1)
            counts += np.bincount(ids.ravel(), minlength=vocabulary)
        counts[: UNKNOWN + 1] = 0
        shares = counts / max(counts.sum(), 1)
        kept = np.sqrt(_FREQUENT / np.maximum(shares, 1e-12))
        self.weights: FloatArray = np.where(counts > 0, np.minimum(kept, 1), 0).astype(np.float32)
        self._noise = np.cumsum(counts**0.75)
        self._lengths = lengths
        self._order = np.argsort(lengths, kind="stable")

    def __len__(self) -> int:
        return -(-len(self._order) // _BATCH)

    def batch(self, place: int, random: np.random.Generator) -> tuple[Any, Any]:
        """Ids ``[n, width]``, as wide as the longest, and noise ``[n, m]``, all rows alike."""
        chosen = self._order[place * _BATCH :][:_BATCH]
        # Few widths, since each is a step to be compiled, and none below the reach.
        width = -(-max(int(self._lengths[chosen].max()), 2 * _STEP) // _STEP) * _STEP
        ids = self._take(chosen)[:, :width]
        ids = np.pad(ids, ((0, 0), (0, width - ids.shape[1])))
        drawn = np.searchsorted(self._noise, random.random(_NOISE) * self._noise[-1], "right")
        drawn = np.minimum(drawn, len(self._noise) - 1).astype(np.int32)
        return ids, np.broadcast_to(drawn, (len(ids), _NOISE))

    def _take(self, chosen: IntArray) -> Any:
        """Rows by their position among all parts', part by part."""
        bounds = zip(self._parts, self._starts, self._starts[1:], strict=False)
        within = ((part, chosen[(chosen >= at) & (chosen < end)] - at) for part, at, end in bounds)
        ids = np.concatenate([part.take(rows) for part, rows in within if len(rows)])
        return np.where(ids < self._vocabulary, ids, UNKNOWN)


class _Teller(keras.Model):  # type: ignore[misc]
    """From ids and noise to each text's loss ``[n, 1]``."""

    def __init__(self, layer: Surroundings, weights: FloatArray) -> None:
        super().__init__(name="teller")
        self.layer = layer
        self.weights_of = ops.convert_to_tensor(weights)
        self.told = self.add_weight((len(weights), layer.size), "zeros", name="told")

    def call(self, inputs: Any) -> Any:
        """The losses."""
        ids, noise = inputs
        vectors = self.layer(ids)
        length, edge = ops.shape(ids)[1], self.layer.region // 2 + _REACH
        # In blocks of places, each with all tokens that its places may have to tell: one product
        # of matrices a block instead of a walk through the batch for every distance.
        blocks = length // _STEP
        window = np.arange(_STEP + 2 * edge)
        others = ops.take(
            ops.pad(ids, [[0, 0], [edge, edge]]), ops.arange(blocks)[:, None] * _STEP + window, 1
        )
        here = ops.reshape(vectors, (-1, blocks, _STEP, self.layer.size))
        scores = ops.einsum("nbps,nbws->nbpw", here, ops.take(self.told, others, axis=0))
        far = np.abs(window - edge - np.arange(_STEP)[:, None])
        near = ((far > self.layer.region // 2) & (far <= edge)).astype(np.float32)
        there = ops.reshape(ops.cast(ops.not_equal(ids, 0), "float32"), (-1, blocks, _STEP, 1))
        weights = near * there * ops.expand_dims(ops.take(self.weights_of, others, axis=0), 2)
        true = ops.sum(weights * ops.softplus(-scores), axis=(1, 2, 3))
        known = ops.reshape(ops.sum(weights, axis=3), (-1, length))
        false = ops.softplus(ops.matmul(vectors, ops.transpose(ops.take(self.told, noise[0], 0))))
        false = _RATIO * ops.sum(known * ops.mean(false, axis=2), axis=1)
        losses = (true + false) / ops.maximum(ops.sum(known, axis=1), 1e-6)
        return ops.expand_dims(losses, 1)


def _mask(there: Any, dtype: str) -> Any:
    return ops.cast(ops.expand_dims(there, 2), dtype)
