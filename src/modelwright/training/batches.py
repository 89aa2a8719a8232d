"""Batches whose order depends only on the seed and the epoch, so that a training can be resumed."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from modelwright.core.kept import computed_once, kept_values
from modelwright.core.types import IntArray, Progress, Rows
from modelwright.training.augmentation import Augmentation

_PREFETCHED = 2
_ENCODED_AT_ONCE = 4096  # limits the Python strings that exist at one time
_LENGTH_STEP = 16  # lengths are rounded up to it: some backends compile a step for each new shape
_BLOCK = 50  # batches within which rows are sorted by length


@dataclass(frozen=True)
class TokenIds:
    """Rows of token ids, int32 ``[n, length]``."""

    array: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: IntArray) -> npt.NDArray[np.int32]:
        """Returns the rows at ``indices``."""
        return self.array[indices]

    def lengths(self) -> IntArray:
        """Returns the number of tokens of each row ``[n]``, without the padding at its end."""
        filled = self.array != 0
        return np.where(filled.any(axis=1), filled.shape[1] - filled[:, ::-1].argmax(axis=1), 0)


def encode_rows(rows: Rows, tokenizer: Any | None, progress: Progress | None = None) -> Any:
    """Returns rows in the form that a network reads: texts as token ids, images unchanged."""
    if tokenizer is None:
        return rows
    if kept_values() is None:
        return _encode(rows, tokenizer, progress)
    return computed_once(
        ("ids", tokenizer.identity),
        [rows],
        lambda: _encode(rows, tokenizer, progress),
        size=lambda encoded: encoded.array.nbytes,
    )


def _encode(rows: Rows, tokenizer: Any, progress: Progress | None) -> TokenIds:
    ids = np.empty((len(rows), tokenizer.options.length), np.int32)
    for start in range(0, len(rows), _ENCODED_AT_ONCE):
        positions = np.arange(start, min(start + _ENCODED_AT_ONCE, len(rows)))
        ids[positions] = tokenizer.encode(rows.take(positions))
        if progress:
            progress("encoding", start + len(positions), len(rows))
    return TokenIds(ids)


class Batches(keras.utils.PyDataset):
    """Rows in order, for prediction.

    While the network computes a batch, a thread prepares the next ones. TensorFlow's own
    prefetching cannot do this: deterministic operations switch it off, and each step would wait.
    """

    def __init__(self, inputs: Rows | TokenIds, batch_size: int) -> None:
        super().__init__(workers=1)
        self.inputs = inputs
        self.batch_size = batch_size
        # One thread is enough: rows that are read from files start their own threads.
        self._pool = ThreadPoolExecutor(1)
        self._pending: dict[int, Future[tuple[Any, ...]]] = {}
        self.waited = 0.0
        """Seconds for which the reader has waited for batches."""

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def indices(self, position: int) -> IntArray:
        """Returns the positions of a batch's rows."""
        start = position * self.batch_size
        return np.arange(start, min(start + self.batch_size, len(self.inputs)))

    def make(self, position: int) -> tuple[Any, ...]:
        """Returns a batch, prepared in this thread."""
        return (self.inputs.take(self.indices(position)),)

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        end = max(min(position + 1 + _PREFETCHED, len(self)), position + 1)
        self._pending = {
            index: self._pending.get(index) or self._pool.submit(self.make, index)
            for index in range(position, end)
        }
        started = time.perf_counter()
        batch = self._pending.pop(position).result()
        self.waited += time.perf_counter() - started
        return batch


class LabeledBatches(Batches):
    """Rows in order with their labels, for validation."""

    def __init__(self, inputs: Rows | TokenIds, labels: npt.NDArray[Any], batch_size: int) -> None:
        super().__init__(inputs, batch_size)
        self.labels = labels

    @property
    def any_length(self) -> bool:
        """Whether the length of the rows differs between batches."""
        return False

    def make(self, position: int) -> tuple[Any, ...]:
        """Returns a batch and its labels, prepared in this thread."""
        positions = self.indices(position)
        return self.inputs.take(positions), self.labels[positions]


class TrainingBatches(LabeledBatches):
    """Rows with augmentation, in a new random order in each pass over them.

    ``any_length`` says that padding changes no answer of the network. Then a batch of token ids
    is cut to its longest row, and rows of similar length share a batch. ``passes`` says how often
    an epoch goes over the rows; no batch has rows of two passes.
    """

    def __init__(
        self,
        inputs: Rows | TokenIds,
        labels: npt.NDArray[Any],
        batch_size: int,
        *,
        seed: int,
        augmentation: Augmentation | None = None,
        any_length: bool = False,
        passes: int = 1,
    ) -> None:
        super().__init__(inputs, labels, batch_size)
        self.passes = passes
        self.seed = seed
        self.augmentation = augmentation or Augmentation()
        # Each image is mirrored in every other pass, half of the images from the first one on.
        # So any two successive passes show both sides of each image, which independent random
        # choices would not (Jordan, arXiv:2404.00498).
        self._mirrored_first = np.random.default_rng([seed]).random(len(inputs)) < 0.5
        self._lengths = inputs.lengths() if any_length and isinstance(inputs, TokenIds) else None
        self._order = [np.arange(len(inputs))] * passes
        self.start_epoch(0)

    def __len__(self) -> int:
        return self.passes * super().__len__()

    @property
    def any_length(self) -> bool:
        """Whether the length of the rows differs between batches."""
        return self._lengths is not None

    def start_epoch(self, epoch: int) -> None:
        """Sets the order of an epoch; it does not depend on the epochs before."""
        for batch in self._pending.values():
            batch.cancel()
        wait(self._pending.values())  # their thread reads the order that changes now
        self._pending = {}
        self.epoch = epoch
        first = epoch * self.passes
        self._order = [self._shuffle(first + number) for number in range(self.passes)]

    def indices(self, position: int) -> IntArray:
        """Returns the positions of a batch's rows in this epoch."""
        number, position = divmod(position, super().__len__())
        return self._order[number][super().indices(position)]

    def make(self, position: int) -> tuple[Any, ...]:
        """Returns an augmented batch of this epoch and its labels, prepared in this thread."""
        rows, labels = super().make(position)
        if self._lengths is not None:
            rows = rows[:, : rounded_lengths(self._lengths[self.indices(position)]).max()]
        if self.augmentation.changes_nothing:
            return rows, labels
        seeds = (self.seed, self.epoch, position)
        passed = self.epoch * self.passes + position // super().__len__()
        mirrored = self._mirrored_first[self.indices(position)] ^ bool(passed % 2)
        rows, mixing = self.augmentation.apply(rows, seeds, mirrored)
        return rows, mixing.mix_labels(labels) if mixing else labels

    def _shuffle(self, number: int) -> IntArray:
        """Returns the order of a pass, by its number since the start of the training."""
        random = np.random.default_rng([self.seed, number])
        order = random.permutation(len(self.inputs))
        if self._lengths is None:
            return order
        widths = rounded_lengths(self._lengths)
        return _group_by_length(order, widths, self.batch_size, random)


def to_keras_data(batches: LabeledBatches) -> Any:
    """Returns batches as an argument of ``fit``, which reads them again in each epoch.

    Under TensorFlow this is a ``tf.data.Dataset`` without autotuning. The dataset that Keras makes
    of a ``PyDataset`` prefetches with autotuning, whose thread ends slowly: at the start of every
    other epoch, when the previous iterator is deleted, a step took about two seconds longer
    (TensorFlow 2.21).
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
    dataset = tf.data.Dataset.from_generator(
        lambda: (batches[position] for position in range(len(batches))), output_signature=signature
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(batches))).with_options(
        options
    )


def rounded_lengths(lengths: IntArray) -> IntArray:
    """Returns lengths rounded up to whole steps, at least one step."""
    return np.maximum(-(-lengths // _LENGTH_STEP), 1) * _LENGTH_STEP


def _group_by_length(
    order: IntArray, lengths: IntArray, batch_size: int, random: np.random.Generator
) -> IntArray:
    """Returns an order in which rows of a batch have similar lengths and batches are shuffled."""
    block = batch_size * _BLOCK
    parts = [order[start : start + block] for start in range(0, len(order), block)]
    order = np.concatenate([part[np.argsort(lengths[part], kind="stable")] for part in parts])
    full = len(order) // batch_size
    batches = random.permutation(order[: full * batch_size].reshape(full, batch_size))
    return np.concatenate([batches.ravel(), order[full * batch_size :]])
