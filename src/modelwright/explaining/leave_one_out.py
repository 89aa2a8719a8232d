"""Leave-one-out: how far the log-odds fall when one segment is taken out.

It draws nothing, so it gives the same weights each time. A text of more than ``MOST`` segments is
answered without each sentence first, and then without each segment of the sentences that matter
most. The segments of the other sentences share what their sentence weighs.

Source: Li, Monroe and Jurafsky 2016, "Understanding Neural Networks through Representation
Erasure", arXiv:1612.08220.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.types import BoolArray, FloatArray, Task
from modelwright.explaining.method import MaskableRow, Weights, log_odds

MOST = 400
"""Largest number of segments that are each taken out, and of sentences."""
_OPENED = 200
"""Number of segments of the sentences that are looked into, if the text has more than ``MOST``."""


@dataclass(frozen=True)
class LeaveOneOut:
    """Takes out each segment in turn."""

    name: str = "leave-one-out"
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = False
    needs_gradients: bool = False

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the fall of the log-odds without each segment; ``seed`` decides nothing."""
        count = len(row.segments)
        if count <= MOST:
            each = [range(at, at + 1) for at in range(count)]
            return Weights(falls(row, label, each))
        blocks = _at_most(row.groups, MOST, count)
        found = falls(row, label, blocks)
        sizes = np.array([len(block) for block in blocks])
        values = np.repeat(found / sizes, sizes)
        opened = _most_important(found, blocks)
        singles = [range(at, at + 1) for block in opened for at in block]
        values[[single.start for single in singles]] = falls(row, label, singles)
        return Weights(
            values.astype(np.float32),
            details={"blocks": len(blocks), "opened": len(opened), "segments_alone": len(singles)},
        )


def falls(row: MaskableRow, label: int, blocks: Sequence[range]) -> FloatArray:
    """Returns how far the log-odds fall without each block of segments, float32 ``[blocks]``."""
    kept: BoolArray = np.ones((len(blocks) + 1, len(row.segments)), bool)
    for position, block in enumerate(blocks):
        kept[position + 1, block.start : block.stop] = False
    odds = log_odds(row.answer(kept), label)
    return np.asarray(odds[0] - odds[1:], np.float32)


def _at_most(groups: Sequence[range], most: int, count: int) -> list[range]:
    """Returns groups of similar size, at most ``most``: long ones are cut, short ones joined."""
    size = max(1, round(count**0.5))
    pieces = [
        range(start, min(start + size, group.stop))
        for group in groups
        for start in range(group.start, group.stop, size)
    ]
    while len(pieces) > most:
        pieces = [
            range(pieces[at].start, pieces[min(at + 1, len(pieces) - 1)].stop)
            for at in range(0, len(pieces), 2)
        ]
    return pieces


def _most_important(falls: FloatArray, blocks: Sequence[range]) -> list[range]:
    """Returns the blocks that weigh most, in order, with at most ``_OPENED`` segments or one."""
    opened: list[range] = []
    for position in np.argsort(-np.abs(falls), kind="stable"):
        block = blocks[int(position)]
        if opened and sum(map(len, opened)) + len(block) > _OPENED:
            break
        opened.append(block)
    return sorted(opened, key=lambda block: block.start)


METHOD = LeaveOneOut()
