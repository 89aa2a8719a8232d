"""Finds the model that each comparison with new data is about."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.reporting.drift_record import DriftRecord, FoundDrift, read_drift
from modelwright.reporting.places import Record
from modelwright.reporting.subject import Subject
from modelwright.runs.exports import shown


def with_drift(
    contents: Sequence[Subject | Record], files: Sequence[Path]
) -> list[Subject | Record]:
    """Returns the places, each model with the comparisons that were made with it.

    Args:
        contents: what the page is about.
        files: results of ``modelwright drift`` as JSON.

    Raises:
        ConfigError: a file is no such result, or is about a model that is not on the page.
    """
    found: dict[int, list[FoundDrift]] = {}
    for file in dict.fromkeys(files):
        record = _read(file)
        models = [one for one in contents if isinstance(one, Subject)]
        about = [one for one in models if is_about(record, one)]
        if not about:
            raise ConfigError(_not_here(file, record, models))
        for subject in about:
            found.setdefault(id(subject), []).append(FoundDrift(file, record))
    return [
        replace(one, drift=tuple(found.get(id(one), ()))) if isinstance(one, Subject) else one
        for one in contents
    ]


def is_about(record: DriftRecord, subject: Subject) -> bool:
    """Returns whether a comparison was made with a model.

    A folder that is no longer where it was is known by its name: that of a run, or those of a model
    and its version.
    """
    named = Path(record.model)
    if named.exists():
        return named.resolve() in {path.resolve() for path in _folders(subject)}
    return any(named.parts[-len(name) :] == name for name in _names(subject))


def _folders(subject: Subject) -> Iterator[Path]:
    if subject.servable:
        yield subject.servable
    if subject.run:
        yield subject.run.path


def _names(subject: Subject) -> Iterator[tuple[str, ...]]:
    if subject.servable:
        yield subject.servable.resolve().parts[-2:]
    if subject.run:
        yield subject.run.path.resolve().parts[-1:]


def _read(file: Path) -> DriftRecord:
    try:
        return read_drift(file)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--drift was given {file}, which is not the result of modelwright drift ({error});"
            " expected the file that 'modelwright drift MODEL --data NEW --json > drift.json'"
            " writes."
        ) from None


def _not_here(file: Path, record: DriftRecord, models: Sequence[Subject]) -> str:
    if not models:
        return (
            f"--drift was given {file}, which is about {record.model}; give that model to the"
            f" report, too: modelwright report {shlex.quote(record.model)} --drift"
            f" {shlex.quote(str(file))}."
        )
    folders = [shown(next(_folders(one))) for one in models]
    measure = ["modelwright", "drift", str(folders[0]), "--data", record.source, "--json"]
    return (
        f"--drift was given {file}, which is about {record.model}; the report is about"
        f" {', '.join(map(str, folders))}. Report on {record.model}, or compare the new data with"
        f" this model: {shlex.join(measure)} > {shlex.quote(str(file))}."
    )
