"""The vocabulary every layer shares: aliases and protocols, no logic."""

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
ImageShape = tuple[int, int, int]
"""Height, width, channels."""

RawInput = str | bytes
"""What a user sends: a text, or the bytes of an encoded picture."""

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all; 0 in all when unknown)."""


class Rows(Protocol):
    """The inputs of one split, in memory or read when asked for."""

    def __len__(self) -> int: ...

    def take(self, indices: IntArray) -> Any:
        """Rows by position: texts as ``list[str]``, pictures as uint8 ``[n, h, w, c]``."""

    def raw(self, index: int) -> RawInput:
        """One row as a user would send it: the text, or the bytes of an encoded picture."""

    def origin(self, index: int) -> str:
        """Where the row came from, for a person: ``train.csv:17`` or ``cats/003.png``."""


@dataclass(frozen=True)
class Split:
    """The rows of one split and their labels, int64 ``[n]`` positions in the label names."""

    inputs: Rows
    labels: IntArray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Rejected:
    """One row that was left out, and why."""

    origin: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Labelled data, split and checked.

    ``fingerprint`` is a sha256 over the sorted content hashes of every row with its label
    and split, so it does not depend on the order of the rows. ``shape`` is that of every
    picture, None for texts. ``notes`` say what was decided for the user. ``unlabelled`` are texts
    without labels, none of which is in a split that is held out.
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

    def counts(self) -> dict[str, int]:
        """Rows in each split."""
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
