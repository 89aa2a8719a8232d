"""The data from which a builder may compute weights before training starts."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.types import FloatArray, IntArray, Progress, Rows


@dataclass(frozen=True)
class AdaptationData:
    """The training rows in the form that the network reads.

    Attributes:
        rows: ``take(indices)`` returns the network's input.
        labels: Class of each row, int64 ``[n]``.
        unlabeled: Texts without labels, in the form of ``rows``; None if there are none.
        progress: Called after each step.
        features: Features of the rows from a pretrained backbone, ``[views, n, d]``; the first view
            are the images themselves. None for networks without one.
        balanced: Whether each class counts alike, whatever its number of rows.
    """

    rows: Rows
    labels: IntArray
    unlabeled: Rows | None = None
    progress: Progress | None = None
    features: FloatArray | None = None
    balanced: bool = False
