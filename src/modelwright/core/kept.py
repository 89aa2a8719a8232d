"""What is kept in memory between trainings of one process, so that it is computed once.

Nothing is kept outside of ``kept_between_trainings``::

    with kept_between_trainings(512):
        train(…)
        train(…)  # does not read the same rows again, nor learn their vocabulary

What was used last is kept, as far as the sizes allow. A kept value is shared, so nobody may change
it. Whether files have changed is a question for ``data/kept_data.py``.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from modelwright.core.hardware import detect

Value = TypeVar("Value")

_SHARE = 4
_USUAL_MEMORY_MIB = 4096
"""Taken where the system does not tell how much memory there is."""


class KeptValues:
    """Values with their sizes in bytes, the one that was used last at the end."""

    def __init__(self, most: int) -> None:
        """Takes the largest sum of sizes in bytes."""
        self._most, self._values = most, OrderedDict[Hashable, tuple[Any, int]]()

    @property
    def mib(self) -> float:
        """The sum of the sizes in MiB."""
        return sum(size for _, size in self._values.values()) / 2**20

    def find(self, key: Hashable) -> Any | None:
        """Returns a kept value, or None."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def keep(self, key: Hashable, value: Any, size: int) -> None:
        """Keeps a value, and drops those that were not used for the longest time."""
        self.drop(key)
        self._values[key] = value, size
        while self.mib * 2**20 > self._most:
            self._values.popitem(last=False)

    def drop(self, key: Hashable) -> None:
        """Keeps a value no longer."""
        self._values.pop(key, None)


_current: ContextVar[KeptValues | None] = ContextVar("kept", default=None)


@contextmanager
def kept_between_trainings(mib: int) -> Iterator[KeptValues]:
    """Keeps at most ``mib`` MiB of what trainings in the block have in common."""
    values = KeptValues(mib * 2**20)
    token = _current.set(values)
    try:
        yield values
    finally:
        _current.reset(token)


def usual_room_mib(processes: int = 1) -> int:
    """Returns the MiB that each of several processes may keep: together a quarter of the memory."""
    return (detect().memory_mib or _USUAL_MEMORY_MIB) // (_SHARE * processes)


def kept_values() -> KeptValues | None:
    """Returns the kept values; None outside of ``kept_between_trainings``."""
    return _current.get()


def computed_once(
    key: Hashable,
    owners: Sequence[object],
    compute: Callable[[], Value],
    size: Callable[[Value], int],
) -> Value:
    """Returns what was computed before for the same objects, or computes it.

    Args:
        key: everything else that the value depends on.
        owners: the objects, such as the rows of a kept source. A value is not used for others.
        compute: returns the value.
        size: returns its size in bytes.
    """
    values = _current.get()
    if values is None:
        return compute()
    full_key = (key, tuple(map(id, owners)))
    if found := values.find(full_key):
        references, value = found
        if all(one() is owner for one, owner in zip(references, owners, strict=True)):
            known: Value = value
            return known
    computed = compute()
    try:
        references = tuple(weakref.ref(owner) for owner in owners)
    except TypeError:  # a plain list
        return computed
    values.keep(full_key, (references, computed), size(computed))
    return computed
