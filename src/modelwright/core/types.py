"""Types that all layers share: aliases and protocols, no logic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Task = Literal["image", "text"]
SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "val", "test")

UInt8Array = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
ImageShape = tuple[int, int, int]
"""Height, width, channels."""

RawInput = str | bytes
"""Input of a user: a text, or the bytes of an image file."""

Progress = Callable[[str, int, int], None]
"""Called with (name of the activity, steps done, total steps or 0 if the total is unknown)."""


class Rows(Protocol):
    """The inputs of one split, in memory or read when needed."""

    def __len__(self) -> int: ...

    def take(self, indices: IntArray) -> Any:
        """Returns rows by position: texts as ``list[str]``, images as uint8 ``[n, h, w, c]``."""

    def raw(self, index: int) -> RawInput:
        """Returns one row as a user would send it: the text, or the bytes of an image file."""

    def origin(self, index: int) -> str:
        """Returns where the row came from, for messages: ``train.csv row 17``, ``cats/003.png``."""


@dataclass(frozen=True)
class Split:
    """The rows of one split.

    Attributes:
        inputs: The rows.
        labels: Positions in the label names, int64 ``[n]``.
        digests: Content hashes, uint64 ``[n, 2]``; None for rows that were not read from data.
    """

    inputs: Rows
    labels: IntArray
    digests: npt.NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Rejected:
    """One rejected row, and why it was rejected."""

    origin: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Labeled data, split and checked.

    Attributes:
        task: The kind of rows.
        labels: Names of the classes.
        splits: The rows of each split.
        fingerprint: sha256 over the sorted content hashes of all rows with their labels and
            splits. It does not depend on the order of the rows.
        source: Name of the source, for messages.
        rejected: The rejected rows.
        shape: Shape of every image; None for texts.
        notes: Decisions made for the user.
        unlabelled: Texts without labels. None of them is in a held-out split.
        dropped: The lists of rows that were left out, with their sha256 and counts; None without
            such a list.
    """

    task: Task
    labels: tuple[str, ...]
    splits: Mapping[SplitName, Split]
    fingerprint: str
    source: str
    rejected: tuple[Rejected, ...] = ()
    shape: ImageShape | None = None
    notes: tuple[str, ...] = ()
    unlabelled: Rows | None = None
    dropped: Mapping[str, Any] | None = None

    def counts(self) -> dict[str, int]:
        """Returns the number of rows of each split."""
        return {name: len(split) for name, split in self.splits.items()}


class Engine(Protocol):
    """A loaded engine of a servable: raw inputs in, probabilities out."""

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of one prepared row: ``(length,)`` or ``(h, w, c)``."""

    @property
    def takes_padded_rows(self) -> bool:
        """Whether ``run`` takes texts that are padded at the end with 0."""

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of raw inputs, in order."""

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Returns prepared rows: ids int32 ``[n, m]`` or pixels uint8 ``[n, h, w, c]``."""

    def run(self, rows: Any) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of prepared rows."""
