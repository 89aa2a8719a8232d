"""Rows whose answer is a known function of their segments: the right explanation is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.types import BoolArray, FloatArray
from modelwright.explaining.method import ImageSegment, Segment, TextSegment, Weights
from modelwright.models.output_layer import two_columns


def text_segments(words: Sequence[str]) -> list[Segment]:
    """Returns the words as segments of a text in which a space follows each of them."""
    segments: list[Segment] = []
    start = 0
    for word in words:
        segments.append(TextSegment(start, start + len(word), word))
        start += len(word) + 1
    return segments


def image_segments(side: int, cells: int) -> list[Segment]:
    """Returns a grid of ``cells`` times ``cells`` squares over a square image."""
    size = side // cells
    return [
        ImageSegment(size * row, size * column, size, size)
        for row in range(cells)
        for column in range(cells)
    ]


@dataclass
class LinearRow:
    """A row whose log-odds of the second class are linear in the segments that are kept."""

    weights: Sequence[float]
    bias: float = 0.0
    words: Sequence[str] = ()
    cells: int = 0
    """Number of cells of a side, if the row is an image."""
    asked: list[int] = field(default_factory=list)
    """Number of masked inputs of each call."""

    @property
    def segments(self) -> list[Segment]:
        """One word or cell for each weight."""
        if self.cells:
            return image_segments(4 * self.cells, self.cells)
        return text_segments(self.words or [f"w{number}" for number in range(len(self.weights))])

    @property
    def groups(self) -> list[range]:
        """All segments belong together."""
        return [range(len(self.weights))]

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the probabilities of two classes."""
        self.asked.append(len(kept))
        odds = kept.astype(np.float64) @ np.asarray(self.weights, np.float64) + self.bias
        second = 1 / (1 + np.exp(-odds))
        return np.stack([1 - second, second], axis=1).astype(np.float32)


@dataclass
class TokensRow:
    """Token ids of which each is a segment; 1 stands where a token was taken out."""

    network: Any
    ids: Sequence[int]
    padding: int = 0

    @property
    def segments(self) -> list[Segment]:
        """One word for each token."""
        return text_segments([f"w{number}" for number in self.ids])

    @property
    def places(self) -> Any:
        """Each token is its own segment, padding is in none."""
        return np.array([*range(len(self.ids)), *[-1] * self.padding])

    def inputs(self, kept: BoolArray) -> Any:
        """Returns ids, padded at the end."""
        ids = np.where(kept, np.array(self.ids), 1)
        return np.pad(ids, ((0, 0), (0, self.padding))).astype(np.int32)

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the probabilities of the network."""
        return two_columns(np.asarray(self.network(self.inputs(kept), training=False)))


@dataclass
class PixelsRow:
    """An image of cells; gray stands where a cell was taken out."""

    network: Any
    pixels: Any
    cells: int = 4

    @property
    def segments(self) -> list[Segment]:
        """The cells."""
        return image_segments(len(self.pixels), self.cells)

    @property
    def places(self) -> Any:
        """The cell of each pixel."""
        number = np.arange(len(self.pixels)) // (len(self.pixels) // self.cells)
        return number[:, None] * self.cells + number

    def inputs(self, kept: BoolArray) -> Any:
        """Returns the masked pixels."""
        shown = kept[:, self.places][..., None]
        return np.where(shown, self.pixels, 128).astype(np.uint8)

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the probabilities of the network."""
        return two_columns(np.asarray(self.network(self.inputs(kept), training=False)))


class RightMethod:
    """A method that knows the weights of a ``LinearRow``."""

    name = "right"
    tasks = ("text",)
    random = False
    needs_gradients = False

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


class DrawingMethod(RightMethod):
    """A method that draws its weights."""

    name = "drawing"
    random = True

    def weigh(self, row: LinearRow, label: int, seed: int) -> Weights:
        """Returns drawn weights."""
        return Weights(np.random.default_rng(seed).normal(size=len(row.weights)).astype("f4"))
