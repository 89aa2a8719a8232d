"""What a method of explanation gets and what it returns.

A method sees a row only as segments that can be taken out, and a model that answers the row without
some of them. So each method explains texts and images alike, of any engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray

BoolArray = npt.NDArray[np.bool_]


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


class MaskableRow(Protocol):
    """One input of a model, cut into segments that can be taken out."""

    @property
    def segments(self) -> Sequence[Segment]:
        """The segments, in reading order."""

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
    random: bool
    """Whether the weights depend on the seed."""

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the weight of each segment of a row for a label.

        Args:
            row: the row, cut into segments.
            label: the position of the label among the model's classes.
            seed: decides what is drawn, if anything is.
        """


def log_odds(probabilities: FloatArray, label: int) -> FloatArray:
    """Returns the log-odds ``[n]`` of one label from probabilities ``[n, classes]``."""
    p = np.clip(probabilities[:, label].astype(np.float64), 1e-7, 1 - 1e-7)
    return np.asarray(np.log(p) - np.log1p(-p), np.float32)
