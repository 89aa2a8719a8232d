"""What a method of explanation gets and what it returns.

A method sees a row only as segments that can be taken out, and a model that answers the row without
some of them. So each method explains texts and images alike, of any engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from modelwright.core.types import BoolArray, FloatArray, Task


@dataclass(frozen=True)
class TextSegment:
    """A part of a text: characters ``start`` to ``end`` of the text as it was given."""

    start: int
    end: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return dict(vars(self))


@dataclass(frozen=True)
class ImageSegment:
    """A rectangle of an image, in pixels of the upright image as it was given."""

    row: int
    column: int
    height: int
    width: int

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return dict(vars(self))


Segment = TextSegment | ImageSegment
SMALLEST = 1e-7
"""Probabilities below this count as this: float32 does not tell them apart from zero near one."""


class MaskableRow(Protocol):
    """One input of a model, cut into segments that can be taken out."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The segments, in reading order."""

    @property
    def groups(self) -> Sequence[range]:
        """Runs of segments that belong together, in order: the sentences of a text.

        They hold every segment once. An image is one group.
        """

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of ``n`` masked inputs.

        Args:
            kept: bool ``[n, segments]``; False takes a segment out.
        """


@dataclass(frozen=True)
class Weights:
    """How much each segment speaks for a label.

    Attributes:
        values: float ``[segments]``; positive speaks for the label, negative against it.
        fidelity: how well the weights describe the model around the row, 1 at best: the weighted
            R² of a line, or 1 less the completeness gap. None where a method has no such measure.
        details: figures of the method's own, as JSON can hold them.
    """

    values: FloatArray
    fidelity: float | None = None
    details: dict[str, Any] = field(default_factory=dict)


class Method(Protocol):
    """A way to explain an answer. ``name`` is what a user writes."""

    name: str
    tasks: tuple[Task, ...]
    """The kinds of rows that it explains."""
    random: bool
    """Whether the weights depend on the seed."""
    needs_gradients: bool
    """Whether it reads the gradients of a network, which only a run has."""

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the weight of each segment of a row for a label.

        Args:
            row: the row, cut into segments.
            label: the position of the label among the model's classes.
            seed: decides what is drawn, if anything is.
        """


def log_odds(probabilities: FloatArray, label: int) -> FloatArray:
    """Returns the log-odds ``[n]`` of one label from probabilities ``[n, classes]``.

    The odds are against the sum of the other classes, which says more than ``1 - p`` in float32.
    """
    p = probabilities.astype(np.float64)
    others = np.delete(p, label, axis=1).sum(axis=1)
    odds = np.log(np.clip(p[:, label], SMALLEST, 1)) - np.log(np.clip(others, SMALLEST, 1))
    return np.asarray(odds, np.float32)
