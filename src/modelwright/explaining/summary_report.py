"""The report of explanations over a whole set: what carries each class, and rows to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.core.types import Task
from modelwright.explaining.class_terms import ClassTerms, Term
from modelwright.explaining.explain_report import visible
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.sheet_rows import SheetKind

CLASSES = 10
"""Largest number of classes whose terms a terminal shows; JSON has all of them."""
_AROUND = 24
"""Characters of an example that are shown before and after the term."""
TITLES: Mapping[SheetKind, str] = {
    "typical": "most typical",
    "wrong": "most confident wrong",
    "uncertain": "least certain",
}
UNKNOWN = "not known: no row has a label of the model"
_TERMS = (
    "Weight: the mean over the rows in which a term occurs, in log-odds of the label; above 0, it"
    " speaks for the label. That of an n-gram is measured with all of its words at once, and"
    " an n-gram is left out if a part of it alone weighs as much. The order also counts rows: a"
    " term of few rows comes later. Case is ignored."
)
_SHEET = (
    "Most typical: the highest probability of each class in turn{right}. Least certain: the"
    " smallest distance between the two most probable labels."
)


@dataclass(frozen=True)
class SheetRow:
    """A row of the contact sheet.

    Attributes:
        kind: why it is on the sheet.
        row: where it is from.
        label: the label that it has; None if it has none.
        answer: the label that the model gives it.
        explanation: why.
    """

    kind: SheetKind
    row: str
    label: str | None
    answer: str
    probability: float
    explanation: Explanation

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        explained = self.explanation.to_dict()
        return {
            "kind": self.kind,
            "row": self.row,
            "label": self.label,
            "answer": self.answer,
            "probability": self.probability,
            "explained": explained["label"],
            "segments": explained["segments"],
            "faithfulness": explained["faithfulness"],
        }


@dataclass(frozen=True)
class ExplanationSummary(Report):
    """What carries the answers of a model over a whole set.

    Attributes:
        model: the run or the version of a servable.
        task: the kind of its rows.
        engine: what answered.
        method: the method's name.
        seed: drew the rows, and what the method draws.
        source: the set.
        rows: the number of rows that were drawn and answered.
        total: the number of usable rows in the set.
        failed: rows without an explanation, and why.
        terms: of texts, the words and n-grams of each label.
        sheet: of images, the rows of the contact sheet.
        wrong: of labeled images, the number of wrong answers; None without labels.
        quality: figures on how far the explanations are true.
        explanations: of texts, all of them.
        notes: decisions about the rows.
    """

    model: Path
    task: Task
    engine: str
    method: str
    seed: int
    source: str
    rows: int
    total: int
    failed: Sequence[tuple[str, str]]
    terms: Sequence[ClassTerms] = ()
    sheet: Sequence[SheetRow] = ()
    wrong: int | None = None
    quality: Mapping[str, float | int | None] | None = None
    explanations: Sequence[Explanation] = ()
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "model": str(self.model),
            "task": self.task,
            "engine": self.engine,
            "method": self.method,
            "seed": self.seed,
            "source": self.source,
            "rows": self.rows,
            "total": self.total,
            "failed": [{"row": row, "reason": reason} for row, reason in self.failed],
            "classes": [one.to_dict() for one in self.terms],
            "sheet": [one.to_dict() for one in self.sheet],
            "wrong": self.wrong,
            "faithfulness": dict(self.quality) if self.quality else None,
            "notes": list(self.notes),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the rows, then the terms of each class or the rows of the contact sheet."""
        blocks: list[Block] = [Facts(f"explanations of {self.model}", self._facts())]
        if self.task == "image":
            return [*blocks, *self._sheet_blocks()]
        for one in self.terms[:CLASSES]:
            blocks += _term_tables(one)
        if len(self.terms) > CLASSES:
            blocks.append(Note(f"{len(self.terms) - CLASSES:,} more labels are in --json."))
        return [*blocks, Note(_TERMS)]

    def _facts(self) -> list[tuple[str, object]]:
        drawn = f"{self.rows:,} of {self.total:,} of {self.source}"
        if self.rows < self.total:
            drawn += f", drawn with seed {self.seed}"
        facts: list[tuple[str, object]] = [
            ("rows", drawn),
            ("method", f"{self.method}, answers by {self.engine}"),
        ]
        if self.task == "image":
            wrong = UNKNOWN if self.wrong is None else f"{self.wrong:,} by label"
            facts.append(("wrong answers", wrong))
        if self.quality:
            facts.append(("taken out", _taken_out(self.quality)))
            if self.quality["cautions"]:
                facts.append(("caution", _caution(self.quality)))
        if self.failed:
            row, reason = self.failed[0]
            text = f"{len(self.failed):,} rows, the first: {row}: {visible(reason)}"
            facts.append(("not explained", text))
        return [*facts, *(("note", visible(note)) for note in self.notes)]

    def _sheet_blocks(self) -> list[Block]:
        rows = [
            (
                TITLES[one.kind],
                shorten(visible(one.row), 40),
                "" if one.label is None else shorten(visible(one.label), 24),
                shorten(visible(one.answer), 24),
                percent(one.probability),
            )
            for one in self.sheet
        ]
        right = "" if self.wrong is None else ", among right answers"
        headers = ("", "row", "label", "answer", "probability")
        return [Table(headers, rows), Note(_SHEET.format(right=right))]


def _term_tables(one: ClassTerms) -> list[Block]:
    label = shorten(visible(one.label), 30)
    least = "" if one.least_rows == 1 else f", terms in {one.least_rows} or more of them"
    title = f"{label}: {one.rows:,} rows{least}"
    if not one.words and not one.ngrams:
        return [Note(f"{title}\nno word speaks for it")]
    rows = [_cells(term) for term in one.words]
    found: list[Block] = [Table((f"word for {label}", "weight", "rows", "example"), rows, title)]
    if one.ngrams:
        rows = [_cells(term) for term in one.ngrams]
        found.append(Table((f"n-gram for {label}", "weight", "rows", "example"), rows))
    return found


def _cells(term: Term) -> tuple[object, ...]:
    example = term.example
    before, after = example.text[: example.start], example.text[example.end :]
    term_text = visible(example.text[example.start : example.end])
    parts = (
        f"…{before[-_AROUND:]}" if len(before) > _AROUND else before,
        f"[{term_text}]",
        f"{after[:_AROUND]}…" if len(after) > _AROUND else after,
    )
    excerpt = shorten("".join(map(visible, parts)), 64)
    return shorten(visible(term.text), 30), f"{term.weight:+.2f}", term.rows, excerpt


def _taken_out(quality: Mapping[str, float | int | None]) -> str:
    whole, without = (float(quality[name] or 0) for name in ("probability", "without_named"))
    text = f"without the named segments: {percent(whole)} to {percent(without)}"
    if (usual := quality["without_random"]) is not None:
        text += f"; without as many random ones: {percent(float(usual))}"
    return f"{text} (means of {quality['explained']:,} rows)"


def _caution(quality: Mapping[str, float | int | None]) -> str:
    return (
        f"the weights describe the model badly in {quality['cautions']:,} of"
        f" {quality['explained']:,} rows"
    )
