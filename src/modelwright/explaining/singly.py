"""Weighs the segments of a row one by one, and those of a long text by sentences first.

A text of more than ``MOST`` segments is asked about with each sentence first, and then with each
segment of the sentences that matter most. The segments of the other sentences share what their
sentence weighs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.types import BoolArray, FloatArray, Task
from modelwright.explaining.method import MaskableRow, Weights, log_odds

MOST = 400
"""Largest number of segments that are each asked about, and of sentences."""
_OPENED = 200
"""Number of segments of the sentences that are looked into, if the text has more than ``MOST``."""

Effects = Callable[[MaskableRow, int, Sequence[range]], FloatArray]
"""Returns what each block of a row's segments does to the log-odds of a label."""


@dataclass(frozen=True)
class SinglyWeighed:
    """A method that asks about each segment by itself.

    Attributes:
        effects: what a block of segments does, such as ``falls``.
    """

    name: str
    effects: Effects
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = False
    needs_gradients: bool = False

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the effect of each segment; ``seed`` decides nothing."""
        count = len(row.segments)
        if count <= MOST:
            return Weights(self.effects(row, label, [range(at, at + 1) for at in range(count)]))
        blocks = _at_most(row.groups, MOST, count)
        found = self.effects(row, label, blocks)
        sizes = np.array([len(block) for block in blocks])
        values = np.repeat(found / sizes, sizes)
        opened = _most_important(found, blocks)
        singles = [range(at, at + 1) for block in opened for at in block]
        values[[single.start for single in singles]] = self.effects(row, label, singles)
        return Weights(
            values.astype(np.float32),
            details={"blocks": len(blocks), "opened": len(opened), "segments_alone": len(singles)},
        )


def falls(row: MaskableRow, label: int, blocks: Sequence[range]) -> FloatArray:
    """Returns how far the log-odds fall without each block of segments, float32 ``[blocks]``."""
    odds = _odds(row, label, blocks, alone=False)
    return np.asarray(odds[0] - odds[1:], np.float32)


def rises(row: MaskableRow, label: int, blocks: Sequence[range]) -> FloatArray:
    """Returns how far the log-odds of the empty row rise with each block, float32 ``[blocks]``."""
    odds = _odds(row, label, blocks, alone=True)
    return np.asarray(odds[1:] - odds[0], np.float32)


def _odds(row: MaskableRow, label: int, blocks: Sequence[range], *, alone: bool) -> FloatArray:
    """Returns the log-odds with no block changed, then with each block alone or left out."""
    kept: BoolArray = np.full((len(blocks) + 1, len(row.segments)), not alone)
    for position, block in enumerate(blocks):
        kept[position + 1, block.start : block.stop] = alone
    return log_odds(row.answer(kept), label)


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


def _most_important(effects: FloatArray, blocks: Sequence[range]) -> list[range]:
    """Returns the blocks that weigh most, in order, with at most ``_OPENED`` segments or one."""
    opened: list[range] = []
    for position in np.argsort(-np.abs(effects), kind="stable"):
        block = blocks[int(position)]
        if opened and sum(map(len, opened)) + len(block) > _OPENED:
            break
        opened.append(block)
    return sorted(opened, key=lambda block: block.start)
