"""The record of a run's exports, and where each servable is today.

A servable can be moved or deleted after the export. So the record is checked against the manifest
that is there now: the time of the export must be the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from modelwright.core.files import write_json
from modelwright.core.folders import SERVABLE_RECORD, subfolders

EXPORTS = "exports.json"
State = Literal["there", "moved", "replaced", "gone"]


@dataclass(frozen=True)
class Export:
    """One export of a run.

    Attributes:
        servable: the absolute path of the version at the export.
        relative: its path from the run's folder, for a run and a servable that moved together.
        created: the time in its manifest.
        weights: sha256 of the run's weights at the export.
    """

    servable: str
    relative: str
    created: str
    weights: str


@dataclass(frozen=True)
class ExportState:
    """Where a servable is today. ``current`` says that the run's weights are still the same."""

    path: Path
    state: State
    created: str
    current: bool

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**asdict(self), "path": str(self.path)}

    def describe(self) -> str:
        """Returns the path with what is unusual about it."""
        words = {
            "there": "",
            "moved": "",
            "replaced": "another export is there now",
            "gone": "not there any more",
        }[self.state]
        parts = [words, "" if self.current else "of earlier weights"]
        said = ", ".join(part for part in parts if part)
        return f"{shown(self.path)} ({said})" if said else shown(self.path)


def shown(path: Path) -> str:
    """Returns a path relative to the current folder if it is inside."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def record_export(run: Path, servable: Path, created: str, weights: str) -> None:
    """Adds an export to the record in a run's folder.

    Raises:
        OSError: the record cannot be written.
    """
    target = servable.resolve()
    relative = os.path.relpath(target, run.resolve())
    export = Export(str(target), Path(relative).as_posix(), created, weights)
    known = read_exports(run)
    write_json(run / EXPORTS, {"exports": [asdict(one) for one in (*known, export)]})


def read_exports(run: Path) -> tuple[Export, ...]:
    """Returns the recorded exports of a run; none if there is no record that can be read."""
    try:
        record = json.loads((run / EXPORTS).read_text("utf-8"))
        return tuple(Export(**{key: str(one[key]) for key in Export.__dataclass_fields__})
                     for one in record["exports"])  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def find_exports(
    run: Path, metrics: Mapping[str, Any], weights: str, models: Sequence[Path]
) -> tuple[ExportState, ...]:
    """Returns where the servables of a run are today.

    Args:
        run: the run's folder.
        metrics: its metrics. A manifest with the same ones was exported from it, so exports that no
            record knows are found too.
        weights: sha256 of its weights.
        models: folders of models to look in.
    """
    found = {}
    for folder in models:
        for version in (one for model in subfolders(folder) for one in subfolders(model)):
            manifest = _manifest(version)
            if metrics and manifest.get("metrics", {}).get("training") == dict(metrics):
                found[str(manifest.get("created"))] = version.resolve()
    states = []
    for export in read_exports(run):
        place, state = _place(export, run, found.pop(export.created, None))
        states.append(ExportState(place, state, export.created, export.weights == weights))
    # An export without a record has the metrics of the run as it is now.
    states += [ExportState(path, "there", created, True) for created, path in found.items()]
    return tuple(states)


def _place(export: Export, run: Path, elsewhere: Path | None) -> tuple[Path, State]:
    recorded, together = Path(export.servable), (run.resolve() / export.relative).resolve()
    if _manifest(recorded).get("created") == export.created:
        return recorded, "there"
    for place in (together, elsewhere):
        if place is not None and _manifest(place).get("created") == export.created:
            return place, "moved"
    return recorded, "replaced" if recorded.is_dir() else "gone"


def _manifest(version: Path) -> dict[str, Any]:
    try:
        record = json.loads((version / SERVABLE_RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
