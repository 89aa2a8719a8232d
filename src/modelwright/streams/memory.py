"""The rows that a strategy keeps from one lesson to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, IntArray
from modelwright.learning.exemplars import select_rows


@dataclass(frozen=True)
class Memory:
    """Kept rows.

    Attributes:
        chosen: positions among the training rows of the stream, ``[n]``.
        outputs: probabilities that the network gave right after it had learned each row, float32
            ``[n, classes]``. Classes that came later have NaN.
    """

    chosen: IntArray
    outputs: FloatArray

    def __len__(self) -> int:
        return len(self.chosen)


def empty_memory() -> Memory:
    """Returns a memory without rows."""
    return Memory(np.empty(0, np.int64), np.empty((0, 0), np.float32))


def row_limit(keep: float | int, seen: int) -> int:
    """Returns how many rows may be kept: a number of rows, or a share below 1 of the rows seen."""
    return round(keep * seen) if isinstance(keep, float) else min(keep, seen)


def check_keep(keep: float | int, first: IntArray, domain: str, strategies: Sequence[str]) -> None:
    """Checks that rows of the first domain are kept for the strategies that need them.

    Args:
        keep: a number of rows, or a share below 1 of the rows seen.
        first: class of each training row of the first domain, ``[n]``, of at least two classes.
        domain: its name, or those of the classes.
        strategies: names of the strategies that learn from kept rows.

    Raises:
        ConfigError: the share keeps no row.
    """
    if not strategies or row_limit(keep, len(first)):
        return
    share = math.ceil(100 / len(first)) / 100
    raise ConfigError(
        f"'stream.keep' was given {keep}, which keeps none of the {len(first):,} training rows of"
        f" '{domain}', which come first in an order, and {', '.join(strategies)} cannot learn"
        f" without kept rows; expected a share of at least {share} or a number of rows, such as"
        f" keep = {len(np.unique(first))}."
    )


def select(
    memory: Memory, new: IntArray, labels: IntArray, steps: IntArray, limit: int, seed: int
) -> IntArray:
    """Returns which rows to keep, of those kept before and the new ones, as sorted positions.

    Args:
        memory: the rows kept before.
        new: positions of the rows that were just learned.
        labels: class of each training row of the stream.
        steps: the step that brought each of them.
        limit: most rows to keep.
        seed: random seed.
    """
    candidates = np.concatenate([memory.chosen, new])
    picked = select_rows(labels[candidates], steps[candidates], limit, seed=seed)
    return np.sort(candidates[picked])


def remembered(memory: Memory, chosen: IntArray, new: IntArray, outputs: FloatArray) -> Memory:
    """Returns a memory of some rows.

    Args:
        memory: the memory before.
        chosen: sorted positions of the rows to keep, each in ``memory`` or in ``new``.
        new: sorted positions of the kept rows that were just learned.
        outputs: what the network answers to ``new``, ``[len(new), classes]``.
    """
    kept = np.full((len(chosen), outputs.shape[1]), np.nan, np.float32)
    kept[np.isin(chosen, new)] = outputs
    old = np.isin(chosen, memory.chosen)
    before = memory.outputs[np.isin(memory.chosen, chosen)]
    kept[old, : before.shape[1]] = before
    return Memory(chosen, kept)
