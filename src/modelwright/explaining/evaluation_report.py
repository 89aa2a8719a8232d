"""The report on how faithful each method of explanation is for a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.report import Report
from modelwright.core.types import Task
from modelwright.explaining.evaluation import EvaluatedMethod, MeanOverRows, MethodComparison
from modelwright.explaining.faithfulness import RANDOM_ORDERS, TOP
from modelwright.explaining.randomized_weights import ALL, LAST, RandomizationCheck

_WIDTH = 150
_SHOWN = ("comprehensiveness", "sufficiency", "insertion_less_deletion")
_HEADERS = (
    "method",
    "comprehensiveness",
    "above random",
    "sufficiency",
    "insertion less deletion",
    f"same top {TOP}",
    "ms a row",
    "verdict",
)
_MEANING = (
    "Comprehensiveness: how far the probability falls without the segments that a method puts"
    " first; higher is better. Sufficiency: how far it falls with them alone; lower is better."
    " Insertion less deletion: the area under the probability while segments are put in, less that"
    " while they are taken out; higher is better. Each has its 95 % interval over rows. Whether a"
    " method is better than random is decided by its comprehensiveness less that of"
    f" {RANDOM_ORDERS} random orders of the same segments of the same row. Same top {TOP}: the"
    f" overlap of the {TOP} heaviest segments between three seeds."
)
_RANDOMIZED = (
    "Rank correlation: with the explanations of the same network with shuffled weights. Near 0, an"
    " explanation shows what the network learned; near 1, it shows the row alone."
)


@dataclass(frozen=True)
class ExplanationEvaluation(Report):
    """How faithful each method of explanation is.

    Attributes:
        model: the run or the version of a servable.
        task: the kind of its rows.
        source: which rows were explained.
        comparison: the methods' figures.
        randomization: the check with random weights; empty for a servable, whose weights stay.
        skipped: methods that were not measured, and why.
        notes: decisions about the rows.
    """

    model: Path
    task: Task
    source: str
    comparison: MethodComparison
    randomization: Sequence[RandomizationCheck]
    skipped: Mapping[str, str]
    notes: Sequence[str] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        record = self.comparison.to_dict()
        checks = {one.method: one.to_dict() for one in self.randomization}
        for method in record["methods"]:
            method["randomized_weights"] = checks.get(method["method"])
        return {
            "model": str(self.model),
            "task": self.task,
            "source": self.source,
            **record,
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns what was explained, a table of the methods, and what its columns mean."""
        found = self.comparison
        facts: list[tuple[str, object]] = [
            ("rows", f"{found.rows}, {self.source}"),
            ("label", "the most probable one of each row"),
            ("segments", f"{found.segments:g} in the median row"),
            *(("note", note) for note in self.notes),
            *((f"without {name}", reason) for name, reason in self.skipped.items()),
        ]
        if found.left_out:
            facts.insert(1, ("left out", f"{found.left_out} rows with fewer than two segments"))
        rows = [_row(one) for one in found.methods]
        rows.append(("random", *_shown(found.random), "", "", ""))
        blocks: list[Block] = [
            Facts(f"explanations of {self.model}", facts),
            Table(_HEADERS, rows, width=_WIDTH),
            Note(_MEANING),
        ]
        if self.randomization:
            headers = ("weights shuffled", *(f"{name}: correlation" for name in (LAST, ALL)), "")
            checks = [_check(one) for one in self.randomization]
            blocks += [Table(headers, checks, width=_WIDTH), Note(_RANDOMIZED)]
        return blocks


def _row(one: EvaluatedMethod) -> tuple[str, ...]:
    return (
        one.name,
        *_shown(one.figures, above=one.gains["comprehensiveness"]),
        "always" if one.stability is None else f"{one.stability:.2f}",
        f"{one.milliseconds:,.1f}",
        one.verdict,
    )


def _shown(
    figures: Mapping[str, MeanOverRows], above: MeanOverRows | None = None
) -> tuple[str, str, str, str]:
    first, *others = (_figure(figures[name]) for name in _SHOWN)
    return first, "" if above is None else _figure(above, "+"), others[0], others[1]


def _figure(one: MeanOverRows, sign: str = "") -> str:
    spread = "" if one.high is None else f" ± {one.high - one.mean:.3f}"
    return f"{one.mean:{sign}.3f}{spread}"


def _check(one: RandomizationCheck) -> tuple[str, ...]:
    verdict = "changes" if one.passed else "not shown to change"
    return (one.method, *(_figure(one.correlation[name]) for name in (LAST, ALL)), verdict)
