"""The result of a comparison with new data, read back from its JSON. Unknown keys are ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from modelwright.core.stored_record import StoredRecord, describe_fault

_KEYS = {"tests", "reference", "drifted"}


class ShiftRecord(StoredRecord):
    """One test: what was compared, the statistic with its threshold, and the finding."""

    name: str
    statistic: float
    threshold: float
    drifted: bool
    p: float | None = None
    words: str = ""


class ReferenceRecord(StoredRecord):
    """The rows behind the reference."""

    rows: int
    split: str = ""
    source: str = ""


class ShareRecord(StoredRecord):
    """The estimated share of a class among the new rows; ``before`` is that of the reference."""

    label: str
    before: float
    share: float
    low: float
    high: float


class LabeledRecord(StoredRecord):
    """The figures on new rows that have labels. ``accuracy_difference_interval`` is in shares."""

    rows: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    macro_f1: float
    macro_f1_interval: tuple[float, float]
    reference_accuracy: float
    reference_macro_f1: float
    reference_macro_f1_interval: tuple[float, float]
    accuracy_difference_interval: tuple[float, float]

    @property
    def is_worse(self) -> bool:
        """Whether the accuracy is lower than chance explains."""
        return self.accuracy_difference_interval[1] < 0


class DriftRecord(StoredRecord):
    """What ``modelwright drift --json`` prints."""

    model: str
    source: str
    rows: int
    total: int
    reference: ReferenceRecord
    drifted: bool
    tests: tuple[ShiftRecord, ...]
    untested: dict[str, str] = Field(default_factory=dict)
    class_shares: tuple[ShareRecord, ...] = ()
    labeled: LabeledRecord | None = None
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> tuple[str, ...]:
        """The names of the tests that found a difference."""
        return tuple(test.name for test in self.tests if test.drifted)


@dataclass(frozen=True)
class FoundDrift:
    """A comparison of a model with new data, and its file."""

    file: Path
    record: DriftRecord


def read_drift(file: Path) -> DriftRecord:
    """Returns the result in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else; the message says what is wrong.
    """
    try:
        return DriftRecord.model_validate(json.loads(file.read_text("utf-8-sig")))
    except ValidationError as error:
        raise ValueError(describe_fault(error)) from None


def looks_like_drift(file: Path) -> bool:
    """Returns whether a JSON file is the result of a comparison with new data."""
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.keys() >= _KEYS
