"""Batches in an order that depends on the seed and the epoch alone, so it can be taken up again."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray, Progress, Rows
from modelwright.training.augmentation import augment

_AHEAD = 2
_PART = 4096  # texts that are objects of their own at a time, beside the table they are in
_STEP = 16  # lengths are rounded up to it: each new shape costs a compiled step on some backends
_BLOCK = 50  # batches among which rows of like length are sought


@dataclass(frozen=True)
class TokenIds:
    """Token ids int32 ``[n, length]`` as rows."""

    array: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: IntArray) -> npt.NDArray[np.int32]:
        """Rows by position."""
        return self.array[indices]

    def lengths(self) -> IntArray:
        """Tokens of each row, ``[n]``, without the padding behind them."""
        filled = self.array != 0
        return np.where(filled.any(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1), 0)


def encode(rows: Rows, tokenizer: Any | None, progress: Progress | None = None) -> Any:
    """What the network reads of rows: ids of texts, pictures as they are."""
    if tokenizer is None:
        return rows
    ids = np.empty((len(rows), tokenizer.options.length), np.int32)
    for start in range(0, len(rows), _PART):
        chosen = np.arange(start, min(start + _PART, len(rows)))
        ids[chosen] = tokenizer.encode(rows.take(chosen))
        if progress:
            progress("encoding", start + len(chosen), len(rows))
    return TokenIds(ids)


class Batches(keras.utils.PyDataset):
    """Rows in order, for predicting.

    While the network works on a batch, a thread makes the next ones. TensorFlow's own
    prefetching does not: deterministic operations switch it off, and each step would wait.
    """

    def __init__(self, inputs: Rows | TokenIds, batch_size: int) -> None:
        super().__init__(workers=1)
        self.inputs = inputs
        self.batch_size = batch_size
        # One thread, since rows that are read from files bring threads of their own.
        self._pool = ThreadPoolExecutor(1)
        self._coming: dict[int, Future[tuple[Any, ...]]] = {}

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def indices(self, position: int) -> IntArray:
        """Which rows make up a batch."""
        start = position * self.batch_size
        return np.arange(start, min(start + self.batch_size, len(self.inputs)))

    def make(self, position: int) -> tuple[Any, ...]:
        """A batch, made now."""
        return (self.inputs.take(self.indices(position)),)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        end = max(min(position + 1 + _AHEAD, len(self)), position + 1)
        self._coming = {
            at: self._coming.get(at) or self._pool.submit(self.make, at)
            for at in range(position, end)
        }
        return self._coming.pop(position).result()


class LabeledBatches(Batches):
    """Rows in order with their labels, for validating."""

    def __init__(self, inputs: Rows | TokenIds, labels: npt.NDArray[Any], batch_size: int) -> None:
        super().__init__(inputs, batch_size)
        self.labels = labels

    @property
    def any_length(self) -> bool:
        """Whether the rows of another batch may be longer or shorter."""
        return False

    def make(self, position: int) -> tuple[Any, ...]:
        """A batch and its labels, made now."""
        chosen = self.indices(position)
        return self.inputs.take(chosen), self.labels[chosen]


class TrainingBatches(LabeledBatches):
    """Rows shuffled anew each epoch, and varied.

    Where padding changes no answer (``any_length``), rows of similar length share a batch, and a
    batch is as wide as its longest row.
    """

    def __init__(
        self,
        inputs: Rows | TokenIds,
        labels: npt.NDArray[Any],
        batch_size: int,
        *,
        seed: int,
        variation: str,
        shift: float = 0.125,
        any_length: bool = False,
    ) -> None:
        super().__init__(inputs, labels, batch_size)
        self.seed = seed
        self.variation = variation
        self.shift = shift
        # Each picture is mirrored every other epoch, half of them from the first: every two
        # epochs show both sides of all, which chance would not (Jordan, arXiv:2404.00498).
        self._sides = np.random.default_rng([seed]).random(len(inputs)) < 0.5
        self._lengths = inputs.lengths() if any_length and isinstance(inputs, TokenIds) else None
        self._order = np.arange(len(inputs))
        self.start_epoch(0)

    @property
    def any_length(self) -> bool:
        """Whether the rows of another batch may be longer or shorter."""
        return self._lengths is not None

    def start_epoch(self, epoch: int) -> None:
        """Take the order of that epoch, whichever came before."""
        for batch in self._coming.values():
            batch.cancel()
        wait(self._coming.values())  # they read the order that changes now
        self._coming = {}
        self.epoch = epoch
        random = np.random.default_rng([self.seed, epoch])
        self._order = random.permutation(len(self.inputs))
        if self._lengths is not None:
            widths = _widths(self._lengths)
            self._order = _grouped(self._order, widths, self.batch_size, random)

    def indices(self, position: int) -> IntArray:
        """Which rows make up a batch of this epoch."""
        return self._order[super().indices(position)]

    def make(self, position: int) -> tuple[Any, ...]:
        """A batch of this epoch, varied, and its labels, made now."""
        rows, labels = super().make(position)
        if self._lengths is not None:
            rows = rows[:, : _widths(self._lengths[self.indices(position)]).max()]
        if self.variation == "none":
            return rows, labels
        random = np.random.default_rng([self.seed, self.epoch, position])
        mirrored = self._sides[self.indices(position)] ^ bool(self.epoch % 2)
        varied = augment(rows, self.variation, random, mirrored=mirrored, shift=self.shift)
        return varied, labels


def feed(batches: LabeledBatches) -> Any:
    """What ``fit`` reads these batches from, each epoch anew.

    Under TensorFlow a dataset of its own. The one that Keras makes prefetches by autotuning, whose
    thread is slow to end: at the start of every other epoch, where the iterator of the one before
    is dropped, a step stood still for about two seconds (TensorFlow 2.21).
    """
    if keras.config.backend() != "tensorflow":
        return batches
    import tensorflow as tf

    inputs, labels = batches.make(0)
    row = (None,) if batches.any_length else inputs.shape[1:]
    signature = (
        tf.TensorSpec((None, *row), inputs.dtype),
        tf.TensorSpec((None, *labels.shape[1:]), labels.dtype),
    )
    options = tf.data.Options()
    options.autotune.enabled = False
    made = tf.data.Dataset.from_generator(
        lambda: (batches[at] for at in range(len(batches))), output_signature=signature
    )
    return made.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(options)


def _widths(lengths: IntArray) -> IntArray:
    """Lengths rounded up to whole steps, at least one."""
    return np.maximum(-(-lengths // _STEP), 1) * _STEP


def _grouped(
    order: IntArray, widths: IntArray, batch_size: int, random: np.random.Generator
) -> IntArray:
    """Rows of like width beside each other, in batches that follow each other by chance."""
    block = batch_size * _BLOCK
    parts = [order[start : start + block] for start in range(0, len(order), block)]
    order = np.concatenate([part[np.argsort(widths[part], kind="stable")] for part in parts])
    whole = len(order) // batch_size
    batches = random.permutation(order[: whole * batch_size].reshape(whole, batch_size))
    return np.concatenate([batches.ravel(), order[whole * batch_size :]])
