"""Rows of several sources, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from modelwright.core.types import IntArray, RawInput, Rows
from modelwright.learning.lesson import LessonRows


class JoinedRows:
    """The rows of several sources as one."""

    def __init__(self, parts: Sequence[Rows]) -> None:
        self._parts = parts
        self._starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def take(self, indices: IntArray) -> Any:
        """Returns the rows at ``indices``."""
        owners = np.searchsorted(self._starts, indices, side="right") - 1
        found: Any = None
        for number in np.unique(owners):
            own = owners == number
            rows = np.asarray(self._parts[number].take(indices[own] - self._starts[number]))
            if found is None:
                found = np.zeros((len(indices), *rows.shape[1:]), rows.dtype)
            found[own] = rows
        return self._parts[0].take(indices) if found is None else found

    def raw(self, index: int) -> RawInput:
        """Returns one row as a user would send it."""
        part, position = self._place(index)
        return part.raw(position)

    def origin(self, index: int) -> str:
        """Returns where the row came from."""
        part, position = self._place(index)
        return part.origin(position)

    def _place(self, index: int) -> tuple[Rows, int]:
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._parts[number], index - int(self._starts[number])


def join(parts: Sequence[LessonRows]) -> LessonRows:
    """Returns the rows of all parts, without recorded answers."""
    labels = np.concatenate([part.labels for part in parts])
    return LessonRows(JoinedRows([part.inputs for part in parts]), labels)
