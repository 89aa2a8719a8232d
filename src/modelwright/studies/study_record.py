"""The content of ``study.json``: what a study measured, as typed records.

This is the only module that knows the keys of the file. Loads no framework.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import PlainSerializer

from modelwright.core.statistics import Estimate, PairedTest
from modelwright.core.stored_record import read_record
from modelwright.studies.translations import PageLanguage
from modelwright.trials.trial_result import JsonRecord, MachineRecord, TrialMetrics

KIND = "study"
FORMAT = 1
StudyStatus = Literal["finished", "failed", "stopped"]
PosixPath = Annotated[Path, PlainSerializer(lambda path: path.as_posix(), return_type=str)]


class SeedRecord(TrialMetrics):
    """The metrics of a variant with one seed. ``machine`` is the machine's name."""

    seed: int
    date: str
    machine: str


class VariantRecord(JsonRecord):
    """One variant over the seeds that have finished; its metrics are None if none has.

    ``settings`` differ from the study's base, ``changed`` from the recipe; ``config`` is the whole
    config with the first seed. ``claimed`` and ``claimed_gap`` were published; ``rerun`` is what
    the published code gives. ``minutes`` is the median time of training.
    """

    name: str
    reference: str | None
    recipe: str
    tta: bool
    config: dict[str, Any]
    settings: dict[str, Any]
    changed: dict[str, Any]
    command: str
    claimed: float | None
    claimed_gap: float | None
    rerun: float | None
    runs: tuple[SeedRecord, ...]
    accuracy: Estimate | None = None
    train_accuracy: float | None = None
    gap: Estimate | None = None
    minutes: float | None = None
    parameters: int | None = None

    @property
    def machines(self) -> str:
        """The names of the machines that trained it."""
        return "; ".join(dict.fromkeys(run.machine for run in self.runs))

    @property
    def seeds(self) -> list[int]:
        """The seeds that have finished."""
        return [run.seed for run in self.runs]


class ComparisonRecord(JsonRecord):
    """A variant minus its reference, over the seeds that both have."""

    variant: str
    reference: str
    seeds: tuple[int, ...]
    difference: float
    over_seeds: PairedTest | None
    over_rows: PairedTest | None


class MissingTrial(JsonRecord):
    """A trial that has not run yet."""

    variant: str
    seed: int


class FailedTrial(MissingTrial):
    """A trial that failed, and why."""

    error: str


class DataRecord(JsonRecord):
    """The data of a study: its source, its fingerprint and the rows of each split."""

    source: str
    fingerprint: str | None
    rows: dict[str, int]


class StudyRecord(JsonRecord):
    """A study: what was compared, on which rows and machines, and with which result."""

    kind: Literal["study"] = "study"
    format: Literal[1] = 1
    name: str
    folder: PosixPath
    status: StudyStatus
    split: str
    tta: bool
    title: dict[PageLanguage, str]
    source: dict[PageLanguage, str]
    seeds: tuple[int, ...]
    data: DataRecord
    machines: tuple[MachineRecord, ...]
    date: str
    command: str
    variants: tuple[VariantRecord, ...]
    comparisons: tuple[ComparisonRecord, ...]
    failures: tuple[FailedTrial, ...]
    missing: tuple[MissingTrial, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``study.json``."""
        return self.model_dump(mode="json")


def read_study_record(path: Path) -> StudyRecord | None:
    """Returns the study in a JSON file, or None if the file holds something else.

    Raises:
        RunError: the file cannot be read, or has another format.
    """
    return read_record(path, StudyRecord, kind=KIND, version=FORMAT, command="compare")
