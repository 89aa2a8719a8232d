"""What a builder may compute weights from before the first step."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.types import IntArray, Progress, Rows


@dataclass(frozen=True)
class Given:
    """The training rows as the network reads them.

    Attributes:
        rows: ``take(indices)`` gives the network's input.
        labels: positions of the classes, int ``[n]``.
        unlabelled: as ``rows``, of texts without labels; None where there are none.
        progress: told of each step.
    """

    rows: Rows
    labels: IntArray
    unlabelled: Rows | None = None
    progress: Progress | None = None
