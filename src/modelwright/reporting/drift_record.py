"""The result of a comparison with new data, read back from its JSON. Unknown keys are ignored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_KEYS = {"tests", "reference", "drifted"}


class _Record(BaseModel):
    """A part of a JSON file."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class ShiftRecord(_Record):
    """One test: what was compared, the statistic with its threshold, and the finding."""

    name: str
    statistic: float
    threshold: float
    drifted: bool
    p: float | None = None
    words: str = ""


class ReferenceRecord(_Record):
    """The rows behind the reference."""

    rows: int
    split: str = ""
    source: str = ""


class ShareRecord(_Record):
    """The estimated share of a class among the new rows; ``before`` is that of the reference."""

    label: str
    before: float
    share: float
    low: float
    high: float


class LabeledRecord(_Record):
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


class DriftRecord(_Record):
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
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{key + ': ' if key else ''}{first['msg']}") from None


def looks_like_drift(file: Path) -> bool:
    """Returns whether a JSON file is the result of a comparison with new data."""
    try:
        content = json.loads(file.read_text("utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.keys() >= _KEYS
