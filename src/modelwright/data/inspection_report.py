"""The report on data: class balance, sizes, copies, conflicting labels and rejected rows.

It holds the figures that ``inspection.py`` computes, and computes none itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.files import write_json
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.core.types import ImageShape, IntArray, Rejected, Task
from modelwright.data.load import write_rejected
from modelwright.plots.inspection import draw_inspection

_SHOWN_ROWS = 10
"""Rejected rows in the report."""
_SHOWN_CLASSES = 30
"""Classes in the table of the report; ``to_dict`` has them all."""


@dataclass(frozen=True)
class Conflict:
    """One content under several labels: the first row of each label, and the start of a text."""

    labels: tuple[str, ...]
    origins: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True)
class InspectReport(Report):
    """The result of ``inspect_data``.

    Attributes:
        source: Name of the source.
        task: The kind of rows.
        fingerprint: Fingerprint of the data set.
        labels: The classes.
        counts: Rows of each class, in the order of ``labels``, by split.
        shape: Height, width and channels of the images; None for texts.
        lengths: Characters of the texts: min, median, p95, max; None for images.
        scripts: Share of the texts in each script, from 0 to 1; None for images.
        duplicates: Rows with the content of an earlier row.
        conflicts: Contents with several labels.
        conflict_examples: Some of the conflicts.
        leakage: For a pair of splits, the rows of the second whose content is in the first.
        rejected: Number of rejected rows, by reason.
        rejected_rows: The rejected rows.
        empty: Classes without rows, by split.
        notes: Decisions made while the data was read.
        sizes: Characters of every text, for a histogram.
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
        """Number of rows in all splits."""
        return sum(sum(counts) for counts in self.counts.values())

    @property
    def balance(self) -> float:
        """Rows of the smallest class divided by those of the largest, over all splits."""
        totals = np.sum(list(self.counts.values()), axis=0)
        return float(totals.min() / max(1, totals.max()))

    def blocks(self) -> Sequence[Block]:
        """Classes, facts, and examples of conflicts and rejected rows."""
        kind = "texts" if self.task == "text" else "images"
        blocks: list[Block] = [
            Note(f"{self.source}: {self.rows:,} {kind}, {len(self.labels):,} classes"),
            *self._classes(),
            Table(("what", "found"), self._facts()),
        ]
        if self.conflict_examples:
            examples = [
                (" / ".join(one.labels), ", ".join(one.origins), shorten(one.text, 60))
                for one in self.conflict_examples
            ]
            blocks.append(Table(("labels", "rows", "text"), examples))
        if self.rejected_rows:
            rejected = [(row.origin, shorten(row.reason)) for row in self._first_rejected()]
            blocks.append(Table(("rejected", "why"), rejected))
        return [*blocks, Note("\n".join(self.notes))] if self.notes else blocks

    def _classes(self) -> list[Block]:
        totals = np.sum(list(self.counts.values()), axis=0)
        order = np.arange(len(self.labels))
        if len(order) > _SHOWN_CLASSES:
            order = np.sort(np.argsort(totals, kind="stable")[:_SHOWN_CLASSES])
        share = totals / max(1, self.rows)
        rows = [
            (self.labels[at], *(counts[at] for counts in self.counts.values()), percent(share[at]))
            for at in order.tolist()
        ]
        sums = ("all", *(sum(counts) for counts in self.counts.values()), percent(1.0))
        shown = Table(("class", *self.counts, "share"), [*rows, sums])
        if len(order) == len(self.labels):
            return [shown]
        return [shown, Note(f"The {len(order)} smallest of {len(self.labels)} classes.")]

    def _first_rejected(self) -> Sequence[Rejected]:
        return self.rejected_rows[:_SHOWN_ROWS]

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
        """Writes ``inspection.json`` and ``inspection.png``, and ``rejected.csv`` if necessary.

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
        """The fields as JSON can hold them."""
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
                {"origin": one.origin, "reason": one.reason} for one in self._first_rejected()
            ],
            "empty": self.empty,
            "notes": list(self.notes),
        }
