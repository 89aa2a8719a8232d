"""What every reader gives back: rows as found, before cleaning, decoding and splitting.

It does not read, check or change anything; ``load.py`` does that, once, for every reader.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from modelwright.core.types import Rejected, SplitName, Task, UInt8Array

Encoded = Path | bytes
"""A picture that is not decoded yet: its file, or the file's bytes."""

Column: TypeAlias = Any
"""Text of each row: a ``list[str]``, a numpy array of str or a pyarrow array of strings.

A null is allowed and is rejected later, as is an empty text. pyarrow has no types of its own.
"""

Values: TypeAlias = Column | UInt8Array | list[Encoded]


@dataclass(frozen=True)
class Records:
    """The rows of one source.

    Attributes:
        task: What kind of rows they are.
        values: Texts (``Column``), pictures already decoded (uint8 ``[n, h, w, c]``) or
            pictures still encoded (``list[Encoded]``).
        labels: The name of each row's class.
        splits: The given split of each row; None for a row, or for all, where there is none.
        origin: From a row's position to where it came from, for a person: ``train.csv row 17``
            (rows counted as a spreadsheet does: the header is row 1), ``cats/003.png``,
            ``cifar10 train 17``.
        source: What was read, for a person.
        rejected: Rows that could not be read at all and so are not among ``values``.
        label_order: A source's own order of classes; None to sort the names.
        notes: What was decided while reading, for a person.
    """

    task: Task
    values: Values
    labels: Column
    splits: Sequence[SplitName | None] | None
    origin: Callable[[int], str]
    source: str
    rejected: tuple[Rejected, ...] = ()
    label_order: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)
