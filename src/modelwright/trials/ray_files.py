"""The files of a run as they travel between the machines of a cluster, and the paths in them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, DataConfig, from_toml, to_toml
from modelwright.core.files import write_bytes
from modelwright.core.folders import RUN_RECORD
from modelwright.runs.data_places import record_places
from modelwright.runs.lock import CONFIG

_PATHS = ("source", "unlabelled", "image_root", "drop")
"""Keys of the data settings that hold paths."""
Stamps = dict[str, tuple[int, int]]
"""The size and the time of change of each file, by its path in a folder."""


@dataclass(frozen=True)
class ChangedFiles:
    """What changed in a folder.

    Attributes:
        content: The bytes of new and changed files by their paths, the oldest first.
        names: The paths of all files.
    """

    content: Mapping[str, bytes]
    names: tuple[str, ...]

    def write(self, folder: Path) -> None:
        """Makes the files of a folder the same, each one atomically and in order.

        A process that is killed meanwhile leaves the folder as a killed training would.
        """
        for name, content in self.content.items():
            write_bytes(folder / name, content)
        for name in stamp_files(folder):
            if name not in self.names and not Path(name).name.startswith("."):
                (folder / name).unlink(missing_ok=True)


def stamp_files(folder: Path) -> Stamps:
    """Returns the stamps of all files below a folder, the oldest first."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            status = path.stat()
            found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return dict(sorted(found.items(), key=lambda item: item[1][1]))


def changed_since(folder: Path, known: Stamps) -> tuple[ChangedFiles, Stamps]:
    """Returns the files that changed since earlier stamps, and the stamps of now."""
    now = {
        name: stamp
        for name, stamp in stamp_files(folder).items()
        if not Path(name).name.startswith(".")
    }
    changed = [name for name, stamp in now.items() if known.get(name) != stamp]
    content = {name: (folder / name).read_bytes() for name in changed}
    return ChangedFiles(content, tuple(now)), now


def data_paths(config: DataConfig) -> list[str]:
    """Returns the paths in data settings, as they are written."""
    return list(record_places(config, Path()))


def with_paths(config: Config, places: Mapping[str, str]) -> Config:
    """Returns a config with other paths of its data.

    Args:
        config: The config.
        places: The new path of each path that changes.
    """
    changes: dict[str, Any] = {}
    for key in _PATHS:
        value = getattr(config.data, key)
        if isinstance(value, str):
            changes[key] = places.get(value, value)
        else:
            changes[key] = [places.get(path, path) for path in value]
    return config.model_copy(update={"data": config.data.model_copy(update=changes)})


def relocated(
    content: Mapping[str, bytes], run: Path, places: Mapping[str, str]
) -> dict[str, bytes]:
    """Returns files of a run with other paths of the data.

    Args:
        content: The bytes of the files by their paths.
        run: The run's folder on this machine. It has the config unless ``content`` does.
        places: The new path of each path that changes.
    """
    found = dict(content)
    if not places:
        return found
    if CONFIG in found:
        config = with_paths(from_toml(found[CONFIG].decode()), places)
        found[CONFIG] = to_toml(config).encode()
    for name, before in content.items():
        if name != RUN_RECORD and not (name.startswith("evaluations/") and name.endswith(".json")):
            continue
        record = _replaced(json.loads(before), places)
        if name == RUN_RECORD:
            settings = found.get(CONFIG) or (run / CONFIG).read_bytes()
            record["data"]["places"] = record_places(from_toml(settings.decode()).data, run)
            if CONFIG in record.get("files", {}):
                record["files"][CONFIG] = hashlib.sha256(settings).hexdigest()
        found[name] = (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()
    return found


def relocate_run(run: Path, places: Mapping[str, str]) -> None:
    """Replaces paths of the data in a run on this machine, if one has begun."""
    if not places or not (run / RUN_RECORD).exists():
        return
    names = [CONFIG, *(path.relative_to(run).as_posix() for path in run.rglob("*.json"))]
    before = {name: (run / name).read_bytes() for name in names}
    for name, content in relocated(before, run, places).items():
        if content != before[name]:
            write_bytes(run / name, content)


def _replaced(value: Any, places: Mapping[str, str]) -> Any:
    """Returns a JSON value in which strings that are paths, or begin with one, are replaced."""
    if isinstance(value, Mapping):
        return {key: _replaced(one, places) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, places) for one in value]
    if isinstance(value, str):
        for before, after in places.items():
            if os.sep in before and before in value:
                value = value.replace(before, after)
        return places.get(value, value)
    return value
