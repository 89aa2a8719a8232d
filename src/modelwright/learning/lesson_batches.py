"""The batches of a lesson: new rows, and with them kept rows and recorded answers.

Kept rows share a batch with new ones, so that batch normalization sees both at once, and so that
images are augmented alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.config import TrainConfig
from modelwright.core.types import FloatArray, IntArray
from modelwright.learning.lesson import LessonRows
from modelwright.training import optimizers
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import TokenIds, TrainingBatches, rounded_lengths
from modelwright.training.epoch_plan import EpochPlan

ABSENT = -1.0
"""Stands for the answer of a class that the network did not know when an answer was recorded."""


@dataclass(frozen=True)
class Targets:
    """The columns of a batch's targets: what the loss compares with, then what goes with it.

    Attributes:
        columns: columns of the network's output: 1 for two classes, else one for each class.
        classes: classes of the recorded answers; 0 without any.
    """

    columns: int
    classes: int = 0

    def join(self, rows: LessonRows, train: TrainConfig) -> FloatArray:
        """Returns the targets of rows, float32 ``[n, columns + 2 + classes]``.

        A row has its label, its weight, the weight of its recorded answer, and that answer. Rows
        without a recorded answer have the weight 0 for it.
        """
        labels = optimizers.loss_targets(
            rows.labels, self.columns, train.label_smoothing, mixed=True
        )
        answers = np.full((len(rows), self.classes), ABSENT, np.float32)
        if rows.outputs is not None and self.classes:
            given = rows.outputs[:, : self.classes]
            answers[:, : given.shape[1]] = np.where(np.isfinite(given), given, ABSENT)
        recorded = (answers != ABSENT).sum(axis=1) > 1
        weights = _class_weights(rows.labels, train.class_weight)
        parts = (labels, weights[:, None], recorded[:, None], answers)
        return np.concatenate(parts, axis=1).astype(np.float32)

    def split(self, targets: Any) -> tuple[Any, Any, Any, Any]:
        """Returns labels, weights ``[n]``, weights of recorded answers ``[n]``, and answers."""
        end = self.columns
        return targets[:, :end], targets[:, end], targets[:, end + 1], targets[:, end + 2 :]

    def scale(self, targets: FloatArray, weight: float, hold: float) -> None:
        """Multiplies the weights of rows and of their recorded answers, in place."""
        targets[:, self.columns] *= weight
        targets[:, self.columns + 1] *= hold


@dataclass(frozen=True)
class Kept:
    """Kept rows that go into the batches.

    Attributes:
        rows: the rows. Each batch has as many of them as of new ones.
        weight: weight of their labels; that of new rows is 1.
    """

    rows: LessonRows
    weight: float = 1.0


class LessonBatches(TrainingBatches):
    """New rows in random order; each batch ends with kept rows.

    The kept rows take turns, in a new random order each time, so that all are seen equally often.
    Their order depends on the seed and the step alone.

    Attributes:
        targets: the columns of the batches' targets.
    """

    def __init__(
        self,
        rows: LessonRows,
        kept: Kept | None,
        targets: Targets,
        train: TrainConfig,
        plan: EpochPlan,
        *,
        augmentation: Augmentation,
        any_length: bool,
    ) -> None:
        self.targets = targets
        self._kept = kept
        self._kept_inputs: Any = None if kept is None else in_memory(kept.rows.inputs)
        self._kept_table = None if kept is None else targets.join(kept.rows, train)
        # A mixed image has no recorded answer, so kept images are not mixed.
        self._kept_augmentation = replace(augmentation, mixup=0.0)
        super().__init__(
            in_memory(rows.inputs),
            targets.join(rows, train),
            plan.batch_size,
            seed=train.seed,
            augmentation=augmentation,
            any_length=any_length,
            passes=plan.passes,
        )

    def make(self, position: int) -> tuple[Any, ...]:
        """Returns an augmented batch of this epoch and its targets."""
        rows, table = super().make(position)
        if self._kept is None or self._kept_table is None:
            return rows, table
        chosen = self._turn(self.epoch * len(self) + position)
        kept, kept_table = self._kept_inputs.take(chosen), self._kept_table[chosen]
        if not self._kept_augmentation.changes_nothing:
            seeds = (self.seed, self.epoch, position, 1)
            mirrored = np.random.default_rng(seeds).random(len(kept)) < 0.5
            kept, _ = self._kept_augmentation.apply(kept, seeds, mirrored)
        # The loss is (new + weight * kept) / (1 + weight), each a mean over its own rows. So the
        # steps are as long as without kept rows.
        total, weight = len(rows) + len(kept), self._kept.weight
        share = total / (1 + weight)
        self.targets.scale(table, share / len(rows), share / len(rows))
        self.targets.scale(kept_table, weight * share / len(kept), share / len(kept))
        if self.any_length:
            rows, kept = _same_length(rows, kept)
        return np.concatenate([rows, kept]), np.concatenate([table, kept_table])

    def _turn(self, step: int) -> IntArray:
        """Returns the positions of the kept rows whose turn it is in a step."""
        count = len(self._kept_inputs)
        size = min(self.batch_size, count)
        numbers = np.arange(step * size, (step + 1) * size)
        orders = {
            turn: np.random.default_rng([self.seed, turn, 1]).permutation(count)
            for turn in range(numbers[0] // count, numbers[-1] // count + 1)
        }
        return np.array([orders[n // count][n % count] for n in numbers.tolist()])


def in_memory(inputs: Any) -> Any:
    """Returns rows of token ids as ``TokenIds``, which know their lengths; images unchanged."""
    if isinstance(inputs, TokenIds) or not len(inputs):
        return inputs
    if inputs.take(np.arange(1)).ndim != 2:
        return inputs
    return TokenIds(np.asarray(inputs.take(np.arange(len(inputs))), np.int32))


def _same_length(
    rows: npt.NDArray[np.int32], kept: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Returns token ids that end where the longest text of both does, in whole steps."""
    longest = max(rows.shape[1], int(rounded_lengths(TokenIds(kept).lengths()).max()))
    rows = np.pad(rows, ((0, 0), (0, longest - rows.shape[1])))
    kept = np.pad(kept, ((0, 0), (0, max(longest - kept.shape[1], 0))))
    return rows, kept[:, :longest]


def _class_weights(labels: IntArray, kind: str) -> FloatArray:
    """Returns the weight of each row by its class; classes without rows count for nothing."""
    present, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if kind == "none":
        return np.ones(len(labels), np.float32)
    weights: FloatArray = (len(labels) / (len(present) * counts))[inverse].astype(np.float32)
    return weights
