"""Joins pairs of rows that are alike into groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class DuplicateGroup:
    """Rows that are alike.

    Attributes:
        kind: ``exact`` if all have the same content, else ``near``.
        rows: their positions, sorted.
        similarity: the lowest similarity of the pairs that join them, 0 to 1; 1 for exact ones.
    """

    kind: str
    rows: tuple[int, ...]
    similarity: float


class Components:
    """Sets of positions, joined pair by pair."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, row: int) -> int:
        """Returns the position that stands for the set of a row."""
        while self._parent[row] != row:
            self._parent[row] = self._parent[self._parent[row]]
            row = self._parent[row]
        return row

    def join(self, first: int, second: int) -> None:
        """Joins the sets of two rows."""
        one, other = sorted((self.find(first), self.find(second)))
        self._parent[other] = one


def join_pairs(
    count: int, pairs: Iterable[tuple[int, int, float]]
) -> list[tuple[tuple[int, ...], float]]:
    """Returns the groups that pairs form, each with the lowest similarity of its pairs.

    Args:
        count: number of rows.
        pairs: two positions and their similarity.
    """
    known = list(pairs)
    components = Components(count)
    for first, second, _ in known:
        components.join(first, second)
    members: dict[int, set[int]] = {}
    lowest: dict[int, float] = {}
    for first, second, similarity in known:
        root = components.find(first)
        members.setdefault(root, set()).update((first, second))
        lowest[root] = min(lowest.get(root, 1.0), similarity)
    return [(tuple(sorted(members[root])), lowest[root]) for root in sorted(members)]
