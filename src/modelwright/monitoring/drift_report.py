"""The report of ``drift``: one line for each test, in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.core.types import Task
from modelwright.monitoring.accuracy import LabeledRows
from modelwright.monitoring.compare import Comparison
from modelwright.monitoring.label_shift import ClassShare

_SPLITS = {"test": "test rows", "val": "validation rows", "train": "training rows"}
_SHOWN_CLASSES = 10


@dataclass(frozen=True)
class DriftReport(Report):
    """Whether new rows differ from those that a model was measured on, and in what.

    Attributes:
        model: The folder of the servable or the run.
        task: What the model classifies.
        source: The name of the new data.
        rows: The number of new rows that were compared.
        total: The number of usable rows in the new data.
        reference_rows: The number of rows behind the reference.
        reference_split: Their split.
        reference_source: Where the reference is from.
        comparison: The results of the tests.
        class_shares: The estimated shares of the classes; empty where they cannot be estimated.
        labeled: The accuracy on the new rows; None without labels.
        notes: Decisions made on the way.
    """

    model: Path
    task: Task
    source: str
    rows: int
    total: int
    reference_rows: int
    reference_split: str
    reference_source: str
    comparison: Comparison
    class_shares: tuple[ClassShare, ...] = ()
    labeled: LabeledRows | None = None
    notes: tuple[str, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether any test found a difference."""
        return self.comparison.drifted

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "model": str(self.model),
            "task": self.task,
            "source": self.source,
            "rows": self.rows,
            "total": self.total,
            "reference": {
                "rows": self.reference_rows,
                "split": self.reference_split,
                "source": self.reference_source,
            },
            "drifted": self.drifted,
            "tests": [test.to_dict() for test in self.comparison.tests],
            "untested": self.comparison.untested,
            "class_shares": [share.to_dict() for share in self.class_shares],
            "labeled": self.labeled.to_dict() if self.labeled else None,
            "notes": list(self.notes),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the verdict, the tests, the class shares, and the accuracy where it is known."""
        found = [test.name for test in self.comparison.tests if test.drifted]
        verdict = f"yes, in {', '.join(found)}" if found else "no test found a difference"
        compared = (
            f"{self.rows:,}" if self.rows == self.total else f"{self.rows:,} of {self.total:,}"
        )
        split = _SPLITS.get(self.reference_split, self.reference_split)
        facts: list[tuple[str, object]] = [
            ("drifted", verdict),
            ("new rows", f"{compared} of {self.source}"),
            ("reference", f"{self.reference_rows:,} {split}, {self.reference_source}"),
        ]
        facts += [(f"{name} not tested", why) for name, why in self.comparison.untested.items()]
        if self.labeled and self.labeled.is_worse and not found:
            facts.append(("but", "the accuracy fell; labels may have another meaning now"))
        facts += [("note", note) for note in self.notes]
        tests = Table(
            ("test", "drifted", "statistic", "alarm above", "finding"),
            [
                (
                    test.name,
                    "yes" if test.drifted else "no",
                    f"{test.result.statistic:.3f}",
                    f"{test.result.threshold:.3f}",
                    test.words,
                )
                for test in self.comparison.tests
            ],
        )
        blocks: list[Block] = [Facts(f"drift of {self.model}", facts), tests]
        blocks += self._shares()
        if self.labeled:
            blocks.append(self.labeled.block())
        return blocks

    def _shares(self) -> list[Block]:
        """Returns the estimated class shares, those that changed most."""
        if not self.class_shares:
            return []
        ranked = sorted(self.class_shares, key=lambda one: -abs(one.share - one.before))
        rows = [
            (
                one.label,
                percent(one.share, 1),
                f"{percent(one.low, 1)} to {percent(one.high, 1)}",
                percent(one.before, 1),
            )
            for one in ranked[:_SHOWN_CLASSES]
        ]
        others = [test.name for test in self.comparison.tests if test.drifted]
        others = [name for name in others if name not in ("classes", "confidence")]
        doubt = "The estimate holds if rows of a class look as before, and only the mix changed."
        if others:
            doubt += f"\nThat is in doubt: {', '.join(others)} drifted, too."
        title = "estimated mix of classes in the new data"
        return [
            Table(("class", "share", "95 % interval", "reference"), rows, title),
            Note(doubt),
        ]
