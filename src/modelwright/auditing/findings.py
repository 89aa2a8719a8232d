"""Turns estimates into the lists of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelwright.auditing.all_rows import AllRows, excerpt
from modelwright.auditing.conflicts import find_conflicts
from modelwright.auditing.duplicates import find_duplicates
from modelwright.auditing.groups import DuplicateGroup
from modelwright.auditing.label_quality import LabelQuality
from modelwright.auditing.outliers import find_outliers
from modelwright.auditing.report import AuditedRow, AuditReport, Duplicates, Suspect
from modelwright.core.types import Progress
from modelwright.training.out_of_fold import OutOfFold


@dataclass(frozen=True)
class SuspectRow:
    """A row with a label that is probably wrong.

    Attributes:
        position: position of the row.
        suggested: the class that fits better.
        score: probability of its label; None if the row was not judged.
        reason: why it is suspected.
    """

    position: int
    suggested: int
    score: float | None
    reason: str


def find_suspects(rows: AllRows, quality: LabelQuality) -> list[SuspectRow]:
    """Returns the rows that confident learning or a conflict of labels points out.

    The label most likely wrong comes first: that with the lowest probability.
    """
    suggested: dict[int, int] = {}
    for conflict in find_conflicts(rows.copies, rows.labels):
        for row in conflict.suspects:
            own = rows.labels[row]
            others = [int(rows.labels[one]) for one in conflict.rows if rows.labels[one] != own]
            likely = int(quality.suggested[row])
            fits = likely if likely in others else others[0]
            suggested[row] = fits if conflict.majority is None else conflict.majority
    found = []
    for row in sorted({*map(int, np.flatnonzero(quality.suspects)), *suggested}):
        reasons = [
            *(["model"] if quality.suspects[row] else []),
            *(["conflict"] if row in suggested else []),
        ]
        score = float(quality.scores[row])
        found.append(
            SuspectRow(
                position=row,
                suggested=suggested.get(row, int(quality.suggested[row])),
                score=round(score, 6) if np.isfinite(score) else None,
                reason=" and ".join(reasons),
            )
        )
    return sorted(found, key=lambda one: (one.score is None, one.score or 0.0, one.position))


def report_findings(
    report: AuditReport,
    rows: AllRows,
    quality: LabelQuality,
    suspects: Sequence[SuspectRow],
    answers: OutOfFold,
    progress: Progress | None = None,
) -> AuditReport:
    """Returns the report with what was found.

    Args:
        report: the report so far.
        rows: the audited rows.
        quality: the estimates of confident learning.
        suspects: the suspects.
        answers: the out-of-fold answers.
        progress: called with each step.
    """
    copies = find_duplicates(rows, progress)
    outliers = find_outliers(answers.probabilities, answers.features)
    conflicts = [
        DuplicateGroup("exact", one.rows, 1.0) for one in find_conflicts(rows.copies, rows.labels)
    ]
    named = _describe(
        rows,
        [one.position for one in suspects],
        (row for group in (*copies, *conflicts) for row in group.rows),
        outliers.rows,
    )

    def groups(found: Sequence[DuplicateGroup]) -> tuple[Duplicates, ...]:
        return tuple(
            Duplicates(one.kind, one.similarity, tuple(named[row] for row in one.rows))
            for one in found
        )

    names = rows.names
    return replace(
        report,
        judged=int(np.isfinite(quality.scores).sum()),
        accuracy=quality.accuracy,
        noise=quality.noise,
        suspects=tuple(
            Suspect(named[one.position], names[one.suggested], one.score, one.reason)
            for one in suspects
        ),
        conflicts=groups(conflicts),
        duplicates=groups(copies),
        outliers=tuple(zip((named[row] for row in outliers.rows), outliers.scores, strict=True)),
        outlier_method=outliers.method,
        overlaps=tuple(
            (names[one.first], names[one.second], one.share) for one in quality.overlaps()
        ),
    )


def _describe(rows: AllRows, *wanted: Iterable[int]) -> dict[int, AuditedRow]:
    """Returns the rows at some positions as a report names them."""
    chosen = sorted({row for part in wanted for row in part})
    texts = rows.texts(chosen)
    return {
        row: AuditedRow(
            origin=rows.inputs.origin(row),
            label=rows.label(row),
            split=rows.splits[row],
            digest=rows.digest(row),
            excerpt=excerpt(text),
            path=str(rows.file(row) or ""),
        )
        for row, text in zip(chosen, texts, strict=True)
    }
