"""Batches in an order that depends on the seed and the epoch alone, so it can be taken up again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray, Progress, Rows, Split
from modelwright.engine.augment import augment


@dataclass(frozen=True)
class Ids:
    """Token ids int32 ``[n, length]`` as rows."""

    array: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: IntArray) -> npt.NDArray[np.int32]:
        """Rows by position."""
        return self.array[indices]


def encode(split: Split, tokenizer: Any | None, progress: Progress | None = None) -> Any:
    """What the network reads of a split: ids of its texts, its pictures as they are."""
    if tokenizer is None:
        return split.inputs
    texts = split.inputs.take(np.arange(len(split)))
    return Ids(tokenizer.encode(texts, progress))


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Rows in order, for predicting."""

    def __init__(self, inputs: Rows | Ids, batch_size: int) -> None:
        # Rows that are read from files bring threads of their own.
        super().__init__(workers=1)
        self.inputs = inputs
        self.batch_size = batch_size

    def __len__(self) -> int:
        return -(-len(self.inputs) // self.batch_size)

    def indices(self, position: int) -> IntArray:
        """Which rows make up a batch."""
        start = position * self.batch_size
        return np.arange(start, min(start + self.batch_size, len(self.inputs)))

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        return (self.inputs.take(self.indices(position)),)


class LabelledBatches(Batches):
    """Rows in order with their labels, for validating."""

    def __init__(self, inputs: Rows | Ids, labels: npt.NDArray[Any], batch_size: int) -> None:
        super().__init__(inputs, batch_size)
        self.labels = labels

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        chosen = self.indices(position)
        return self.inputs.take(chosen), self.labels[chosen]


class TrainingBatches(LabelledBatches):
    """Rows shuffled anew each epoch, and varied."""

    def __init__(
        self,
        inputs: Rows | Ids,
        labels: npt.NDArray[Any],
        batch_size: int,
        *,
        seed: int,
        variation: str,
        shift: float = 0.125,
    ) -> None:
        super().__init__(inputs, labels, batch_size)
        self.seed = seed
        self.variation = variation
        self.shift = shift
        # Each picture is mirrored every other epoch, half of them from the first: every two
        # epochs show both sides of all, which chance would not (Jordan, arXiv:2404.00498).
        self._sides = np.random.default_rng([seed]).random(len(inputs)) < 0.5
        self._order = np.arange(len(inputs))
        self.start_epoch(0)

    def start_epoch(self, epoch: int) -> None:
        """Take the order of that epoch, whichever came before."""
        self.epoch = epoch
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.inputs))

    def indices(self, position: int) -> IntArray:
        """Which rows make up a batch of this epoch."""
        return self._order[super().indices(position)]

    def __getitem__(self, position: int) -> tuple[Any, ...]:
        rows, labels = super().__getitem__(position)
        if self.variation == "none":
            return rows, labels
        random = np.random.default_rng([self.seed, self.epoch, position])
        mirrored = self._sides[self.indices(position)] ^ bool(self.epoch % 2)
        varied = augment(rows, self.variation, random, mirrored=mirrored, shift=self.shift)
        return varied, labels
