"""The content of ``tuning.json``: a search with all its trials, as typed records.

Plots, reports and ``modelwright tune show`` read it. This is the only module that knows the keys
of the file. Loads no framework.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer

from modelwright.core.stored_record import read_record
from modelwright.trials.trial_result import JsonRecord
from modelwright.tuning.dimension import Dimension
from modelwright.tuning.importance import SearchImportance
from modelwright.tuning.search_settings import SearchSettings
from modelwright.tuning.trial_record import TrialRecord

KIND = "search"
FORMAT = 1
SearchStatus = Literal["running", "finished", "stopped", "failed"]
PosixPath = Annotated[Path, PlainSerializer(lambda path: path.as_posix(), return_type=str)]


class BestTrial(JsonRecord):
    """The best trial: a finished one, within the limits, with the best objective.

    Attributes:
        number: the trial.
        objective: its objective.
        error: the standard error of the objective over the validation rows; None if it cannot be
            told from what a trial keeps.
        settings: the proposed values, ``table.key`` to value.
        run: the folder of its run.
    """

    number: int
    objective: float
    error: float | None
    settings: dict[str, Any]
    run: PosixPath


class SearchedData(JsonRecord):
    """The data of a search: its source, its fingerprint and the rows of each split."""

    source: str
    fingerprint: str
    rows: dict[str, int]


class SearchRecord(JsonRecord):
    """A search: where it looked, how, and what each trial gave.

    Attributes:
        status: ``running``; ``finished`` when its trials or minutes are used up; ``stopped`` by a
            person; ``failed`` if no trial can succeed.
        reason: why it failed, or why it ended earlier than asked.
        search: the table ``[search]``.
        base: the whole config that each trial changes.
        dimensions: what the search varies.
        trials: the number of trials in each state.
        records: all trials, in the order of their numbers.
        best: the best trial; None as long as none has finished within the limits.
        pareto: the trials that no other one beats in all of objective, size and latency, best
            objective first; empty without limits.
        own_first: whether trial 0 has the settings of the base.
        importance: what each dimension decides, as far as the trials tell; measured at the end.
        seconds: the time of all sessions of the search.
        decisions: what was decided for the user, one sentence each.
        notes: what a reader must know, one sentence each.
    """

    kind: Literal["search"] = "search"
    format: Literal[1] = 1
    name: str
    folder: PosixPath
    status: SearchStatus
    reason: str = ""
    command: str
    search: SearchSettings
    runner: str = "local"
    workers: int = 1
    base: dict[str, Any]
    dimensions: tuple[Dimension, ...]
    data: SearchedData
    trials: dict[str, int] = Field(default_factory=dict)
    records: tuple[TrialRecord, ...] = ()
    best: BestTrial | None = None
    pareto: tuple[int, ...] = ()
    own_first: bool = False
    importance: SearchImportance = SearchImportance()
    seconds: float = 0.0
    decisions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def finished(self) -> list[TrialRecord]:
        """The trials that were trained to their end and measured."""
        return [one for one in self.records if one.state == "finished"]

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``tuning.json``."""
        return self.model_dump(mode="json")


def read_search_record(path: Path) -> SearchRecord | None:
    """Returns the search in a JSON file, or None if there is no file or it holds something else.

    Raises:
        RunError: the file cannot be read, or has another format.
    """
    if not path.is_file():
        return None
    return read_record(path, SearchRecord, kind=KIND, version=FORMAT, command="tune")
