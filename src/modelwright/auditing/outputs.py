"""Writes the files of an audit. ``audit.json`` comes last: with it, the audit is complete."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.auditing.all_rows import AllRows
from modelwright.auditing.label_quality import LabelQuality
from modelwright.auditing.report import AuditReport
from modelwright.auditing.work_folder import RESULT
from modelwright.core.files import write_atomic, write_json
from modelwright.core.spreadsheet import write_safe_csv
from modelwright.core.types import FloatArray, Rejected
from modelwright.data.load import write_rejected
from modelwright.plots.confusion import draw_confusion
from modelwright.plots.mistakes import MISTAKES_DRAWN, draw_mistakes

SUSPECTS, DUPLICATES, REJECTED = "suspects.csv", "duplicates.csv", "rejected.csv"
SHEET, JOINT = "suspects.png", "joint.png"
PROBABILITIES = "probabilities.npz"
_LONGEST_CELL = 2_000
"""Characters of a text in a table. A spreadsheet refuses cells of more than 32,767."""


def file_names(rejected: Sequence[Rejected]) -> tuple[str, ...]:
    """Returns the names of the files that ``write_outputs`` writes."""
    more = (REJECTED,) if rejected else ()
    return (SUSPECTS, DUPLICATES, *more, SHEET, JOINT, PROBABILITIES, RESULT)


def write_outputs(
    report: AuditReport,
    rows: AllRows,
    suspects: Sequence[int],
    quality: LabelQuality,
    probabilities: FloatArray,
    rejected: Sequence[Rejected],
) -> None:
    """Writes the tables, the plots and the JSON file of a report into its folder.

    Args:
        report: the report.
        rows: the audited rows.
        suspects: positions of the suspects, in the order of the report.
        quality: the estimates of confident learning.
        probabilities: out-of-fold probabilities of all rows, ``[n, k]``.
        rejected: the rows that could not be read.

    Raises:
        OSError: a file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    out = report.out
    _write_suspects(out / SUSPECTS, report, rows, suspects)
    _write_duplicates(out / DUPLICATES, report)
    if rejected:
        write_rejected(out / REJECTED, rejected)
    drawn = list(suspects[:MISTAKES_DRAWN])
    first = report.suspects[: len(drawn)]
    inputs: Any = rows.inputs.take(np.asarray(drawn, np.int64)) if drawn else []
    draw_mistakes(
        out / SHEET,
        inputs,
        [suspect.row.label for suspect in first],
        [suspect.suggested for suspect in first],
        [1 - (suspect.score or 0.0) for suspect in first],
        nothing="no suspects",
    )
    counts = np.rint(quality.joint * report.judged).astype(np.int64)
    draw_confusion(
        out / JOINT,
        counts,
        report.labels,
        axes=("estimated class", "given label"),
        title=f"about {report.noise or 0:.1%} of {report.judged:,} labels are wrong",
    )
    _write_probabilities(out / PROBABILITIES, rows, probabilities)
    write_json(out / RESULT, report.to_dict())


def _write_suspects(
    path: Path, report: AuditReport, rows: AllRows, suspects: Sequence[int]
) -> None:
    content = "text" if rows.task == "text" else "path"
    header = ("origin", content, "label", "suggested", "score", "reason", "split", "digest")
    texts = rows.texts(suspects)
    write_safe_csv(
        path,
        header,
        (
            (
                one.row.origin,
                _cell(text) if content == "text" else one.row.path,
                one.row.label,
                one.suggested,
                "" if one.score is None else one.score,
                one.reason,
                one.row.split,
                one.row.digest,
            )
            for one, text in zip(report.suspects, texts, strict=True)
        ),
    )


def _write_duplicates(path: Path, report: AuditReport) -> None:
    header = ("group", "kind", "similarity", "origin", "content", "label", "split", "digest")
    write_safe_csv(
        path,
        header,
        (
            (
                number,
                group.kind,
                round(group.similarity, 4),
                row.origin,
                row.excerpt or row.path,
                row.label,
                row.split,
                row.digest,
            )
            for number, group in enumerate(report.duplicates, 1)
            for row in group.rows
        ),
    )


def _write_probabilities(path: Path, rows: AllRows, probabilities: FloatArray) -> None:
    """Writes what every row was judged by. It is read without unpickling."""
    origins = np.array([rows.inputs.origin(row) for row in range(len(rows))], np.str_)
    write_atomic(
        path,
        lambda file: np.savez_compressed(
            file,
            probabilities=probabilities,
            labels=rows.labels,
            names=np.array(rows.names, np.str_),
            origins=origins,
        ),
    )


def _cell(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"
