"""The report of ``modelwright.reproduce``: published accuracies next to measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.report import Report
from modelwright.core.terminal import shorten
from modelwright.publish.published_comparison import (
    comparison_notes,
    comparison_table,
    missed_claims,
)
from modelwright.studies.plan import StudyPlan
from modelwright.studies.study_record import StudyRecord, StudyStatus
from modelwright.studies.tables import NAME_WIDTH

QUICK = "QUICK: few rows, one epoch, one seed. It shows the shape of the table and nothing else."
_WIDTH = 120


@dataclass(frozen=True)
class ReproducedStudy:
    """One study with today's published numbers, and where its results come from.

    ``study`` is None if the study could not run; ``error`` then says why. ``notes`` say from
    which file the results come, or why they do not.
    """

    plan: StudyPlan
    origin: Literal["kept", "trained"]
    study: StudyRecord | None
    notes: tuple[str, ...] = ()
    error: str | None = None
    quick: bool = False

    @property
    def failures(self) -> list[str]:
        """One line for each failure."""
        if self.error is not None:
            return [f"{self.plan.name}: {self.error}"]
        failures = self.study.failures if self.study else ()
        return [
            f"{self.plan.name}, {one.variant}, seed {one.seed}: {one.error}" for one in failures
        ]

    @property
    def stopped(self) -> bool:
        """Whether a person stopped the study."""
        return self.study is not None and self.study.status == "stopped"

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        study = None if self.study is None else self.study.to_dict()
        if study is not None and self.quick:
            study["quick"] = True
        return {
            "name": self.plan.name,
            "origin": self.origin,
            "notes": list(self.notes),
            "error": self.error,
            "study": study,
        }

    def blocks(self) -> list[Block]:
        """Returns the table under the study's title, then the notes."""
        title = f"{self.plan.name}: {self.plan.title.get('en', self.plan.name)}"
        title = f"QUICK  {title}" if self.quick else title
        if self.study is None:
            failed = [] if self.error is None else [f"failed: {self.error}"]
            return [Note("\n".join([title, *failed, *self.notes]))]
        headers, rows = comparison_table(self.study, quick=self.quick)
        short = [(shorten(row[0], NAME_WIDTH), *row[1:]) for row in rows]
        notes = [*comparison_notes(self.study), *self.notes]
        return [Table(headers, short, title, width=_WIDTH), Note("\n".join(notes))]


@dataclass(frozen=True)
class ReproduceReport(Report):
    """Published accuracies next to measured ones, study by study."""

    studies: tuple[ReproducedStudy, ...]
    quick: bool
    status: StudyStatus
    written: tuple[Path, ...] = ()

    @property
    def failures(self) -> list[str]:
        """One line for each training that failed."""
        return [line for one in self.studies for line in one.failures]

    @property
    def short(self) -> list[str]:
        """One line for each published accuracy that is not reached; empty for a quick run."""
        if self.quick:
            return []
        return [line for one in self.studies if one.study for line in missed_claims(one.study)]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them; shares are from 0 to 1."""
        return {
            "kind": "reproduction",
            "quick": self.quick,
            "status": self.status,
            "studies": [one.to_dict() for one in self.studies],
            "short": self.short,
            "written": [str(path) for path in self.written],
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the studies, then what falls short of the published accuracies."""
        blocks = [block for one in self.studies for block in one.blocks()]
        if self.quick:
            blocks.append(Note(QUICK))
        elif any(one.study for one in self.studies):
            lines = self.short or ["nothing of what was measured"]
            blocks.append(Note("\n".join(["what falls short:", *(f"  {line}" for line in lines)])))
        if self.written:
            blocks.append(Note("\n".join(f"written: {path}" for path in self.written)))
        return blocks
