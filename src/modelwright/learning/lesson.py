"""A lesson: what a strategy is given when a network learns new rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.core.types import FloatArray, IntArray, Progress, Rows

State = Mapping[str, npt.NDArray[Any]]
"""What a strategy remembers from one lesson to the next, in place of rows."""


@dataclass(frozen=True)
class LessonRows:
    """Rows in the form that the network reads.

    Attributes:
        inputs: ``take(indices)`` returns the network's input: token ids or uint8 images.
        labels: class of each row, int64 ``[n]``.
        outputs: class probabilities that the network gave right after it had learned the rows,
            float32 ``[n, classes]`` with the classes of that time; None where nobody kept them.
    """

    inputs: Rows
    labels: IntArray
    outputs: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Strength:
    """How strongly a strategy holds on to what was learned before.

    Attributes:
        distillation: weight of the distance from the answers before, in ``distill``.
        temperature: divides the logits before they are compared, in ``distill``.
        alpha: weight of the distance from recorded answers, in ``der``.
        beta: weight of the recorded rows' labels, in ``der`` and ``replay``.
        penalty: weight of the distance from the weights before, in ``ewc``.
        shrinkage: share of the identity in the covariance, in ``closed-form``.
    """

    distillation: float = 1.0
    temperature: float = 2.0
    alpha: float = 0.5
    beta: float = 1.0
    penalty: float = 100.0
    shrinkage: float = 0.01


@dataclass
class Lesson:
    """New rows, and what is left of the old ones.

    Attributes:
        network: a ``keras.Model`` with the weights before. A strategy changes them in place. It has
            all classes and tokens already, those that the new rows bring too.
        before: returns a copy of the network before, with its own classes, which no strategy
            changes. Its token ids are below ``tokens_before``.
        model: the builder and its options, as the network was built.
        train: the settings of the steps; for few epochs.
        new: the new rows that train.
        kept: examples of the old rows; None without any.
        old: all rows that trained before; None where they are not to be had.
        state: what the strategy's ``remember`` returned after the lesson before.
        classes_before: number of classes that the network knew before.
        tokens_before: number of token ids that the network knew before; 0 for images.
        seed: random seed.
        strength: how strongly the strategy holds on.
        progress: called with each step.
        notes: decisions that the report shows; a strategy appends to them.
    """

    network: Any
    before: Callable[[], Any]
    model: ModelConfig
    train: TrainConfig
    new: LessonRows
    kept: LessonRows | None = None
    old: LessonRows | None = None
    state: State = field(default_factory=dict)
    classes_before: int = 2
    tokens_before: int = 0
    seed: int = 0
    strength: Strength = Strength()
    progress: Progress | None = None
    notes: list[str] = field(default_factory=list)
