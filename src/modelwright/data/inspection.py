"""Inspects data before training on it: balance, sizes, copies, leaks.

It looks at the rows that a training would get, after cleaning and splitting, and reports the
rejected rows with their reasons. It does not change the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.terminal import shorten
from modelwright.core.types import Dataset, IntArray, Progress
from modelwright.data import digests
from modelwright.data.inspection_report import Conflict, InspectReport
from modelwright.data.load import load_data
from modelwright.data.records import find_part
from modelwright.data.scripts import SCRIPTS, scripts_of

_BLOCK = 4096


def inspect_data(
    source: Dataset | DataConfig | str | Path, *, progress: Progress | None = None
) -> InspectReport:
    """Returns a report about data, to read before training on it.

    Args:
        source: A loaded data set, or what ``load_data`` takes.
        progress: Called while the data is read and inspected.

    Raises:
        DataError: The data cannot be read.

    Example:
        ``print(inspect_data("reviews.csv").render())``
    """
    data = source if isinstance(source, Dataset) else load_data(source, progress=progress)
    rows = _inspect_rows(data, progress)
    counts = {
        str(name): np.bincount(split.labels, minlength=len(data.labels)).tolist()
        for name, split in data.splits.items()
    }
    # Equal contents get the same number.
    _, content = np.unique(rows.digests, axis=0, return_inverse=True)
    content = content.reshape(-1)
    labels = np.concatenate([split.labels for split in data.splits.values()])
    conflicts = _conflicts(content, labels)
    return InspectReport(
        source=data.source,
        task=data.task,
        fingerprint=data.fingerprint,
        labels=data.labels,
        counts=counts,
        shape=data.shape,
        lengths=_lengths(rows.sizes) if data.task == "text" else None,
        scripts=_shares(rows.scripts) if data.task == "text" else None,
        duplicates=len(content) - len(np.unique(content)),
        conflicts=len(conflicts),
        conflict_examples=tuple(
            _example(data, labels, np.flatnonzero(content == number)) for number in conflicts[:5]
        ),
        leakage=_leakage(data, content),
        rejected=dict(Counter(_kind(row.reason) for row in data.rejected).most_common()),
        rejected_rows=data.rejected,
        empty=_empty_classes(data.labels, counts),
        notes=data.notes,
        sizes=rows.sizes,
    )


@dataclass(frozen=True)
class _Inspected:
    """Content hash, characters and script of every row, split after split."""

    digests: digests.Digests
    sizes: IntArray
    scripts: IntArray


def _inspect_rows(data: Dataset, progress: Progress | None) -> _Inspected:
    hashes: list[Any] = [np.zeros((0, 2), np.uint64)]
    sizes: list[Any] = [np.zeros(0, np.int64)]
    scripts: list[Any] = [np.zeros(0, np.int64)]
    total, done = sum(data.counts().values()), 0
    for split in data.splits.values():
        for start in range(0, len(split), _BLOCK):
            positions = np.arange(start, min(start + _BLOCK, len(split)), dtype=np.int64)
            taken = split.inputs.take(positions)
            if data.task == "text":
                hashes.append(digests.hash_texts(pa.array(taken, pa.large_string())))
                sizes.append(np.fromiter(map(len, taken), np.int64, len(taken)))
                scripts.append(scripts_of(taken))
            else:
                hashes.append(digests.hash_images(taken))
            done += len(taken)
            if progress is not None:
                progress("inspecting the rows", done, total)
    return _Inspected(np.concatenate(hashes), np.concatenate(sizes), np.concatenate(scripts))


def _empty_classes(
    labels: Sequence[str], counts: Mapping[str, Sequence[int]]
) -> dict[str, list[str]]:
    """Returns the classes without rows, for each split that has such classes."""
    return {
        split: [label for label, count in zip(labels, column, strict=True) if count == 0]
        for split, column in counts.items()
        if 0 in column
    }


def _leakage(data: Dataset, content: npt.NDArray[np.int64]) -> dict[str, int]:
    """Returns, for each pair of splits, the rows of the second whose content is in the first."""
    splits = list(data.splits)
    side = np.repeat(np.arange(len(splits)), [len(data.splits[name]) for name in splits])
    return {
        f"{splits[first]}/{splits[second]}": int(
            np.isin(content[side == second], content[side == first]).sum()
        )
        for first, second in combinations(range(len(splits)), 2)
    }


def _conflicts(content: npt.NDArray[np.int64], labels: IntArray) -> list[int]:
    """Returns the contents with several labels, in the order of their first row."""
    pairs = np.unique(np.stack([content, labels], axis=1), axis=0)
    numbers, times = np.unique(pairs[:, 0], return_counts=True)
    rows = content[np.isin(content, numbers[times > 1])]
    return list(dict.fromkeys(rows.tolist()))


def _example(data: Dataset, labels: IntArray, rows: npt.NDArray[np.int64]) -> Conflict:
    """Returns one conflict, with the first row of each label."""
    _, first = np.unique(labels[rows], return_index=True)
    splits = list(data.splits.values())
    names: list[str] = []
    origins: list[str] = []
    text = ""
    for row in rows[np.sort(first)].tolist():
        split, index = find_part([len(split) for split in splits], row)
        inputs = splits[split].inputs
        names.append(data.labels[int(labels[row])])
        origins.append(inputs.origin(index))
        if data.task == "text":
            text = shorten(str(inputs.raw(index)))
    return Conflict(tuple(names), tuple(origins), text)


def _lengths(sizes: IntArray) -> dict[str, int] | None:
    if not len(sizes):
        return None
    low, median, p95, high = np.percentile(sizes, [0, 50, 95, 100], method="nearest").tolist()
    return {"min": int(low), "median": int(median), "p95": int(p95), "max": int(high)}


def _shares(scripts: IntArray) -> dict[str, float]:
    counts = np.bincount(scripts, minlength=len(SCRIPTS))
    return {
        name: float(count / max(1, len(scripts)))
        for name, count in zip(SCRIPTS, counts, strict=True)
    }


def _kind(reason: str) -> str:
    """Returns a reason without the details of its row."""
    return reason.split(":")[0].split(" (")[0].strip()
