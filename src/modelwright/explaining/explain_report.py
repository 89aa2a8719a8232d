"""The report of explanations: the text with its most important segments, and how true they are."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.core.types import Task
from modelwright.explaining.explanation import Explanation, WeightedSegment, failed_record
from modelwright.explaining.method import ImageSegment, TextSegment
from modelwright.explaining.quality import NAMED, Quality

_AROUND = 40
"""Characters of a text that are shown around a marked segment."""


@dataclass(frozen=True)
class FailedInput:
    """An input without an explanation, and why."""

    input: str
    reason: str


@dataclass(frozen=True)
class ExplainReport(Report):
    """Explanations of inputs, in their order.

    Attributes:
        model: the folder of the model.
        task: what it classifies.
        engine: what answered.
        method: the method's name.
        seed: the random seed.
        explanations: of each input, or why it has none.
    """

    model: Path
    task: Task
    engine: str
    method: str
    seed: int
    explanations: tuple[Explanation | FailedInput, ...]

    @property
    def explained(self) -> list[Explanation]:
        """The explanations, without the inputs that have none."""
        return [one for one in self.explanations if isinstance(one, Explanation)]

    @property
    def failed(self) -> list[FailedInput]:
        """The inputs without an explanation."""
        return [one for one in self.explanations if isinstance(one, FailedInput)]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "model": str(self.model),
            "task": self.task,
            "engine": self.engine,
            "method": self.method,
            "seed": self.seed,
            "explanations": [
                one.to_dict()
                if isinstance(one, Explanation)
                else failed_record(one.input, one.reason)
                for one in self.explanations
            ],
        }

    def blocks(self) -> Sequence[Block]:
        """Returns each explanation: the answer, the marked text, the segments."""
        found: list[Block] = []
        for one in self.explained:
            found += self._blocks_of(one)
        return found

    def _blocks_of(self, one: Explanation) -> list[Block]:
        rows: list[tuple[str, object]] = [
            ("input", shorten(visible(one.input), 80)),
            ("label", f"{visible(one.label)}, {percent(one.probability)}"),
            ("method", f"{one.method}, answers by {self.engine}"),
        ]
        if [label for label, _ in one.top[:1]] != [one.label]:
            others = ", ".join(f"{visible(label)} {percent(p)}" for label, p in one.top)
            rows.append(("most probable", others))
        if one.quality:
            rows += quality_rows(one.quality, one.label)
            rows += [("caution", text) for text in one.quality.warnings]
        rows += [("note", text) for text in one.notes]
        blocks: list[Block] = [Facts("explained", rows)]
        if one.segments:
            if one.text is not None:
                blocks.append(Note(marked_text(one)))
            blocks.append(_segment_table(one))
        return blocks


def quality_rows(quality: Quality, label: str) -> list[tuple[str, object]]:
    """Returns how true an explanation is, for people."""
    rows: list[tuple[str, object]] = []
    if quality.named:
        count = len(quality.named)
        what = "the segment" if count == 1 else f"the {count} segments"
        fall = f"{percent(quality.probability)} to {percent(quality.probability_without)}"
        text = f"without {what} most for {visible(label)}: {fall}"
        if quality.probability_without_random is not None:
            text += f"; without as many random ones: {percent(quality.probability_without_random)}"
        rows.append(("taken out", text))
    else:
        rows.append(("taken out", f"no segment speaks for {visible(label)}"))
    if quality.fidelity is not None:
        rows.append(("fidelity", f"{quality.fidelity:.2f} (R² on masks held out; 1 at best)"))
    stability = f"{quality.stability:.2f}"
    steady = quality.seeds == 1
    rows.append(
        ("stability", f"{stability} (deterministic: nothing is drawn)" if steady
         else f"{stability} (overlap of the top {NAMED} over {quality.seeds} seeds)")
    )  # fmt: skip
    return rows


def marked_text(one: Explanation) -> str:
    """Returns the text with its most important segments in brackets, each with its weight."""
    named = [*one.strongest(NAMED), *one.strongest(NAMED, against=True)]
    parts, done = [], 0
    for marked in sorted(named, key=_start):
        segment = marked.segment
        if not isinstance(segment, TextSegment):
            continue
        parts.append(_between(one.input[done : segment.start], first=not done))
        parts.append(f"[{visible(segment.text)} {marked.weight:+.2f}]")
        done = segment.end
    parts.append(_between(one.input[done:], last=True))
    return "".join(parts).strip()


def visible(text: str) -> str:
    """Returns text for a terminal: controls and marks of direction become ``\\ufffd``."""
    return "".join(
        letter if letter == " " or unicodedata.category(letter) not in ("Cc", "Cf", "Zl", "Zp")
        or letter == "\u200d" else " " if letter.isspace() else "\ufffd"
        for letter in text
    )  # fmt: skip


def _segment_table(one: Explanation) -> Table:
    columns = [one.strongest(NAMED), one.strongest(NAMED, against=True)]
    rows = [
        [cell for column in columns for cell in _cells(column, at)]
        for at in range(max(map(len, columns)))
    ]
    return Table((f"for {visible(one.label)}", "weight", "against", "weight "), rows)


def _cells(column: Sequence[WeightedSegment], at: int) -> tuple[str, str]:
    if at >= len(column):
        return "", ""
    found = column[at]
    return _describe(found), f"{found.weight:+.2f}"


def _describe(found: WeightedSegment) -> str:
    segment = found.segment
    if isinstance(segment, ImageSegment):
        return (
            f"rows {segment.row} to {segment.row + segment.height - 1},"
            f" columns {segment.column} to {segment.column + segment.width - 1}"
        )
    return shorten(visible(segment.text), 30)


def _start(marked: WeightedSegment) -> int:
    return marked.segment.start if isinstance(marked.segment, TextSegment) else 0


def _between(text: str, *, first: bool = False, last: bool = False) -> str:
    """Returns text between marked segments; of a long one only the ends."""
    shown = visible(text)
    if len(shown) <= 2 * _AROUND:
        return shown
    before = "" if first else shown[:_AROUND]
    after = "" if last else shown[-_AROUND:]
    return f"{before} … {after}"
