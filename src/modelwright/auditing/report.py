"""The result of an audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.report import Report
from modelwright.core.terminal import percent

SHOWN = 10


@dataclass(frozen=True)
class AuditedRow:
    """A row that is named in a report.

    Attributes:
        origin: where the row came from.
        label: its label.
        split: its split.
        digest: the hash of its content, 32 hexadecimal digits.
        excerpt: the beginning of a text; empty for images.
        path: the file of an image; empty for other rows.
    """

    origin: str
    label: str
    split: str
    digest: str
    excerpt: str = ""
    path: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields that are not empty."""
        return {key: value for key, value in vars(self).items() if value}


@dataclass(frozen=True)
class Suspect:
    """A row whose label is probably wrong.

    Attributes:
        row: the row.
        suggested: the label that fits it better.
        score: probability of the row's own label by a model that did not see the row, 0 to 1.
            None if no model could be trained without the row.
        reason: ``model``, ``conflict`` for a content with several labels, or both: ``model and
            conflict``.
    """

    row: AuditedRow
    suggested: str
    score: float | None
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields of the row with those of the suspicion."""
        own = {"suggested": self.suggested, "score": self.score, "reason": self.reason}
        return {"origin": self.row.origin, "label": self.row.label, **own, **self.row.to_dict()}


@dataclass(frozen=True)
class Duplicates:
    """Rows that are alike.

    Attributes:
        kind: ``exact`` or ``near``.
        similarity: the lowest similarity that joins them, 0 to 1.
        rows: the rows.
    """

    kind: str
    similarity: float
    rows: tuple[AuditedRow, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits in which they are."""
        return tuple(dict.fromkeys(row.split for row in self.rows))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that they have."""
        return tuple(dict.fromkeys(row.label for row in self.rows))

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            "kind": self.kind,
            "similarity": round(self.similarity, 4),
            "across_splits": len(self.splits) > 1,
            "several_labels": len(self.labels) > 1,
            "rows": [row.to_dict() for row in self.rows],
        }


@dataclass(frozen=True)
class AuditReport(Report):
    """The result of an audit. ``suspects`` are sorted: the label most likely wrong comes first."""

    out: Path
    status: str
    source: str
    rows: int
    labels: tuple[str, ...]
    recipe: str
    folds: int
    folds_done: int
    seconds: float
    rejected: int
    notes: tuple[str, ...] = ()
    judged: int = 0
    """Rows with out-of-fold probabilities."""
    accuracy: float | None = None
    """Share of the judged rows whose label is the most probable class."""
    noise: float | None = None
    """Estimated share of wrong labels, by confident learning."""
    suspects: tuple[Suspect, ...] = ()
    conflicts: tuple[Duplicates, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()
    outliers: tuple[tuple[AuditedRow, float], ...] = ()
    outlier_method: str = ""
    overlaps: tuple[tuple[str, str, float], ...] = ()
    next: str = ""
    """The command that usually follows."""
    files: tuple[str, ...] = field(default=())
    """Names of the written files, in ``out``."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            **vars(self),
            "out": str(self.out),
            "labels": list(self.labels),
            "notes": list(self.notes),
            "suspects": [suspect.to_dict() for suspect in self.suspects],
            "conflicts": [group.to_dict() for group in self.conflicts],
            "duplicates": [group.to_dict() for group in self.duplicates],
            "outliers": [{**row.to_dict(), "score": score} for row, score in self.outliers],
            "overlaps": [
                {"labels": [first, second], "share": round(share, 5)}
                for first, second, share in self.overlaps
            ],
            "files": list(self.files),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the counts, then the first rows of each list."""
        if self.status == "stopped":
            return (Facts("audit stopped", self._head()),)
        tables = (self._suspects(), self._overlaps(), self._crossing(), self._outliers())
        return (Facts("audited", self._facts()), *(table for table in tables if table.rows))

    def _head(self) -> list[tuple[str, object]]:
        return [
            ("data", self.source),
            ("rows", f"{self.rows:,} of {len(self.labels):,} classes"),
            ("recipe", f"{self.recipe}, {self.folds_done} of {self.folds} folds"),
            ("seconds", f"{self.seconds:.1f}"),
            *(("note", note) for note in self.notes),
            *([("next", self.next)] if self.next else []),
        ]

    def _facts(self) -> list[tuple[str, object]]:
        head = [row for row in self._head() if row[0] != "next"]
        known = [] if self.accuracy is None else [("out-of-fold accuracy", percent(self.accuracy))]
        if self.noise is not None:
            known.append(("estimated wrong labels", percent(self.noise)))
        exact = [group for group in self.duplicates if group.kind == "exact"]
        near = len(self.duplicates) - len(exact)
        crossing = sum(len(group.splits) > 1 for group in self.duplicates)
        facts: list[tuple[str, object]] = [
            *head,
            *known,
            ("suspects", f"{len(self.suspects):,}, listed in {self.out / 'suspects.csv'}"),
            ("conflicts", f"{len(self.conflicts):,} contents with several labels"),
            (
                "duplicates",
                f"{len(exact):,} groups of exact and {near:,} of near ones, {crossing:,} of them"
                f" across splits, listed in {self.out / 'duplicates.csv'}",
            ),
        ]
        if self.rejected:
            facts.append(
                ("rejected rows", f"{self.rejected:,}, listed in {self.out / 'rejected.csv'}")
            )
        return [*facts, *([("next", self.next)] if self.next else [])]

    def _suspects(self) -> Table:
        rows = [
            (
                "-" if one.score is None else f"{one.score:.3f}",
                one.row.label,
                one.suggested,
                one.row.origin,
                one.row.excerpt or one.row.path,
            )
            for one in self.suspects[:SHOWN]
        ]
        title = f"suspects, the first {len(rows)} of {len(self.suspects):,}"
        headers = ("score", "label", "suggested", "origin", "content")
        return Table(headers, rows, title)

    def _overlaps(self) -> Table:
        rows = [(f"{first} / {second}", percent(share)) for first, second, share in self.overlaps]
        return Table(("classes", "rows mixed up"), rows[:5], "classes that overlap")

    def _crossing(self) -> Table:
        crossing = [group for group in self.duplicates if len(group.splits) > 1]
        rows = [
            (
                group.kind,
                f"{group.similarity:.2f}",
                ", ".join(f"{row.origin} ({row.split})" for row in group.rows[:3]),
            )
            for group in crossing[:5]
        ]
        title = f"duplicates across splits, the first {len(rows)} of {len(crossing):,}"
        return Table(("kind", "similarity", "rows"), rows, title)

    def _outliers(self) -> Table:
        rows = [
            (f"{score:.3f}", row.label, row.origin, row.excerpt or row.path)
            for row, score in self.outliers[:5]
        ]
        how = "far from all others" if self.outlier_method == "neighbors" else "least certain"
        return Table(("score", "label", "origin", "content"), rows, f"outliers: rows {how}")
