"""One explanation: an input, a label, and the weight of each segment for that label."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, UInt8Array
from modelwright.explaining.method import Segment
from modelwright.explaining.quality import Quality


@dataclass(frozen=True)
class WeightedSegment:
    """A segment, and how much it speaks for the label; below 0 against it, in log-odds."""

    segment: Segment
    weight: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**self.segment.to_dict(), "weight": self.weight}


@dataclass(frozen=True)
class DrawnImage:
    """What a plot of an explained image needs.

    Attributes:
        image: the upright image as it was given, uint8 ``[height, width, channels]``.
        heat: the weight of each cell, float32 ``[down, across]``; zeros if nothing moves.
    """

    image: UInt8Array
    heat: FloatArray


@dataclass(frozen=True)
class Explanation:
    """Why a model gives an input a label.

    Attributes:
        input: the text, or the name of the image.
        label: the explained label.
        probability: its probability.
        method: the method's name.
        segments: in reading order; empty where the probability does not move.
        quality: how far the weights are true; None where the probability does not move.
        top: the most probable labels with their probabilities.
        notes: what a reader must know of this explanation.
        drawn: of an image, what a plot needs.
    """

    input: str
    label: str
    probability: float
    method: str
    segments: tuple[WeightedSegment, ...]
    quality: Quality | None
    top: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    drawn: DrawnImage | None = None

    @property
    def text(self) -> str | None:
        """The explained text; None for an image."""
        return None if self.drawn else self.input

    def strongest(self, count: int, *, against: bool = False) -> list[WeightedSegment]:
        """Returns the segments that speak most for the label, or against it."""
        sign = -1.0 if against else 1.0
        ranked = sorted(self.segments, key=lambda one: -sign * one.weight)
        return [one for one in ranked[:count] if sign * one.weight > 0]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        quality = self.quality.to_dict() if self.quality else _still(self.probability)
        return {
            "input": self.input,
            "label": self.label,
            "probability": self.probability,
            "method": self.method,
            "segments": [one.to_dict() for one in self.segments],
            "faithfulness": {**quality, "notes": list(self.notes), **self.details},
            "error": None,
        }


def failed_record(name: str, reason: str) -> dict[str, Any]:
    """Returns the JSON of an input that has no explanation."""
    nothing = dict.fromkeys(("label", "probability", "method", "segments", "faithfulness"))
    return {"input": name, **nothing, "error": reason}


def no_heat(grid: tuple[int, int]) -> FloatArray:
    """Returns the map of an image whose probability does not move."""
    return np.zeros(grid, np.float32)


def _still(probability: float) -> dict[str, Any]:
    """Returns the JSON of the quality where the probability does not move."""
    unmoved = Quality(
        fidelity=None,
        stability=1.0,
        seeds=1,
        named=(),
        probability=probability,
        probability_without=probability,
        probability_without_random=None,
    )
    return {**unmoved.to_dict(), "stability": None}
