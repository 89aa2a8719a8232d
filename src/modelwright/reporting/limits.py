"""How much a page shows, so that the file stays small whatever it is made of."""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.terminal import shorten

MOST_BYTES = 3_000_000
"""Largest file that is written."""


@dataclass(frozen=True)
class Limits:
    """How much a page shows of each kind.

    Attributes:
        rows: rows of a table of classes.
        rejected: rejected rows.
        mistakes: wrong predictions of each evaluation.
        text: columns of a text in the list of mistakes; a Chinese character takes two.
        images: whether mistakes of images are shown.
        whole_label: columns of a label where it is shown whole.
    """

    rows: int = 200
    rejected: int = 50
    mistakes: int = 20
    text: int = 600
    images: bool = True
    whole_label: int = 25_000

    def label(self, label: str) -> str:
        """Returns a label for the table of classes."""
        return shorten(label, self.whole_label)


STEPS = (Limits(), Limits(100, 20, 10, 300, images=False, whole_label=300),
         Limits(20, 5, 5, 80, images=False, whole_label=60))  # fmt: skip
"""What is tried in turn until the file is small enough."""
