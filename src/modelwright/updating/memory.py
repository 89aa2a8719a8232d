"""The memory: a bounded choice of the rows that a model learned, kept for its next update.

models/NAME/.memory/
  memory.json         format, limits, counts, and the sha256 of the other files
  rows.parquet        content, label, role (exemplar, val or test), version, digest, outputs
  seen.npy            hashes of the rows that trained each version
  state/STRATEGY.npz  what a strategy remembers in place of rows
  updates/VERSION/    the run of an update's version, with the rows that it learned
  work/               an unfinished update, for --resume
  lock                held while an update runs

It holds users' rows. It lies in the folder of the model, never in a version.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.errors import ServableError
from modelwright.core.files import changed_files, sha256_tree, write_atomic, write_json
from modelwright.core.types import IntArray, Split
from modelwright.data.digests import Digests
from modelwright.data.splits import TEST, TRAIN, VAL, limit_rows
from modelwright.learning.exemplars import select_rows
from modelwright.learning.lesson import State
from modelwright.updating.base_model import BaseModel, ancestors
from modelwright.updating.row_store import StoredRows, from_table, to_table
from modelwright.updating.seen_rows import SeenRows, no_rows
from modelwright.updating.state_file import read_state, write_state

FORMAT = 2
RECORD, ROWS, SEEN, STATE = "memory.json", "rows.parquet", "seen.npy", "state"
_HELD_OUT = {VAL: 2_000, TEST: 10_000}
_MOST_BYTES = {TRAIN: 64 * 2**20, VAL: 64 * 2**20, TEST: 256 * 2**20}
_SAMPLE = 256


@dataclass(frozen=True)
class Memory:
    """What a model's folder keeps for the next update.

    Attributes:
        rows: the examples and the held-out rows; None with a memory that keeps no rows.
        seen: hashes of all rows that ever trained the model.
        states: what each strategy remembers, as of ``version``.
        version: the version that the states belong to.
        every_row: whether all rows that trained are among ``rows``.
        origins: what made each version that brought rows, as ``origin_of`` names it.
    """

    rows: StoredRows | None
    seen: SeenRows
    states: Mapping[str, State] = field(default_factory=dict)
    version: int = 0
    every_row: bool = False
    origins: Mapping[int, str] = field(default_factory=dict)


def read_memory(base: BaseModel) -> Memory | None:
    """Returns what is kept for a model, without the rows of versions that it does not come from.

    None if nothing is kept, or only rows of other weights that had this number before, such as a
    version that was deleted, or one that the model does not come from.

    Raises:
        ServableError: a file was changed, or the memory cannot be read.
    """
    folder = base.memory
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["format"] != FORMAT:
            raise ServableError(
                f"{folder} has memory format {record['format']!r}; this version reads {FORMAT}."
            )
        if problems := changed_files(folder, record["files"]):
            raise ServableError(
                f"the memory {folder} is not as it was written: {'; '.join(problems)}. Restore it,"
                f" or delete the folder and name the rows of the training with --old-data."
            )
        recorded = record.get("origins")  # a memory of an earlier version has none
        origins = {int(number): str(one) for number, one in (recorded or {}).items()}
        if recorded is not None and origins.get(base.version) != origin_of(base):
            return None
        rows = None
        if ROWS in record["files"]:
            table = paparquet.read_table(folder / ROWS)
            rows = from_table(table, record["labels"], base.task)
        seen = SeenRows(np.load(folder / SEEN, allow_pickle=False).astype(np.uint64))
        states = {
            name: read_state(folder / STATE / f"{name}.npz") for name in record.get("states", ())
        }
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise ServableError(
            f"the memory {folder} cannot be read: {type(error).__name__} {error}. Delete the folder"
            " and name the rows of the training with --old-data."
        ) from None
    family = sorted(ancestors(base))
    if rows is not None:
        own = np.isin(rows.versions, family)
        rows = rows.take(np.flatnonzero(own & (rows.labels < len(base.labels))))
    version = int(record["version"])
    # Who has every row of a version has those of its ancestors too; the origins name these alone.
    related = version == base.version or recorded is not None
    states = states if version == base.version else {}
    seen = seen.of_versions(family)
    return Memory(rows, seen, states, version, related and record["every_row"], origins)


def origin_of(base: BaseModel) -> str:
    """Returns what made the weights of a version: an update, or a training with these rows.

    A number alone does not say it: the folder of a version may be deleted and written anew.
    """
    return str(base.lineage.get("update") or base.data.get("fingerprint", ""))


def write_memory(
    folder: Path, memory: Memory, labels: tuple[str, ...], limit: int, update: str
) -> None:
    """Writes a memory into a new folder, from which ``place_memory`` moves it.

    Args:
        folder: the folder; what a killed process left there is deleted.
        memory: what is kept. Without rows, no hash of a row is written either.
        labels: names of the classes.
        limit: largest number of examples, for the record.
        update: which update it belongs to.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    rows = memory.rows
    if rows is not None:
        table = to_table(rows, labels)
        write_atomic(folder / ROWS, lambda file: paparquet.write_table(table, file))
    seen = memory.seen if rows is not None else no_rows()
    write_atomic(folder / SEEN, lambda file: np.save(file, seen.marks, allow_pickle=False))
    for name, state in memory.states.items():
        write_state(folder / STATE / f"{name}.npz", state)
    counts = np.bincount(rows.sides, minlength=3).tolist() if rows is not None else [0, 0, 0]
    files = sha256_tree(folder)
    record = {
        "format": FORMAT,
        "version": memory.version,
        "update": update,
        "labels": list(labels),
        "limits": {
            "exemplars": limit,
            "val": _HELD_OUT[VAL],
            "test": _HELD_OUT[TEST],
            "bytes": sum(_MOST_BYTES.values()),
        },
        "rows": {"exemplar": counts[TRAIN], "val": counts[VAL], "test": counts[TEST]},
        "every_row": memory.every_row,
        "origins": {str(number): one for number, one in sorted(memory.origins.items())},
        "states": sorted(memory.states),
        "files": files,
    }
    write_json(folder / RECORD, record)


def place_memory(staged: Path, folder: Path) -> None:
    """Moves a memory that ``write_memory`` wrote to its place, over the one before.

    The record comes last. So a process that dies leaves a staged record, and the same call does
    the rest.
    """
    record = json.loads((staged / RECORD).read_text("utf-8"))
    for name in (ROWS, SEEN):
        if (staged / name).exists():
            (staged / name).replace(folder / name)
        elif name not in record["files"]:
            (folder / name).unlink(missing_ok=True)
    if (staged / STATE).exists():
        shutil.rmtree(folder / STATE, ignore_errors=True)
        (staged / STATE).rename(folder / STATE)
    elif not record["states"]:
        shutil.rmtree(folder / STATE, ignore_errors=True)
    (staged / RECORD).replace(folder / RECORD)
    shutil.rmtree(staged, ignore_errors=True)


def read_record(folder: Path) -> Mapping[str, Any] | None:
    """Returns the record of a memory, staged or in its place; None if it is not complete."""
    try:
        found = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def choose_kept(rows: StoredRows, limit: int, seed: int) -> StoredRows:
    """Returns the rows to keep of each side.

    Args:
        rows: rows that were learned, and held-out rows.
        limit: largest number of examples.
        seed: random seed.
    """
    chosen = [np.zeros(0, np.int64)]
    for side in _MOST_BYTES:
        positions = np.flatnonzero(rows.sides == side)
        own = rows.take(positions)
        size = own.nbytes / max(1, len(own))
        most = _fitting(side, limit, size)
        chosen.append(positions[_choice(own.labels, own.versions, own.digests, side, most, seed)])
    return rows.take(np.sort(np.concatenate(chosen)))


def choose_positions(split: Split, side: int, limit: int, seed: int, version: int) -> IntArray:
    """Returns which rows of a split of the training to keep.

    Args:
        split: the rows, with digests.
        side: the side of the split.
        limit: largest number of examples.
        seed: random seed.
        version: the version that the training made.
    """
    digests = split.digests if split.digests is not None else np.zeros((len(split), 2), np.uint64)
    sample = split.inputs.take(np.arange(min(_SAMPLE, len(split)), dtype=np.int64))
    size = float(np.mean([_size(one) for one in sample]))
    versions = np.full(len(split), version, np.int64)
    return _choice(split.labels, versions, digests, side, _fitting(side, limit, size), seed)


def _choice(
    labels: IntArray, versions: IntArray, digests: Digests, side: int, most: int, seed: int
) -> IntArray:
    """Returns examples in equal numbers of each class and version; held-out rows as they come.

    The shares of the classes among held-out rows stay, because macro-F1 depends on them.
    """
    if side == TRAIN:
        return select_rows(labels, versions, most, seed=seed)
    return limit_rows(digests, labels, np.arange(len(labels), dtype=np.int64), most)


def _fitting(side: int, limit: int, size: float) -> int:
    """Returns the largest number of rows of a side, which also fit into its bytes."""
    return min({TRAIN: limit, **_HELD_OUT}[side], int(_MOST_BYTES[side] / max(1.0, size)))


def _size(content: Any) -> int:
    return len(content.encode()) if isinstance(content, str) else int(content.nbytes)
