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
        soft_labels: Class probabilities of ``unlabeled``, float32 ``[n, classes]``; None if they
            have none.
        progress: Called after each step.
    """

    rows: Rows
    labels: IntArray
    unlabeled: Rows | None = None
    soft_labels: FloatArray | None = None
    progress: Progress | None = None
