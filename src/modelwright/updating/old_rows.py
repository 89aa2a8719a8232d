"""What is left of the rows that a model learned: from its memory, or from the data itself.

The memory is filled at the first update, from the data of the training. Nothing is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import DataError
from modelwright.core.types import IntArray, Progress, Rows, Split
from modelwright.data.splits import TEST, TRAIN, VAL
from modelwright.learning.lesson import State
from modelwright.runs.rows import reload_data
from modelwright.updating.base_model import BaseModel, ancestors
from modelwright.updating.memory import Memory, choose_kept, choose_positions, read_memory
from modelwright.updating.read_source import SourceRows, read_source
from modelwright.updating.row_store import StoredRows, join_rows, seen_among, store_split
from modelwright.updating.seen_rows import SeenRows, seen_rows
from modelwright.updating.settings import UpdateSettings

FEW = 2_000
"""Rows of the training that a version keeps in its own data where no memory keeps any."""
_SIDES = {"train": TRAIN, "val": VAL, "test": TEST}


@dataclass(frozen=True)
class OldRows:
    """The rows of all that was learned before.

    Attributes:
        stored: examples that trained, and held-out rows.
        seen: hashes of the rows that trained.
        held_out: first numbers of the content hashes of the held-out rows.
        inputs: all rows that trained, where they can be had.
        labels: their labels.
        states: what each strategy remembers of them.
        notes: where they come from.
        origins: what made each version that brought them, as the memory knows it.
    """

    stored: StoredRows
    seen: SeenRows
    held_out: npt.NDArray[np.uint64]
    inputs: Rows | None = None
    labels: IntArray | None = None
    states: Mapping[str, State] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    origins: Mapping[int, str] = field(default_factory=dict)

    @property
    def judged_side(self) -> int:
        """The side whose rows the gate judges: test rows, or validation rows without any."""
        return TEST if (self.stored.sides == TEST).any() else VAL

    def without_examples(self, corrected: StoredRows) -> OldRows:
        """Returns the rows without examples whose content trains anew, under a corrected label."""
        again = seen_among(self.stored.digests, corrected.digests[:, 0])
        kept = ~again | (self.stored.sides != TRAIN)
        return replace(self, stored=self.stored.take(np.flatnonzero(kept)))


def find_old_rows(
    base: BaseModel, settings: UpdateSettings, progress: Progress | None = None
) -> OldRows:
    """Returns the rows that a model learned before.

    Raises:
        ConfigError: ``data_root`` does not hold the data.
        DataError: there is neither a memory nor the data, or no row was held out of the training.
        ServableError: the memory was changed.
    """
    memory = read_memory(base)
    if memory and memory.rows is not None and settings.memory and settings.old_data is None:
        found = _from_memory(base, memory, memory.rows, settings)
    else:
        found = _from_data(base, settings, memory, progress)
    if not (found.stored.sides != TRAIN).any():
        raise DataError(
            f"no row was held out of the training of {base.path}, so nobody can measure what an"
            " update makes it forget. Name rows that it never learned, in a table with a column"
            " split, with --old-data."
        )
    return found


def _from_memory(
    base: BaseModel, memory: Memory, rows: StoredRows, settings: UpdateSettings
) -> OldRows:
    trained = np.flatnonzero(rows.sides == TRAIN)
    stored = choose_kept(rows, settings.memory, settings.seed)
    every = rows.take(trained) if memory.every_row else None
    counts = np.bincount(stored.sides, minlength=3)
    return OldRows(
        stored,
        memory.seen,
        rows.digests[rows.sides != TRAIN, 0],
        inputs=every.rows(base.shape) if every else None,
        labels=every.labels if every else None,
        states=memory.states,
        notes=(
            f"old rows from the memory {base.memory}: {counts[TRAIN]:,} examples,"
            f" {counts[VAL]:,} validation rows, {counts[TEST]:,} test rows",
        ),
        origins=memory.origins,
    )


def _from_data(
    base: BaseModel,
    settings: UpdateSettings,
    memory: Memory | None,
    progress: Progress | None,
) -> OldRows:
    splits, note = _splits(base, settings, progress)
    trained = splits["train"]
    first = min(ancestors(base))  # nobody knows which of them learned a row; all versions since did
    seen = seen_rows(trained.digests, trained.labels, base.labels, first)
    if memory:
        seen += memory.seen
    parts, held, copies = [], [np.zeros(0, np.uint64)], 0
    for name, split in splits.items():
        side = _SIDES[name]
        if split.digests is None or not len(split):
            continue
        chosen = choose_positions(split, side, settings.memory or FEW, settings.seed, base.version)
        if side != TRAIN:
            learned = seen.has(split.digests)
            copies += int(learned.sum())
            chosen = chosen[~learned[chosen]]
            held.append(split.digests[:, 0])
        parts.append(store_split(base.task, split, chosen, side, base.version))
    # The data of an updated version are examples, and the rows that it learned last.
    whole = settings.old_data is not None or not base.lineage
    notes = [note]
    if copies:
        notes.append(
            f"old held-out rows whose content also trained: {copies:,}; they measure nothing"
        )
    return OldRows(
        join_rows(parts),
        seen,
        np.concatenate(held),
        inputs=trained.inputs if whole else None,
        labels=trained.labels if whole else None,
        states=memory.states if memory else {},
        notes=tuple(notes),
    )


def _splits(
    base: BaseModel, settings: UpdateSettings, progress: Progress | None
) -> tuple[Mapping[str, Split], str]:
    """Returns the rows of the training by split, and where they come from."""
    if settings.old_data is not None:
        rows = _read_old(base, settings.old_data, progress)
        return rows.splits(rows.sides(base.reading.val, base.reading.test)), (
            f"old rows from {rows.source}, given as --old-data: that they are those of the training"
            " is taken on trust, split by their content as there"
        )
    try:
        data = reload_data(
            base.config.data, base.data, base.path, progress, root=settings.data_root
        )
    except DataError as error:
        raise DataError(
            f"the update needs rows that {base.path} learned, and they cannot be had: {error}"
            " Name them with --old-data, or their place with --data-root."
        ) from None
    counts = ", ".join(f"{count:,} {name}" for name, count in data.counts().items())
    return {str(name): split for name, split in data.splits.items()}, (
        f"old rows from {data.source}: {counts}"
    )


def _read_old(base: BaseModel, source: str, progress: Progress | None) -> SourceRows:
    """Returns the rows of ``--old-data``, which are read as those of the training were.

    Raises:
        DataError: they cannot be read so, or have a label that the model does not know.
    """
    try:
        rows = read_source(base, source, {}, progress)
    except DataError as error:
        raise DataError(
            f"--old-data was given {source}, which cannot be read as the rows of the training"
            f" were: {str(error).rstrip('.')}. Columns, an encoding and --set are options of the"
            " new rows (--data) alone; give a copy of the old rows as those of the training were."
        ) from None
    unknown = [name for name in rows.names if name not in base.labels]
    if unknown:
        raise DataError(
            f"{rows.source}, given as --old-data, has the label '{unknown[0]}', which the model"
            f" does not know; it knows {', '.join(base.labels)}. Give a copy with the labels of"
            " the training, without rows of other classes."
        )
    return rows
