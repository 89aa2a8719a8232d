"""Tells by their files what kind of folder a path is, and what to do with one of another kind.

It reads no content and follows the names that ``modelwright`` writes. It loads nothing heavy.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Literal

RUN_RECORD = "run.json"
SERVABLE_RECORD = "modelwright.json"
STUDY_RECORD = "study.json"
SEARCH_RECORD = "tuning.json"
STREAM_RECORD = "stream.json"
MEMORY, UPDATES = ".memory", "updates"
"""The folder with what is kept for updates, in that of a model or a run; its runs of updates."""
UPDATE_RECORD = "update.json"
"""The report of an update, in the run that it made."""
Kind = Literal["run", "runs", "version", "model", "models", "folder", "file", "nothing"]
Wanted = Literal["run", "servable", "source", "model", "models"]
_LOOKED_AT = 1000
_NAMED = 3
_EXPECTED: dict[Wanted, str] = {
    "run": "a run folder that 'modelwright train' wrote",
    "servable": "a model folder or one of its versions, made by 'modelwright export'",
    "source": "a run folder, or a model folder or one of its versions, made by 'modelwright"
    " export'",
    "model": "the folder of one model, models/NAME, made by 'modelwright export'",
    "models": "a folder of models, in which each model has a folder",
}


def kind_of(path: Path) -> Kind:
    """Returns what is at a path. ``runs`` and ``models`` are folders that hold such folders."""
    if not path.is_dir():
        return "file" if path.exists() else "nothing"
    if is_run(path):
        return "run"
    if _is_version(path):
        return "version"
    inside = subfolders(path)
    if any(is_run(folder) for folder in inside):
        return "runs"
    if any(folder.name.isascii() and folder.name.isdigit() for folder in inside):
        return "model"
    if any(_is_version(one) for folder in inside for one in subfolders(folder)):
        return "models"
    return "folder"


def is_run(path: Path) -> bool:
    """Returns whether a folder is a run, as far as the names of its files say."""
    if (path / RUN_RECORD).is_file():
        return True
    others = ("weights.weights.h5", "checkpoint.npz", "history.csv")
    return (path / "config.toml").is_file() and any((path / name).is_file() for name in others)


def subfolders(path: Path) -> list[Path]:
    """Returns the first thousand folders in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(path) as entries:
            found = [one.name for one in islice(entries, _LOOKED_AT) if one.is_dir()]
    except OSError:
        return []
    return [path / name for name in sorted(found) if not name.startswith(".")]


def wrong_folder(path: Path, wanted: Wanted) -> str:
    """Returns a message for a path that is not what a command wanted: what it is, what to do."""
    kind = kind_of(path)
    if kind == "nothing":
        return missing_path(path, _EXPECTED[wanted])
    if kind == "file":
        return f"{path} is a file; expected {_EXPECTED[wanted]}."
    return f"{path} {_advice(path, kind, wanted)}"


def missing_path(path: Path, expected: str) -> str:
    """Returns a message for a path with nothing there, with a path that is called almost like it.

    Args:
        path: the path.
        expected: what belongs there.
    """
    return f"{path} does not exist; expected {expected}.{_similar(path)}"


def _similar(path: Path) -> str:
    """Returns a question with a folder that exists and is called almost like a missing one."""
    missing = next((one for one in (*reversed(path.parents), path) if not one.exists()), path)
    beside = {one.name: one for one in subfolders(missing.parent)}
    for name in get_close_matches(missing.name, beside, 1):
        whole = beside[name] / path.relative_to(missing)
        return f" Did you mean '{whole if whole.exists() else beside[name]}'?"
    return ""


def _advice(path: Path, kind: Kind, wanted: Wanted) -> str:
    name = shlex.quote(str(path))
    if kind == "run" and wanted != "run":
        target = shlex.quote(f"models/{path.resolve().name}")
        then = " and give that folder" if wanted != "models" else " and give the folder models"
        return f"is a run, not a servable; first run: modelwright export {name} {target}{then}."
    if kind == "runs":
        first = (
            ""
            if wanted in ("run", "source")
            else ", which are exported first with modelwright export"
        )
        return (
            f"is a folder of runs{first}; expected {_EXPECTED[wanted]}. It holds"
            f" {_names(path, is_run)}; modelwright runs {name} lists them."
        )
    if wanted == "run" and kind in ("version", "model", "models"):
        what = "a folder of models" if kind == "models" else "a servable"
        return (
            f"is {what}, not a run; expected {_EXPECTED[wanted]}. modelwright runs lists the runs"
            " and where each was exported."
        )
    if kind == "models":
        return (
            f"is a folder of models; expected {_EXPECTED[wanted]}. It holds"
            f" {_names(path, lambda folder: kind_of(folder) == 'model')}."
        )
    if kind in ("model", "version") and wanted in ("model", "models"):
        above = path.resolve().parent if kind == "model" or wanted == "model" else None
        above = above or path.resolve().parent.parent
        what = "one model" if kind == "model" else "one version of a model"
        return f"is {what}; expected {_EXPECTED[wanted]}, here {_short(above)}."
    if wanted == "source":
        return f"is neither a run nor a servable; expected {_EXPECTED[wanted]}."
    if wanted == "run":
        return f"is not a run: {RUN_RECORD} is missing; expected {_EXPECTED[wanted]}."
    return f"holds no version; expected {_EXPECTED[wanted]}."


def _is_version(path: Path) -> bool:
    return any((path / name).is_file() for name in (SERVABLE_RECORD, "saved_model.pb"))


def _names(path: Path, belongs: Callable[[Path], bool]) -> str:
    found = [str(folder) for folder in subfolders(path) if belongs(folder)]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
