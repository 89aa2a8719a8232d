"""The result of an audit, read back from its folder. Unknown keys are ignored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from modelwright.core.stored_record import StoredRecord, describe_fault
from modelwright.core.types import SplitName

AUDIT = "audit.json"
SUSPECTS = "suspects.csv"


class SuspectRecord(StoredRecord):
    """A row whose label is probably wrong; ``score`` is the probability of that label."""

    origin: str
    label: str
    suggested: str
    score: float | None = None
    reason: str = ""
    split: str = ""
    digest: str = ""
    excerpt: str = ""


class GroupOfRows(StoredRecord):
    """Rows that are alike."""

    kind: str = "exact"
    across_splits: bool = False


class AuditRecord(StoredRecord):
    """The content of ``audit.json``. The row most likely wrong comes first."""

    status: str = "finished"
    source: str
    rows: int
    labels: tuple[str, ...]
    recipe: str
    folds: int
    accuracy: float | None = None
    noise: float | None = None
    suspects: tuple[SuspectRecord, ...] = ()
    conflicts: tuple[GroupOfRows, ...] = ()
    duplicates: tuple[GroupOfRows, ...] = ()


Place = tuple[SplitName, int]
"""The split of a row and its position in it."""


@dataclass(frozen=True)
class FoundAudit:
    """The audit of a model's data.

    Attributes:
        folder: its folder.
        record: its result.
        chosen: why it was taken: ``named`` by the caller, ``dropped`` because the training left
            its suspects out, or ``found`` near the model.
        places: where a suspect's content is in the rows of the model, by its digest; empty if the
            rows cannot be read.
        counts: rows of the model with the content and the label of a suspect, by split; None if
            the rows cannot be read.
    """

    folder: Path
    record: AuditRecord
    chosen: str
    places: Mapping[str, Place] = field(default_factory=dict)
    counts: Mapping[SplitName, int] | None = None


def read_audit(folder: Path) -> AuditRecord:
    """Returns the result of the audit in a folder.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is damaged; the message says where.
    """
    try:
        return AuditRecord.model_validate(json.loads((folder / AUDIT).read_text("utf-8")))
    except ValidationError as error:
        raise ValueError(describe_fault(error)) from None
