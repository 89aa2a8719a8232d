"""The folder of a search: a record and a run for each trial, and a lock.

    tunings/NAME/search.toml              the search as it was asked for
    tunings/NAME/tuning.json              the table so far
    tunings/NAME/trials/0012/trial.json   the record of a trial, which a search goes on from
    tunings/NAME/trials/0012/result.json  its measurement on the validation rows
    tunings/NAME/runs/0012                its run
    tunings/NAME/best.toml                the best settings, as a recipe file
    tunings/NAME/search-check.toml        the study that measures them

It trains and measures nothing.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from modelwright.core.errors import RunError
from modelwright.core.file_lock import try_lock
from modelwright.core.files import write_json
from modelwright.core.folders import SEARCH_RECORD
from modelwright.core.stored_record import describe_fault
from modelwright.tuning.trial_record import TrialRecord

PLAN = "search.toml"
RECORD = SEARCH_RECORD
BEST = "best.toml"
CHECK = "search-check.toml"
_TRIALS = "trials"
_ELAPSED = "elapsed.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class SearchFolder:
    """The files of a search."""

    path: Path

    def run(self, number: int) -> Path:
        """Returns the folder of a trial's run."""
        return self.path / "runs" / f"{number:04}"

    def result(self, number: int) -> Path:
        """Returns the file of a trial's measurement."""
        return self.path / _TRIALS / f"{number:04}" / "result.json"

    def _record(self, number: int) -> Path:
        return self.path / _TRIALS / f"{number:04}" / "trial.json"

    def read_records(self) -> list[TrialRecord]:
        """Returns the records of all trials, in the order of their numbers.

        Raises:
            RunError: a record cannot be read.
        """
        found = []
        for path in sorted((self.path / _TRIALS).glob("*/trial.json")):
            try:
                record = TrialRecord.model_validate(json.loads(path.read_text("utf-8")))
                if self._record(record.number) != path:
                    raise ValueError(f"it is the record of trial {record.number}")
                found.append(record)
            except (OSError, ValueError) as error:
                fault = describe_fault(error) if isinstance(error, ValidationError) else error
                reason = str(fault).splitlines()[0]
                raise RunError(
                    f"the record {path} cannot be read: {reason}; delete its folder, and the"
                    " trial is begun again."
                ) from None
        return sorted(found, key=lambda record: record.number)

    def write_record(self, record: TrialRecord) -> None:
        """Writes the record of a trial."""
        write_json(self._record(record.number), record.model_dump(mode="json"))

    def read_seconds(self) -> float:
        """Returns the time of all sessions so far; 0 if none is recorded."""
        try:
            seconds = float(json.loads((self.path / _ELAPSED).read_text("utf-8"))["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0
        return seconds if math.isfinite(seconds) else 0.0

    def write_seconds(self, seconds: float) -> None:
        """Writes the time of all sessions so far."""
        write_json(self.path / _ELAPSED, {"seconds": round(seconds, 3)})

    def delete_run(self, number: int) -> None:
        """Deletes the run of a trial. Its record and its measurement stay."""
        shutil.rmtree(self.run(number), ignore_errors=True)

    def is_locked(self) -> bool:
        """Returns whether a search runs in the folder, as far as this machine can tell."""
        try:
            with self.lock():
                return False
        except RunError:
            return True
        except OSError:
            return False

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other searches out of the folder while the block runs.

        Raises:
            RunError: another process searches in the folder.
        """
        if sys.platform == "win32":  # an open file could not be replaced or removed there
            yield
            return
        with (self.path / _LOCK).open("ab") as file:
            if not try_lock(file):
                raise RunError(
                    f"another process searches in {self.path}; wait for its end, stop it, or give"
                    " this search another folder with --out."
                )
            yield


def own_folder(search: Path | str) -> Path | None:
    """Returns the folder of a search that has begun, from the folder itself or its file."""
    given = Path(search)
    folder = given.parent if given.name == PLAN else given
    return folder if (folder / RECORD).is_file() else None


def refuse_other_folder(path: Path) -> None:
    """Checks that a folder can take a new search: it is new, or empty.

    Raises:
        RunError: it holds other files.
    """
    if path.exists() and not path.is_dir():
        raise RunError(f"{path} is a file; expected a folder for the search. Name another: --out.")
    others = [one.name for one in path.iterdir()] if path.is_dir() else []
    unknown = sorted(name for name in others if not name.startswith(".") and name != PLAN)
    if unknown:
        raise RunError(
            f"{path} is not the folder of a search and not empty: it has {unknown[0]}; name"
            " another folder with --out."
        )
