"""What a person should know about data before training on it: balance, sizes, copies, leaks.

It looks at the rows as a training would get them, after cleaning and splitting; what was left out
on the way there is reported with its reason. It changes and draws nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.files import write_json
from modelwright.core.terminal import percent, shorten, table
from modelwright.core.types import Dataset, ImageShape, IntArray, Progress, Rejected, Rows, Task
from modelwright.data import digests
from modelwright.data.load import load_data, write_rejected
from modelwright.data.scripts import SCRIPTS, scripts_of
from modelwright.plots.inspection import draw_inspection

_BLOCK = 4096
_ROWS = 10
"""Rejected rows that are shown."""
_CLASSES = 30
"""Classes in the table of ``render``; ``to_dict`` has them all."""


@dataclass(frozen=True)
class Conflict:
    """One content under two or more labels, the first row under each, and a text's beginning."""

    labels: tuple[str, ...]
    origins: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True)
class InspectReport:
    """What ``inspect_data`` found.

    ``counts`` has the rows of each class, in the order of ``labels``, by split. ``lengths`` are
    characters (least, median, p95, most) and ``scripts`` shares from 0 to 1; both None for
    pictures, whose ``shape`` is height, width, channels. ``duplicates`` are rows whose content
    stands in an earlier row; ``leakage`` by pair of splits the rows of the second whose content
    is in the first. ``sizes`` has the characters of every text, for a histogram.
    """

    source: str
    task: Task
    fingerprint: str
    labels: tuple[str, ...]
    counts: dict[str, list[int]]
    shape: ImageShape | None
    lengths: dict[str, int] | None
    scripts: dict[str, float] | None
    duplicates: int
    conflicts: int
    conflict_examples: tuple[Conflict, ...]
    leakage: dict[str, int]
    rejected: dict[str, int]
    rejected_rows: tuple[Rejected, ...]
    empty: dict[str, list[str]]
    notes: tuple[str, ...] = ()
    sizes: IntArray = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)

    @property
    def rows(self) -> int:
        """Rows in all splits."""
        return sum(sum(counts) for counts in self.counts.values())

    @property
    def balance(self) -> float:
        """Rows of the smallest class over those of the largest, all splits together."""
        totals = np.sum(list(self.counts.values()), axis=0)
        return float(totals.min() / max(1, totals.max()))

    def render(self) -> str:
        """A page for a person."""
        kind = "texts" if self.task == "text" else "pictures"
        parts = [f"{self.source}: {self.rows:,} {kind}, {len(self.labels):,} classes", ""]
        totals = np.sum(list(self.counts.values()), axis=0)
        order = np.arange(len(self.labels))
        if len(order) > _CLASSES:
            order = np.sort(np.argsort(totals, kind="stable")[:_CLASSES])
        share = totals / max(1, self.rows)
        shown = [
            (self.labels[at], *(counts[at] for counts in self.counts.values()), percent(share[at]))
            for at in order.tolist()
        ]
        sums = ("all", *(sum(counts) for counts in self.counts.values()), percent(1.0))
        parts.append(table(("class", *self.counts, "share"), [*shown, sums]))
        if len(order) < len(self.labels):
            parts.append(f"The {len(order)} smallest of {len(self.labels)} classes.")
        parts += ["", table(("what", "found"), self._facts())]
        if self.conflict_examples:
            examples = [
                (" / ".join(one.labels), ", ".join(one.origins), shorten(one.text, 60))
                for one in self.conflict_examples
            ]
            parts += ["", table(("labels", "rows", "text"), examples)]
        if self.rejected_rows:
            left_out = [(one.origin, shorten(one.reason)) for one in self.rejected_rows[:_ROWS]]
            parts += ["", table(("rejected", "why"), left_out)]
        return "\n".join([*parts, *(["", *self.notes] if self.notes else [])])

    def _facts(self) -> list[tuple[str, str]]:
        facts = [("smallest class over largest", f"{self.balance:.2f}")]
        if self.shape is not None:
            facts.append(("height x width x channels", " x ".join(map(str, self.shape))))
        if self.lengths is not None:
            lengths = ", ".join(f"{key} {value:,}" for key, value in self.lengths.items())
            facts.append(("characters", lengths))
        if self.scripts is not None:
            scripts = ", ".join(f"{key} {percent(value)}" for key, value in self.scripts.items())
            facts.append(("script of most letters", scripts))
        facts.append(("extra copies of a row", f"{self.duplicates:,}"))
        facts.append(("contents under two labels", f"{self.conflicts:,}"))
        facts += [
            (f"rows of {pair.split('/')[1]} that are also in {pair.split('/')[0]}", f"{count:,}")
            for pair, count in self.leakage.items()
        ]
        facts += [(f"rejected: {reason}", f"{count:,}") for reason, count in self.rejected.items()]
        for split, names in self.empty.items():
            facts.append((f"classes without rows in {split}", shorten(", ".join(names))))
        return facts

    def write(self, folder: Path) -> None:
        """Write ``inspection.json`` and ``inspection.png``, and ``rejected.csv`` where rows were.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        write_json(folder / "inspection.json", self.to_dict())
        if self.rejected_rows:
            write_rejected(folder / "rejected.csv", self.rejected_rows)
        draw_inspection(
            folder / "inspection.png", self.labels, self.counts, self.sizes, scripts=self.scripts
        )

    def to_dict(self) -> dict[str, Any]:
        """The same for a machine."""
        return {
            "source": self.source,
            "task": self.task,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "labels": list(self.labels),
            "counts": self.counts,
            "balance": self.balance,
            "shape": None if self.shape is None else list(self.shape),
            "lengths": self.lengths,
            "scripts": self.scripts,
            "duplicates": self.duplicates,
            "conflicts": self.conflicts,
            "conflict_examples": [
                {"labels": list(one.labels), "origins": list(one.origins), "text": one.text}
                for one in self.conflict_examples
            ],
            "leakage": self.leakage,
            "rejected": self.rejected,
            "rejected_examples": [
                {"origin": one.origin, "reason": one.reason} for one in self.rejected_rows[:_ROWS]
            ],
            "empty": self.empty,
            "notes": list(self.notes),
        }


def inspect_data(
    source: Dataset | DataConfig | str | Path, *, progress: Progress | None = None
) -> InspectReport:
    """Look at data before training on it.

    Args:
        source: A loaded data set, or what ``load_data`` takes.
        progress: Told about reading and looking.

    Raises:
        DataError: data that cannot be read.

    Example:
        ``print(inspect_data("reviews.csv").render())``
    """
    data = source if isinstance(source, Dataset) else load_data(source, progress=progress)
    rows = _look(data, progress)
    splits = list(data.splits)
    counts = {
        name: np.bincount(split.labels, minlength=len(data.labels)).tolist()
        for name, split in data.splits.items()
    }
    # Each content gets a number; equal contents get the same.
    _, content = np.unique(rows.digests, axis=0, return_inverse=True)
    content = content.reshape(-1)
    labels = np.concatenate([split.labels for split in data.splits.values()])
    where = np.repeat(np.arange(len(splits)), [len(data.splits[name]) for name in splits])
    conflicts = _conflicts(content, labels)
    return InspectReport(
        source=data.source,
        task=data.task,
        fingerprint=data.fingerprint,
        labels=data.labels,
        counts={str(name): column for name, column in counts.items()},
        shape=data.shape,
        lengths=_lengths(rows.sizes) if data.task == "text" else None,
        scripts=_shares(rows.scripts) if data.task == "text" else None,
        duplicates=len(content) - len(np.unique(content)),
        conflicts=len(conflicts),
        conflict_examples=tuple(
            _example(data, labels, np.flatnonzero(content == number)) for number in conflicts[:5]
        ),
        leakage={
            f"{splits[one]}/{splits[other]}": int(
                np.isin(content[where == other], content[where == one]).sum()
            )
            for one, other in combinations(range(len(splits)), 2)
        },
        rejected=dict(Counter(_kind(one.reason) for one in data.rejected).most_common()),
        rejected_rows=data.rejected,
        empty={
            str(name): [data.labels[at] for at in np.flatnonzero(np.equal(column, 0)).tolist()]
            for name, column in counts.items()
            if 0 in column
        },
        notes=data.notes,
        sizes=rows.sizes,
    )


@dataclass(frozen=True)
class _Looked:
    """Of every row, the splits one after the other: content hash, characters, script."""

    digests: digests.Digests
    sizes: IntArray
    scripts: IntArray


def _look(data: Dataset, progress: Progress | None) -> _Looked:
    hashes: list[Any] = [np.zeros((0, 2), np.uint64)]
    sizes: list[Any] = [np.zeros(0, np.int64)]
    scripts: list[Any] = [np.zeros(0, np.int64)]
    total, done = sum(data.counts().values()), 0
    for split in data.splits.values():
        for start in range(0, len(split), _BLOCK):
            taken = _take(split.inputs, start, min(start + _BLOCK, len(split)))
            if data.task == "text":
                hashes.append(digests.of_texts(pa.array(taken, pa.large_string())))
                sizes.append(np.fromiter(map(len, taken), np.int64, len(taken)))
                scripts.append(scripts_of(taken))
            else:
                hashes.append(digests.of_images(taken))
            done += len(taken)
            if progress is not None:
                progress("looking at the rows", done, total)
    return _Looked(np.concatenate(hashes), np.concatenate(sizes), np.concatenate(scripts))


def _take(inputs: Rows, start: int, end: int) -> Any:
    return inputs.take(np.arange(start, end, dtype=np.int64))


def _conflicts(content: npt.NDArray[np.int64], labels: IntArray) -> list[int]:
    """Contents under more than one label, in the order of their first row."""
    pairs = np.unique(np.stack([content, labels], axis=1), axis=0)
    numbers, times = np.unique(pairs[:, 0], return_counts=True)
    under_two = numbers[times > 1]
    found = content[np.isin(content, under_two)]
    return list(dict.fromkeys(found.tolist()))


def _example(data: Dataset, labels: IntArray, rows: npt.NDArray[np.int64]) -> Conflict:
    """One conflict, by the first row under each label."""
    _, first = np.unique(labels[rows], return_index=True)
    starts = np.cumsum([0, *(len(split) for split in data.splits.values())])
    splits = list(data.splits.values())
    names: list[str] = []
    origins: list[str] = []
    text = ""
    for row in rows[np.sort(first)].tolist():
        at = int(np.searchsorted(starts, row, side="right")) - 1
        inputs, index = splits[at].inputs, int(row - starts[at])
        names.append(data.labels[int(labels[row])])
        origins.append(inputs.origin(index))
        if data.task == "text":
            text = shorten(str(inputs.raw(index)))
    return Conflict(tuple(names), tuple(origins), text)


def _lengths(sizes: IntArray) -> dict[str, int] | None:
    if not len(sizes):
        return None
    low, middle, most, high = np.percentile(sizes, [0, 50, 95, 100], method="nearest").tolist()
    return {"min": int(low), "median": int(middle), "p95": int(most), "max": int(high)}


def _shares(scripts: IntArray) -> dict[str, float]:
    counts = np.bincount(scripts, minlength=len(SCRIPTS))
    return {
        name: float(count / max(1, len(scripts)))
        for name, count in zip(SCRIPTS, counts, strict=True)
    }


def _kind(reason: str) -> str:
    """A reason without what is particular to its row."""
    return reason.split(":")[0].split(" (")[0].strip()
