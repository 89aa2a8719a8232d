"""The report of an update: whether a version was written, the figures, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.report import Report
from modelwright.core.terminal import shorten
from modelwright.updating.gate import Change, Verdict

REFUSED = 6
"""The exit code of a refused update."""
_REASON_WIDTH = 60


@dataclass(frozen=True)
class Tried:
    """One strategy of an update.

    Attributes:
        name: the strategy.
        verdict: its figures, and whether it may go live; None if it was not measured.
        reason: why it was not taken; empty for the one that was.
        seconds: how long it took.
    """

    name: str
    verdict: Verdict | None
    reason: str
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        verdict = self.verdict
        return {
            "name": self.name,
            "old": verdict.old.to_dict() if verdict else None,
            "new": verdict.new.to_dict() if verdict else None,
            "passed": bool(verdict and verdict.passed),
            "reason": self.reason,
            "seconds": self.seconds,
        }


@dataclass(frozen=True)
class UpdateReport(Report):
    """The result of an update.

    Attributes:
        model: the model that was to learn.
        data: the new data.
        parent: the version that it learned from.
        passed: whether a candidate passed the gate.
        written: whether a new version was written.
        version: its number, or the one that a dry run would write; None if refused.
        path: its folder; None if none was written.
        strategy: the strategy that made it, or that came closest; None if none was measured.
        reason: why it was written or refused.
        old: figures of the held-out rows of all that was learned before.
        new: figures of the held-out rows of the new data.
        candidates: all strategies, in the order in which they were tried.
        labels: the classes after the update, for the figures of single classes.
        seconds: how long everything took.
        notes: decisions that were made.
        next: what usually follows, such as a command.
    """

    model: Path
    data: str
    parent: int
    passed: bool
    written: bool
    version: int | None
    path: Path | None
    strategy: str | None
    reason: str
    old: Change | None = None
    new: Change | None = None
    candidates: tuple[Tried, ...] = ()
    labels: tuple[str, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    next: str = ""
    lineage: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """The exit code of the command: 0, or 6 for a refused update."""
        return 0 if self.passed else REFUSED

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            **vars(self),
            "model": str(self.model),
            "path": str(self.path) if self.path else None,
            "old": self.old.to_dict() if self.old else None,
            "new": self.new.to_dict() if self.new else None,
            "classes": self._classes(),
            "candidates": [one.to_dict() for one in self.candidates],
            "labels": list(self.labels),
            "notes": list(self.notes),
            "lineage": dict(self.lineage),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the outcome, the figures, and a table of all strategies."""
        rows: list[tuple[str, object]] = [
            ("model", f"{self.model}, version {self.parent}"),
            ("new data", self.data),
            ("outcome", self._outcome()),
            *([("strategy", self.strategy)] if self.strategy else []),
            ("reason", self.reason),
            *([("old rows", _described(self.old))] if self.old else []),
            *([("new rows", _described(self.new))] if self.new else []),
            ("seconds", f"{self.seconds:.1f}"),
            *(("note", note) for note in self.notes),
        ]
        if self.next:
            rows.append(("next", self.next))
        blocks: list[Block] = [Facts("updated" if self.written else "update", rows)]
        if self.candidates:
            blocks.append(_table(self.candidates))
        classes = self._classes()
        if 1 < len(classes) <= 30:
            shown = [(one["label"], one["before"], one["after"]) for one in classes]
            blocks.append(Table(("class", "F1 before", "F1 after"), shown, "old rows by class"))
        return blocks

    def _outcome(self) -> str:
        if self.written:
            return f"version {self.version} written, {self.path}"
        if self.passed:
            return f"dry run: version {self.version} would be written"
        return "refused; nothing was changed"

    def _classes(self) -> list[dict[str, Any]]:
        found = self.old.classes if self.old else {}
        return [
            {"label": self.labels[at], "before": before, "after": after}
            for at, (before, after, _) in found.items()
        ]


def _described(change: Change) -> str:
    low, high = (100 * end for end in change.interval)
    return (
        f"macro-F1 {change.before:.4f} before, {change.after:.4f} after:"
        f" {100 * change.difference:+.2f} points, {100 * change.level:.4g} % interval {low:+.2f} to"
        f" {high:+.2f}, {change.rows:,} rows"
    )


def _table(candidates: Sequence[Tried]) -> Table:
    rows = [
        (
            one.name,
            *(_cells(one.verdict.old) if one.verdict else ("", "")),
            *(_cells(one.verdict.new) if one.verdict else ("", "")),
            f"{one.seconds:.1f}" if one.seconds else "",
            shorten(one.reason or "taken", _REASON_WIDTH),
        )
        for one in candidates
    ]
    headers = ("strategy", "old", "points", "new", "points", "seconds", "outcome")
    return Table(headers, rows, "macro-F1 after, and its change with the interval", width=150)


def _cells(change: Change) -> tuple[str, str]:
    low, high = (100 * end for end in change.interval)
    return f"{change.after:.4f}", f"{100 * change.difference:+.2f} ({low:+.2f} to {high:+.2f})"
