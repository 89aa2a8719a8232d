"""Finds the audit of a model's data: the named one, the one that it was trained without, or one
near it with the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.folders import subfolders
from modelwright.core.types import Dataset, SplitName
from modelwright.reporting.audit_record import (
    AUDIT,
    AuditRecord,
    FoundAudit,
    Place,
    SuspectRecord,
    read_audit,
)
from modelwright.reporting.subject import Subject

_LEAST_SHARE = 0.5
"""Share of the suspects of an audit that must be rows of the model's data."""


def with_audit(subject: Subject, named: Path | None = None) -> Subject:
    """Returns a model with the audit of its data, if there is one.

    An audit that was found but is damaged is a problem on the page.

    Args:
        subject: the model.
        named: the folder of the audit, or its JSON file; looked for by default.

    Raises:
        ConfigError: ``named`` is no audit.
    """
    if named is not None:
        return replace(subject, audit=_placed(_named(named), subject))
    problems: list[str] = []
    for folder, chosen in _candidates(subject):
        try:
            found = _placed(FoundAudit(folder, read_audit(folder), chosen), subject)
        except (OSError, ValueError) as error:
            problems.append(f"{folder / AUDIT}: {error}")
            continue
        if chosen == "dropped" or _same_data(found, subject):
            return replace(subject, audit=found)
    files = subject.files
    return replace(subject, files=replace(files, problems=(*files.problems, *problems)))


def _named(path: Path) -> FoundAudit:
    folder = path.parent if path.is_file() else path
    try:
        return FoundAudit(folder, read_audit(folder), "named")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--audit was given {path}, which is not the folder of a finished audit"
            f" ({error}); expected a folder with {AUDIT}, as modelwright audit writes it."
        ) from None


def _candidates(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Yields folders of audits, with the reason for each: the newest of those near comes first."""
    drop = subject.config.data.drop
    for file in [drop] if isinstance(drop, str) else drop:
        folder = Path(file).expanduser().parent
        if file.strip() and (folder / AUDIT).is_file():
            yield folder, "dropped"
    here = (subject.run.path if subject.run else subject.path).resolve()
    places = dict.fromkeys([Path("audits"), *(one / "audits" for one in here.parents[:4])])
    folders: dict[Path, Path] = {}
    for folder in (one for place in places for one in subfolders(place)):
        if (folder / AUDIT).is_file():
            folders.setdefault(folder.resolve(), folder)
    newest = sorted(folders.values(), key=lambda one: -(one / AUDIT).stat().st_mtime)
    yield from ((folder, "found") for folder in newest)


def _same_data(audit: FoundAudit, subject: Subject) -> bool:
    record = audit.record
    if set(record.labels) != set(subject.labels):
        return False
    digests = {one.digest for one in record.suspects if one.digest}
    if isinstance(subject.rows, str) or not digests:
        return bool(record.source == subject.data["source"])
    return len(audit.places) >= _LEAST_SHARE * len(digests)


def _placed(audit: FoundAudit, subject: Subject) -> FoundAudit:
    """Returns an audit with the places of its suspects in the rows of a model."""
    if isinstance(subject.rows, str):
        return audit
    places, counts = _find_rows(audit.record, subject.rows)
    return replace(audit, places=places, counts=counts)


def _find_rows(record: AuditRecord, data: Dataset) -> tuple[dict[str, Place], dict[SplitName, int]]:
    """Returns where the content of each suspect is, and how many rows are suspects, by split."""
    labels: dict[tuple[int, int], set[str]] = {}
    names: dict[tuple[int, int], str] = {}
    for one in record.suspects:
        if key := _numbers(one):
            labels.setdefault(key, set()).add(one.label)
            names[key] = one.digest
    places: dict[str, Place] = {}
    counts: dict[SplitName, int] = {}
    first = np.array([key[0] for key in labels], np.uint64)
    for split, rows in data.splits.items():
        counts[split] = 0
        if rows.digests is None:
            continue
        for row in np.flatnonzero(np.isin(rows.digests[:, 0], first)).tolist():
            key = int(rows.digests[row, 0]), int(rows.digests[row, 1])
            if key in labels:
                places.setdefault(names[key], (split, row))
                counts[split] += data.labels[rows.labels[row]] in labels[key]
    return places, counts


def _numbers(suspect: SuspectRecord) -> tuple[int, int] | None:
    """Returns the content hash as the rows of a data set have it; None where there is none."""
    try:
        content = bytes.fromhex(suspect.digest)
    except ValueError:
        return None
    if len(content) != 16:
        return None
    return int.from_bytes(content[:8], "big"), int.from_bytes(content[8:], "big")
