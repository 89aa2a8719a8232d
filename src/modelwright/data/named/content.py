"""The rows of a named set as they stand in memory, and the sum that tells whether they are right.

The sum does not depend on the order of the rows, on the layout of the files or on where
they came from. For one row it is the sha256 of the label, a zero byte, the category with a zero
byte where the set has categories, and the content: a text as UTF-8 with every run of white
space made one blank and none at its ends, a picture as its uint8 pixels, row by row, channels
last. For a split it is the sha256 of its rows' sums (32 bytes each), sorted and joined.

It reads and writes no files and knows no set by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelwright.core.types import UInt8Array

PartName = Literal["train", "test", "all"]
"""``all`` is a set whose authors did not split it."""


@dataclass(frozen=True)
class Part:
    """The rows of one split.

    ``values`` are texts or pictures, uint8 ``[n, h, w, c]``; ``labels`` the name of each row's
    class; ``categories`` a second label that a text set may have, empty where it has none.
    """

    values: Sequence[str] | UInt8Array
    labels: Sequence[str]
    categories: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, label: str) -> Part:
        """Its rows of one class."""
        chosen = [row for row, name in enumerate(self.labels) if name == label]
        values = self.values
        return Part(
            values[chosen] if isinstance(values, np.ndarray) else [values[row] for row in chosen],
            [label] * len(chosen),
            [self.categories[row] for row in chosen] if self.categories else (),
        )


Content = dict[PartName, Part]


def fingerprint(part: Part) -> str:
    """The sum of one split, hexadecimal; the module says how it is defined."""
    return _joined(
        hashlib.sha256(head + body).digest()
        for head, body in zip(_heads(part), _bodies(part.values), strict=True)
    )


def _joined(digests: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _heads(part: Part) -> Iterable[bytes]:
    if not part.categories:
        return (label.encode() + b"\0" for label in part.labels)
    pairs = zip(part.labels, part.categories, strict=True)
    return (label.encode() + b"\0" + category.encode() + b"\0" for label, category in pairs)


def _bodies(values: Sequence[str] | UInt8Array) -> Iterable[bytes]:
    if isinstance(values, np.ndarray):
        return (picture.tobytes() for picture in values)
    return (" ".join(text.split()).encode(errors="surrogatepass") for text in values)
