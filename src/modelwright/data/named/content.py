"""The rows of a named set in memory, and the checksum that tells whether they are right.

The checksum does not depend on the order of the rows, the layout of the files or their origin. For
one row it is the sha256 of the label, a zero byte, the category with a zero byte if the set has
categories, and the content. The content of a text is its UTF-8, with every run of white space
replaced by one blank and none at its ends. The content of an image is its uint8 pixels, row by
row, channels last. For a split it is the sha256 of the sorted and joined checksums of its rows
(32 bytes each).

It reads and writes no files and knows no particular set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from modelwright.core.types import UInt8Array

PartName = Literal["train", "test", "all"]
"""``all`` is for a set whose authors did not split it."""


@dataclass(frozen=True)
class Part:
    """The rows of one split.

    Attributes:
        values: Texts, or images uint8 ``[n, h, w, c]``.
        labels: Name of the class of each row.
        categories: Second label of each row; empty for sets without one.
    """

    values: Sequence[str] | UInt8Array
    labels: Sequence[str]
    categories: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def with_label(self, label: str) -> Part:
        """Returns the rows of one class."""
        chosen = [row for row, name in enumerate(self.labels) if name == label]
        values = self.values
        return Part(
            values[chosen] if isinstance(values, np.ndarray) else [values[row] for row in chosen],
            [label] * len(chosen),
            [self.categories[row] for row in chosen] if self.categories else (),
        )


Content = dict[PartName, Part]


def fingerprint_part(part: Part) -> str:
    """Returns the checksum of one split, hexadecimal, as the module defines it."""
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
        return (image.tobytes() for image in values)
    return (" ".join(text.split()).encode(errors="surrogatepass") for text in values)
