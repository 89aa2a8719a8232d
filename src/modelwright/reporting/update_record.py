"""How an update made a model: its lineage, and the report that its run keeps. Read leniently."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from modelwright.core.folders import UPDATE_RECORD
from modelwright.core.stored_record import StoredRecord, describe_fault


class ChangeRecord(StoredRecord):
    """Macro-F1 before and after on the same rows, and the interval of the difference."""

    rows: int
    before: float
    after: float
    interval: tuple[float, float]
    level: float


class GateRecord(StoredRecord):
    """What the gate measured. ``candidates`` were judged on the same rows."""

    old: ChangeRecord | None = None
    new: ChangeRecord | None = None
    candidates: int = 1


class BeforeAfter(StoredRecord):
    """A number of labels or tokens."""

    before: int
    after: int


class LearnedData(StoredRecord):
    """The new data, and its rows that trained."""

    source: str
    rows: int


class UpdateLimits(StoredRecord):
    """Settings of the update: rows in the memory, and points that old rows and classes may lose."""

    memory: int
    max_drop: float
    max_class_drop: float


class LineageRecord(StoredRecord):
    """The lineage in a manifest or a run. ``ancestors`` are versions, the newest one last.

    ``version`` is the number of a run that was made from a run; None for a version of a servable.
    """

    parent: int
    version: int | None = None
    ancestors: tuple[int, ...] = ()
    strategy: str
    seed: int
    update: str = ""
    settings: UpdateLimits
    labels: BeforeAfter
    tokens: BeforeAfter
    data: LearnedData
    fingerprints: dict[str, str]
    gate: GateRecord


class CandidateRecord(StoredRecord):
    """One strategy that was tried; ``reason`` says why it was not taken."""

    name: str
    old: ChangeRecord | None = None
    new: ChangeRecord | None = None
    reason: str = ""
    seconds: float = 0.0


class ClassChange(StoredRecord):
    """F1 of an old class on old rows."""

    label: str
    before: float
    after: float


class UpdateRecord(StoredRecord):
    """The content of ``update.json``: the report of the update."""

    reason: str
    candidates: tuple[CandidateRecord, ...] = ()
    classes: tuple[ClassChange, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundUpdate:
    """How an update made a model.

    Attributes:
        lineage: what the manifest or the run says; None if it is damaged.
        report: the report of the update; None if it is not here.
        problem: what is wrong with the lineage or the report; empty if nothing is.
    """

    lineage: LineageRecord | None
    report: UpdateRecord | None = None
    problem: str = ""


def find_update(lineage: Mapping[str, Any], run: Path | None) -> FoundUpdate | None:
    """Returns how an update made a model; None if a training made it.

    Args:
        lineage: as the manifest or the run has it.
        run: the folder of the run, which keeps the report of the update.
    """
    if not lineage:
        return None
    try:
        known = LineageRecord.model_validate(dict(lineage))
    except ValidationError as error:
        return FoundUpdate(None, problem=f"lineage.{describe_fault(error)}")
    if run is None:
        return FoundUpdate(known)
    file = run / UPDATE_RECORD
    try:
        report = UpdateRecord.model_validate(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return FoundUpdate(known)
    except ValidationError as error:
        return FoundUpdate(known, problem=f"{file}: {describe_fault(error)}")
    except (OSError, ValueError) as error:
        return FoundUpdate(known, problem=f"{file}: {error}")
    return FoundUpdate(known, report)
