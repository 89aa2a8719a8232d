"""The data from which a builder may compute weights before training starts."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.types import BoolArray, FloatArray, IntArray, Progress, Rows


@dataclass(frozen=True)
class AdaptationData:
    """The training rows in the form that the network reads.

    Attributes:
        rows: ``take(indices)`` returns the network's input.
        labels: Class of each row, int64 ``[n]``.
        unlabeled: Texts without labels, in the form of ``rows``; None if there are none.
        soft_labels: Class probabilities of ``unlabeled``, float32 ``[n, classes]``; None if they
            have none.
        characters: Whether each token id is a character of a text, not a word, ``[ids]``; None for
            images.
        row_weights: Weight of each row in the loss, ``[n]``; None for equal weights.
        progress: Called after each step.
        features: Features of the rows from a pretrained backbone, ``[views, n, d]``; the first view
            are the images themselves. None for networks without one.
        decay: Factor for the weight of an n-gram for each token beyond the first; None to find it
            from ``characters``.
        copies: Group of each row, ``[n]``, where copies of a row share one; None without copies.
        started: Whether the network has the weights of another model, which the rows adapt.
    """

    rows: Rows
    labels: IntArray
    unlabeled: Rows | None = None
    soft_labels: FloatArray | None = None
    characters: BoolArray | None = None
    row_weights: FloatArray | None = None
    progress: Progress | None = None
    features: FloatArray | None = None
    copies: IntArray | None = None
    decay: float | None = None
    started: bool = False
