"""Rows whose answer is a known function of their segments: the right explanation is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from modelwright.core.types import BoolArray, FloatArray
from modelwright.explaining.method import Segment, TextSegment, Weights


def text_segments(words: Sequence[str]) -> list[Segment]:
    """Returns the words as segments of a text in which a space follows each of them."""
    segments: list[Segment] = []
    start = 0
    for word in words:
        segments.append(TextSegment(start, start + len(word), word))
        start += len(word) + 1
    return segments


@dataclass
class LinearRow:
    """A row whose log-odds of the second class are linear in the segments that are kept."""

    weights: Sequence[float]
    bias: float = 0.0
    words: Sequence[str] = ()
    asked: list[int] = field(default_factory=list)
    """Number of masked inputs of each call."""

    @property
    def segments(self) -> list[Segment]:
        """One word for each weight."""
        return text_segments(self.words or [f"w{number}" for number in range(len(self.weights))])

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the probabilities of two classes."""
        self.asked.append(len(kept))
        odds = kept.astype(np.float64) @ np.asarray(self.weights, np.float64) + self.bias
        second = 1 / (1 + np.exp(-odds))
        return np.stack([1 - second, second], axis=1).astype(np.float32)


class RightMethod:
    """A method that knows the weights of a ``LinearRow``."""

    name = "right"
    random = False

    def weigh(self, row: LinearRow, label: int, seed: int) -> Weights:
        """Returns the weights of the row, toward the label."""
        sign = 1 if label == 1 else -1
        return Weights(sign * np.asarray(row.weights, np.float32), fidelity=1.0)


class OppositeMethod(RightMethod):
    """A method that takes the least important segments for the most important."""

    name = "opposite"

    def weigh(self, row: LinearRow, label: int, seed: int) -> Weights:
        """Returns the opposite of the right weights."""
        return Weights(-super().weigh(row, label, seed).values)


class DrawingMethod:
    """A method that draws its weights."""

    name = "drawing"
    random = True

    def weigh(self, row: LinearRow, label: int, seed: int) -> Weights:
        """Returns drawn weights."""
        return Weights(np.random.default_rng(seed).normal(size=len(row.weights)).astype("f4"))
