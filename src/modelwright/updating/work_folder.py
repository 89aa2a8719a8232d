"""The work folder of an update, and what a killed one left: it goes on, or nothing of it stays."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_json
from modelwright.core.folders import UPDATE_RECORD, UPDATES
from modelwright.servable.live_version import version_number
from modelwright.servable.manifest import MANIFEST, version_folders
from modelwright.updating.memory import ROWS, place_memory, read_record

WORK, STAGED = "work", "next"
_IDENTITY = "identity.json"
KEPT_UPDATES = 3
"""Runs of written versions that stay, the newest."""
KEPT_REFUSALS = 20
"""Reports of refusals that stay, the newest."""


def identity_of(settings: Mapping[str, Any]) -> str:
    """Returns a name for an update with these settings and rows."""
    content = json.dumps(settings, sort_keys=True, default=str).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def open_work(memory: Path, settings: Mapping[str, Any], *, resume: bool) -> tuple[Path, str]:
    """Returns the work folder of an update, and a note.

    Args:
        memory: the folder of the memory.
        settings: what the result depends on: the model, the rows and the settings.
        resume: whether to go on with an unfinished update.

    Raises:
        ConfigError: there is no unfinished update to go on with, or it had other settings.
    """
    folder = memory / WORK
    known = _read(folder / _IDENTITY)
    given = json.loads(json.dumps(settings, default=str))
    if resume and known is None:
        raise ConfigError(
            f"--resume was given, and {memory.parent} has no unfinished update; leave it out."
        )
    if resume and known != given:
        changed = [key for key in given if (known or {}).get(key) != given[key]]
        raise ConfigError(
            f"--resume was given, and the unfinished update of {memory.parent} differs in:"
            f" {', '.join(changed)}. Give the same data and options, or leave --resume out to begin"
            " anew."
        )
    if resume:
        return folder, "an unfinished update went on; its finished candidates were kept"
    note = ""
    if known is not None:
        note = "an unfinished update was discarded; --resume would have gone on with it"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_json(folder / _IDENTITY, given)
    return folder, note


def resume_advice(memory: Path) -> str:
    """Returns how to go on with an update that could not write a file; empty if it cannot."""
    if _read(memory / WORK / _IDENTITY) is None:
        return ""
    return (
        "The model is as it was; the same command with --resume goes on after the last finished"
        " strategy."
    )


def close_work(memory: Path) -> None:
    """Removes the work folder."""
    shutil.rmtree(memory / WORK, ignore_errors=True)


def keep_refusal(memory: Path, report: Mapping[str, Any]) -> Path:
    """Writes the report of a refused update under a name of its own, and deletes the oldest."""
    folder = memory / UPDATES
    before = sorted(folder.glob("refused-*.json"))
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    path = folder / f"refused-{moment}.json"
    write_json(path, report)
    for old in before[: max(0, len(before) + 1 - KEPT_REFUSALS)]:
        old.unlink(missing_ok=True)
    return path


def tidy(model: Path, memory: Path) -> None:
    """Finishes or removes what a killed update of a servable left.

    If its version is there, its memory is moved to its place. Otherwise nothing of it stays but the
    work folder. Runs of versions that are gone are removed too, because they hold rows, and so are
    the rows of all runs where the memory keeps none.
    """
    versions = version_folders(model)
    staged = memory / STAGED
    record = read_record(staged)
    if record is not None and _update_of(versions.get(int(record["version"]))) == record["update"]:
        place_memory(staged, memory)
    shutil.rmtree(staged, ignore_errors=True)
    runs = _update_folders(memory)
    newest = sorted(runs)[-KEPT_UPDATES:]
    for number, folder in runs.items():
        if number not in versions or number not in newest:
            shutil.rmtree(folder, ignore_errors=True)
    forget_rows(memory)
    for partial in (memory / UPDATES).glob(".*") if (memory / UPDATES).is_dir() else ():
        partial.unlink() if partial.is_file() else shutil.rmtree(partial, ignore_errors=True)


def forget_rows(memory: Path) -> None:
    """Leaves only the reports in the runs of updates if the memory keeps no rows."""
    record = read_record(memory)
    if record is None or ROWS in record["files"]:
        return
    for folder in _update_folders(memory).values():
        for path in folder.iterdir():
            if path.name != UPDATE_RECORD:
                path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)


def finished_update(model: Path, memory: Path) -> Mapping[str, Any] | None:
    """Returns the report of an unfinished update whose version was written before it was killed."""
    known = _read(memory / WORK / _IDENTITY)
    update = identity_of(known) if known else None
    for number, version in version_folders(model).items():
        if update is not None and _update_of(version) == update:
            return _read(memory / UPDATES / str(number) / UPDATE_RECORD)
    return None


def _update_folders(memory: Path) -> dict[int, Path]:
    folder = memory / UPDATES
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        number = version_number(path.name)
        if number is not None and path.is_dir():
            found[number] = path
    return found


def _update_of(version: Path | None) -> str | None:
    """Returns which update wrote a version."""
    record = _read(version / MANIFEST) if version else None
    lineage = (record or {}).get("lineage") or {}
    return str(lineage["update"]) if "update" in lineage else None


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
