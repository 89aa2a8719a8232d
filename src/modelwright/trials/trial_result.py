"""The result of one trial, one training with one evaluation, kept as a JSON file.

The file holds everything that a study's report needs, with one bit for each row. The run's folder
can be deleted afterwards. Loads no framework.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, field_validator

from modelwright.core.errors import RunError
from modelwright.core.files import write_json
from modelwright.core.statistics import BoolArray

FORMAT = 1


class JsonRecord(BaseModel):
    """A frozen part of a JSON file that Modelwright wrote. Ignores keys that it does not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class MachineRecord(JsonRecord):
    """The machine that trained, and the versions of the packages on it."""

    name: str
    memory_mib: int
    instruction_sets: tuple[str, ...]
    versions: dict[str, str]


class TrialMetrics(JsonRecord):
    """The metrics of a run and its evaluation. Shares are from 0 to 1.

    ``rows`` and ``right`` count the evaluated rows, ``splits`` has the rows of every split.
    ``minutes`` is the time of training.
    """

    rows: int
    right: int
    accuracy: float
    macro_f1: float
    majority_accuracy: float
    calibration_error: float
    train_accuracy: float
    splits: dict[str, int]
    minutes: float
    epochs: int
    best_epoch: int
    parameters: int
    precision: str


class TrialResult(JsonRecord):
    """What one variant gave with one seed: either ``figures`` or ``error``.

    ``right`` has one bit for each row, in hexadecimal. ``order`` is a digest of the origins of
    the rows; the answers of two results can be paired if it is the same.
    """

    variant: str
    seed: int
    config: dict[str, Any]
    fingerprint: str
    machine: MachineRecord
    date: str
    error: str | None = None
    figures: TrialMetrics | None = None
    order: str = ""
    right: str = ""

    @field_validator("figures", mode="before")
    @classmethod
    def _absent(cls, value: object) -> object:
        return value or None  # the file of a failed trial has {}

    @property
    def metrics(self) -> TrialMetrics:
        """The metrics of a trial that did not fail.

        Raises:
            RunError: the trial failed.
        """
        if self.figures is None:
            raise RunError(f"{self.variant}, seed {self.seed} has no figures: {self.error}.")
        return self.figures

    @property
    def hits(self) -> BoolArray:
        """Whether each row is right, bool ``[rows]``."""
        bits = np.frombuffer(bytes.fromhex(self.right), np.uint8)
        return np.unpackbits(bits, count=self.metrics.rows).astype(bool)


def write_trial_result(path: Path, result: TrialResult) -> None:
    """Writes a result as JSON."""
    record = result.model_dump(mode="json")
    write_json(path, {"format": FORMAT, **record, "figures": record["figures"] or {}})


def read_trial_result(path: Path) -> TrialResult | None:
    """Returns the result in a file, or None if there is no such file.

    Raises:
        RunError: the file has another format or was changed.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["format"] != FORMAT:
            raise RunError(f"{path} was written by another version; this one reads {FORMAT}.")
        return TrialResult.model_validate(record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"the result {path} cannot be read: {type(error).__name__} {error}; delete it to"
            " measure again."
        ) from None
