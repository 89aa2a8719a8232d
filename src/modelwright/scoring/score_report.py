"""The report on a scored file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Table
from modelwright.core.report import Report


@dataclass(frozen=True)
class ScoreReport(Report):
    """What was scored.

    Attributes:
        input: The file or folder.
        output: The file that was written.
        servable: The version's folder.
        engine: The engine that answered.
        column: The column that the model was asked about.
        column_reason: Why that column.
        rows: All rows of the input and of the output.
        predicted: Rows with an answer.
        rejected: Rows with an error instead.
        resumed: Rows that an earlier, stopped run had scored.
        seconds: Time of this run and of the earlier one.
        added: Names of the added columns.
        reasons: Number of rejected rows by reason.
        examples: The first rejected rows, each with its reason.
        notes: What was decided.
    """

    input: Path
    output: Path
    servable: Path
    engine: str
    column: str
    column_reason: str
    rows: int
    predicted: int
    rejected: int
    resumed: int
    seconds: float
    added: tuple[str, ...]
    reasons: dict[str, int]
    examples: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        paths = {name: str(vars(self)[name]) for name in ("input", "output", "servable")}
        examples = [{"row": row, "reason": reason} for row, reason in self.examples]
        lists = {"added": list(self.added), "notes": list(self.notes), "examples": examples}
        return {**vars(self), **paths, **lists}

    def blocks(self) -> Sequence[Block]:
        """Returns the figures, and the first rejected rows."""
        rate = f", {self.rows / self.seconds:,.0f} rows a second" if self.seconds else ""
        shown = self.added if len(self.added) <= 8 else (*self.added[:4], "...", self.added[-1])
        facts: list[tuple[str, object]] = [
            ("output", self.output),
            ("servable", f"{self.servable}, engine {self.engine}"),
            ("column", f"{self.column} ({self.column_reason})"),
            ("rows", self.rows),
            ("predicted", self.predicted),
            ("rejected", self.rejected),
            ("seconds", f"{self.seconds:,.1f}{rate}"),
            ("added columns", ", ".join(shown)),
        ]
        if self.resumed:
            facts.append(("found from a stopped run", f"{self.resumed:,} rows"))
        facts += [(f"{count:,} rejected", reason) for reason, count in self.reasons.items()]
        facts += [("note", note) for note in self.notes]
        blocks: list[Block] = [Facts(f"scored {self.input}", facts)]
        if self.examples:
            blocks.append(Table(("first rejected rows", "reason"), list(self.examples)))
        return blocks
