"""Which rows trained a model, known by hashes: none is measured as new, none is learned twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwright.core.types import BoolArray, IntArray
from modelwright.data.digests import Digests
from modelwright.updating.row_store import seen_among


@dataclass(frozen=True)
class SeenRows:
    """Hashes of rows that trained.

    Attributes:
        marks: uint64 ``[n, 3]``, no two alike: a number of a row's content, one of its content
            together with its label, and the version of the model that learned it.
    """

    marks: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.marks)

    def __add__(self, other: SeenRows) -> SeenRows:
        return SeenRows(np.unique(np.concatenate([self.marks, other.marks]), axis=0))

    def has(self, digests: Digests) -> BoolArray:
        """Returns whether the content of each row trained, under any label."""
        return seen_among(digests, self.marks[:, 0])

    def has_labeled(self, digests: Digests, labels: IntArray, names: Sequence[str]) -> BoolArray:
        """Returns whether the content of each row trained under the same label."""
        return np.isin(_labeled(digests, labels, names), self.marks[:, 1])

    def of_versions(self, versions: Sequence[int]) -> SeenRows:
        """Returns the rows that some versions learned."""
        return SeenRows(self.marks[np.isin(self.marks[:, 2], np.array(versions, np.uint64))])


def no_rows() -> SeenRows:
    """Returns the hashes of no rows."""
    return SeenRows(np.zeros((0, 3), np.uint64))


def seen_rows(
    digests: Digests | None, labels: IntArray, names: Sequence[str], version: int
) -> SeenRows:
    """Returns the hashes of rows; of none if they were not read from data.

    Args:
        digests: content hashes, ``[n, 2]``.
        labels: positions in ``names``, ``[n]``.
        names: the classes. The hashes depend on their names and not on their positions.
        version: the version of the model that learned them.
    """
    if digests is None:
        return no_rows()
    columns = (
        digests[:, 0],
        _labeled(digests, labels, names),
        np.full_like(digests[:, 0], version),
    )
    return SeenRows(np.unique(np.stack(columns, axis=1), axis=0))


def _labeled(digests: Digests, labels: IntArray, names: Sequence[str]) -> npt.NDArray[np.uint64]:
    hashed = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    of_names = np.frombuffer(b"".join(hashed), "<u8").astype(np.uint64)
    found: npt.NDArray[np.uint64] = digests[:, 1] ^ of_names[labels]
    return found
