"""Explains single inputs of one model with one method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.terminal import percent
from modelwright.core.types import FloatArray, RawInput
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.explaining.explanation import (
    DrawnImage,
    Explanation,
    WeightedSegment,
    no_heat,
)
from modelwright.explaining.image_row import ImageRow
from modelwright.explaining.method import Method, Segment, Weights
from modelwright.explaining.quality import STILL, measure_quality
from modelwright.explaining.text_row import TextRow

TOP = 3
"""Number of labels that are shown with their probabilities."""

Row = TextRow | ImageRow


@dataclass(frozen=True)
class Explainer:
    """One model and one method.

    Attributes:
        model: what is explained.
        method: how.
        seed: decides what the method draws.
        words: what cuts Chinese into words; see ``word_cutters``.
    """

    model: ExplainedModel
    method: Method
    seed: int = 0
    words: str = "auto"

    def row(self, given: RawInput | Path, position: int = 0) -> Row:
        """Returns an input, cut into segments that can be taken out.

        Args:
            given: a text, or an image as a path or as the bytes of an encoded file.
            position: its position among the inputs, for messages.

        Raises:
            DataError: the model cannot take the input, or there is nothing to explain in it.
        """
        checked = self.model.predictor.checked(given, position)
        if self.model.predictor.manifest.task == "image":
            return ImageRow(self.model, checked)
        try:
            return TextRow(self.model, str(checked), self.words)
        except DataError as error:
            raise DataError(f"input {position + 1} cannot be explained: {error}") from None

    def explain(
        self, given: RawInput | Path, label: str | None = None, position: int = 0
    ) -> Explanation:
        """Explains one input.

        Args:
            given: a text, or an image as a path or as the bytes of an encoded file.
            label: the label to explain; the most probable one by default.
            position: its position among the inputs, for messages.

        Raises:
            ConfigError: the model has no such label.
            DataError: the model cannot take the input, or there is nothing to explain in it.
        """
        wanted = None if label is None else self.model.label_position(label)
        row = self.row(given, position)
        everything = np.array([[True], [False]]).repeat(len(row.segments), axis=1)
        whole, nothing = row.answer(everything)
        chosen = int(whole.argmax()) if wanted is None else wanted
        weights = self.method.weigh(row, chosen, self.seed)
        moves = float(np.abs(weights.values).max(initial=0)) > STILL
        notes = row.notes() + _method_notes(weights)
        if not moves:
            notes.append(_still_note(self.model.labels[chosen], whole[chosen], nothing[chosen]))
        ranked = np.argsort(-whole, kind="stable")[:TOP]
        segments: Sequence[Segment] = row.segments
        pairs = zip(segments, weights.values, strict=True)
        return Explanation(
            input=_name(given, position),
            label=self.model.labels[chosen],
            probability=float(whole[chosen]),
            method=self.method.name,
            segments=tuple(WeightedSegment(one, float(w)) for one, w in pairs) if moves else (),
            quality=(
                measure_quality(self.method, row, chosen, self.seed, weights) if moves else None
            ),
            top=tuple((self.model.labels[at], float(whole[at])) for at in ranked),
            notes=tuple(notes),
            details=weights.details,
            drawn=_drawn(row, weights.values, moves=moves),
        )


def _method_notes(weights: Weights) -> list[str]:
    blocks = weights.details.get("blocks")
    if blocks is None:
        return []
    return [
        f"the text is long: {blocks:,} sentences or parts of them were taken out first, and single"
        f" segments only in the {weights.details['opened']:,} that matter most; elsewhere the"
        " segments share the weight of their sentence"
    ]


def _still_note(label: str, whole: float, nothing: float) -> str:
    """Returns what to say of a row in which no segment moves the probability."""
    if abs(float(whole) - float(nothing)) < STILL:
        return (
            f"the probability of {label} stays at {percent(float(whole))} whatever is taken out,"
            " so no segment has a weight"
        )
    return (
        f"no segment moves the probability of {label} by itself; without all of them it goes from"
        f" {percent(float(whole))} to {percent(float(nothing))}. Try another --method"
    )


def _name(given: RawInput | Path, position: int) -> str:
    if isinstance(given, bytes):
        return f"image {position + 1}"
    return str(given)


def _drawn(row: Row, values: FloatArray, *, moves: bool) -> DrawnImage | None:
    if not isinstance(row, ImageRow):
        return None
    return DrawnImage(row.image, row.heat(values) if moves else no_heat(row.grid))
