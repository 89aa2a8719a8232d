"""Which versions of a model are live: the one rule for the server, `versions` and `rollback`.

Everything here works on version numbers alone. It reads no file and loads no model: the caller
says which versions exist, which are withdrawn, and which of the candidates turn out to be usable.
``version_number`` is the one rule for what a version number is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class VersionPolicy:
    """Which versions a server keeps loaded: the newest ``count``, all, or those in a list."""

    kind: Literal["latest", "all", "specific"] = "latest"
    count: int = 1
    """Number of versions for ``latest``; the other kinds ignore it."""
    versions: tuple[int, ...] = ()
    """Version numbers for ``specific``; the other kinds ignore it."""


LATEST = VersionPolicy()
LARGEST_VERSION = 2**63 - 1
"""TensorFlow Serving's messages hold a version as a signed 64-bit integer."""
_LONGEST_NAME = 255


def version_number(name: str) -> int | None:
    """Returns the version that a folder's name stands for, None for any other name.

    A version's name has only the digits 0 to 9. It may begin with zeros, as for TensorFlow
    Serving. A sign, digits of other scripts and numbers above ``LARGEST_VERSION`` make no version.

    >>> [version_number(name) for name in ("7", "007", "+7", "-7", "７", str(2**63))]
    [7, 7, None, None, None, None]
    """
    if not (name.isascii() and name.isdigit()) or len(name) > _LONGEST_NAME:
        return None
    number = int(name)
    return number if number <= LARGEST_VERSION else None


class VersionSelection:
    """Offers the candidates of a model one by one until enough of them are usable.

    Iterate over it, try each number, and call ``accept`` for each version that works. The
    iteration stops by itself when the policy is satisfied.

    >>> selection = VersionSelection([1, 2, 3, 4], withdrawn=[4])
    >>> for number in selection:
    ...     if number != 3:  # version 3 is damaged
    ...         selection.accept(number)
    >>> selection.accepted, selection.live
    ((2,), 2)
    """

    def __init__(
        self,
        existing: Iterable[int],
        withdrawn: Collection[int] = (),
        policy: VersionPolicy = LATEST,
    ) -> None:
        """Put the candidates in order: the newest first, or as a ``specific`` list has them.

        A ``specific`` list ignores ``withdrawn``: who names a version wants that version.
        """
        numbers = set(existing)
        if policy.kind == "specific":
            self.candidates = tuple(number for number in policy.versions if number in numbers)
        else:
            self.candidates = tuple(sorted(numbers.difference(withdrawn), reverse=True))
        self._wanted = policy.count if policy.kind == "latest" else len(self.candidates)
        self._accepted: list[int] = []

    def __iter__(self) -> Iterator[int]:
        for number in self.candidates:
            if len(self._accepted) >= self._wanted:
                return
            yield number

    def accept(self, number: int) -> None:
        """Counts a candidate as usable."""
        self._accepted.append(number)

    @property
    def accepted(self) -> tuple[int, ...]:
        """The usable versions, in the order in which they were tried."""
        return tuple(self._accepted)

    @property
    def live(self) -> int | None:
        """The version that answers a request without a version; None if none is usable."""
        return max(self._accepted, default=None)


def live_version(
    existing: Iterable[int], withdrawn: Collection[int] = (), unusable: Collection[int] = ()
) -> int | None:
    """Returns the version that a server without a model config answers with.

    Args:
        existing: the numbers of all versions in the model's folder.
        withdrawn: the versions that a rollback took back.
        unusable: the versions whose files are damaged or incomplete.

    >>> live_version([1, 2, 3], withdrawn=[3])
    2
    """
    selection = VersionSelection(existing, withdrawn)
    for number in selection:
        if number not in unusable:
            selection.accept(number)
    return selection.live
