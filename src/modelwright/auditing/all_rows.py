"""All rows of a data set, of every split, in the order of their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.folds import number_copies
from modelwright.core.types import Dataset, IntArray, Rows, Split, Task
from modelwright.data.digests import Digests
from modelwright.data.dropped_rows import hex_digests
from modelwright.data.rows import file_of, pool_rows, source_order

_EXCERPT = 100


@dataclass(frozen=True)
class AllRows:
    """The rows of a data set, ``n`` of them.

    Attributes:
        task: the kind of rows.
        inputs: the rows.
        labels: position of each row's class in ``names``, int64 ``[n]``.
        names: names of the classes.
        digests: content hashes, ``[n, 2]``.
        splits: the split of each row.
        copies: the group of each row, ``[n]``; rows with the same content share one.
    """

    task: Task
    inputs: Rows
    labels: IntArray
    names: tuple[str, ...]
    digests: Digests
    splits: tuple[str, ...]
    copies: IntArray

    def __len__(self) -> int:
        return len(self.labels)

    def select(self, rows: IntArray) -> Split:
        """Returns some rows as a split."""
        return Split(pool_rows([self.inputs], rows), self.labels[rows], self.digests[rows])

    def label(self, row: int) -> str:
        """Returns the name of a row's class."""
        return self.names[int(self.labels[row])]

    def digest(self, row: int) -> str:
        """Returns the content hash of a row, 32 hexadecimal digits."""
        return hex_digests(self.digests[row : row + 1])[0]

    def texts(self, rows: Sequence[int]) -> list[str]:
        """Returns the texts of some rows; empty texts for images."""
        if self.task != "text":
            return [""] * len(rows)
        found: list[str] = self.inputs.take(np.asarray(rows, np.int64))
        return found

    def file(self, row: int) -> Path | None:
        """Returns the file of an image; None for other rows."""
        return file_of(self.inputs, row)


def pool_splits(data: Dataset) -> AllRows:
    """Returns the rows of all splits."""
    named = list(data.splits.items())
    parts = [split.inputs for _, split in named]
    order = source_order(parts)
    digests = np.concatenate([split.digests for _, split in named if split.digests is not None])
    splits = np.concatenate([np.full(len(split), name, object) for name, split in named])
    digests = digests[order]
    copies = number_copies(digests)
    return AllRows(
        task=data.task,
        inputs=pool_rows(parts, order),
        labels=np.concatenate([split.labels for _, split in named])[order],
        names=data.labels,
        digests=digests,
        splits=tuple(splits[order].tolist()),
        copies=np.arange(len(order)) if copies is None else copies,
    )


def excerpt(text: str, width: int = _EXCERPT) -> str:
    """Returns the beginning of a text on one line."""
    flat = " ".join(text[: 4 * width].split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}…"
