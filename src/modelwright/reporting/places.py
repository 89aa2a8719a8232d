"""Reads what a page is asked to be about: run, servable, study, search or stream."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from modelwright.core.errors import ConfigError, RunError
from modelwright.core.folders import (
    SEARCH_RECORD,
    STREAM_RECORD,
    STUDY_RECORD,
    is_run,
    kind_of,
    missing_path,
    subfolders,
)
from modelwright.core.types import Progress
from modelwright.reporting.drift_record import looks_like_drift
from modelwright.reporting.subject import Subject, read_run_subject, read_servable_subject
from modelwright.streams.cell_result import CELLS
from modelwright.streams.stream_record import StreamRecord, read_stream_record
from modelwright.studies.study_record import StudyRecord, read_study_record
from modelwright.tuning.search_record import SearchRecord, read_search_record

_EXPECTED = (
    "a run, a servable (models/NAME or models/NAME/VERSION), or the folder of a study, a search or"
    " a stream"
)
Record = StudyRecord | SearchRecord | StreamRecord
"""What one JSON file says by itself."""
_READERS: dict[str, Callable[[Path], Record | None]] = {
    STUDY_RECORD: read_study_record,
    SEARCH_RECORD: read_search_record,
    STREAM_RECORD: read_stream_record,
}
_NAMED = 3


def read_place(
    path: Path, root: Path | None = None, progress: Progress | None = None
) -> Subject | Record:
    """Returns the run, servable, study, search or stream at a path.

    Args:
        path: its folder, or the JSON file of a study, a search or a stream.
        root: where the data of the training is now, if it was moved.
        progress: called while the data is read.

    Raises:
        ConfigError: there is nothing of these; the message says what there is.
        RunError: a run, a study, a search or a stream cannot be read.
        ServableError: a servable is not as it was exported.
    """
    if table := _table(path):
        return table
    kind = kind_of(path)
    if kind == "run":
        return read_run_subject(path, root, progress)
    if kind in ("model", "version"):
        return read_servable_subject(path, root, progress)
    raise ConfigError(_wrong(path, kind))


def _table(path: Path) -> Record | None:
    """Returns what a folder or a JSON file records, or None if there is no such file."""
    for file in [path / name for name in _READERS] if path.is_dir() else [path]:
        if file.suffix != ".json" or not file.is_file():
            continue
        # The reader of the file's name comes first, since it says best what is wrong with it.
        for name in sorted(_READERS, key=lambda one: one != file.name):
            if found := _READERS[name](file):
                return found
        if looks_like_drift(file):
            raise ConfigError(
                f"{file} is the result of modelwright drift; report on its model and give the file"
                f" as --drift {shlex.quote(str(file))}."
            )
        raise RunError(
            f"{file} is no study, no search and no stream; expected a file that modelwright"
            " compare, tune or stream wrote."
        )
    return None


def _wrong(path: Path, kind: str) -> str:
    if kind == "nothing":
        return missing_path(path, _EXPECTED)
    if kind == "file":
        return f"{path} is a file; expected {_EXPECTED}."
    if kind in ("runs", "models"):
        inside = [one for one in subfolders(path) if is_run(one) or kind_of(one) == "model"]
        names = [shlex.quote(str(one)) for one in inside]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return (
            f"{path} is a folder of {kind}; expected {_EXPECTED}. Name one or several of"
            f" {', '.join(names[:_NAMED])}{more}."
        )
    if (path / "results").is_dir():
        return (
            f"{path} has no {STUDY_RECORD}, so no report of its study is there yet; go on with it:"
            " modelwright compare STUDY.toml."
        )
    if (path / CELLS).is_dir():
        return (
            f"{path} has no {STREAM_RECORD}, so no report of its stream is there yet; go on with"
            " it: modelwright stream STREAM.toml."
        )
    return f"{path} is a folder of something else; expected {_EXPECTED}."
