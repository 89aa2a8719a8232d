"""The models below a folder, and the reason for each entry in it that is no model.

A folder is a model if it holds a folder whose name is a version number. The folder of models is
itself a model if a numbered folder in it holds a version. If it holds versions and models, all of
them are served, so that a stray folder never hides a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from modelwright.servable.engines.registry import added_folders
from modelwright.servable.manifest import EXAMPLES, MANIFEST, ignored_folders, version_folders
from modelwright.servable.tokenizer import TOKENIZER
from modelwright.servable.version_folder import SAVED_MODEL
from modelwright.servable.withdrawn import WITHDRAWN_FILE
from modelwright.serve.config import MODEL_NAME
from modelwright.serve.lifecycle.model_config import ModelEntry

_SHOWN = 50
"""Entries whose reasons are kept; a folder may hold thousands of other files."""


@dataclass(frozen=True)
class FoundModels:
    """The models of a folder by name, and why each other entry of the folder is no model."""

    entries: Mapping[str, ModelEntry]
    skipped: Mapping[str, str]


def models_in_folder(root: Path) -> FoundModels:
    """Returns every model below a folder, and the model that the folder itself is, if it is one.

    Raises:
        OSError: the folder cannot be read.
    """
    entries, skipped = {}, {}
    for path in sorted(root.iterdir()):
        if reason := _why_no_model(path):
            skipped[path.name] = reason
        else:
            entries[path.name] = ModelEntry(path.name, path)
    versions = set(version_folders(root).values())
    if entries:
        # Without models, a numbered folder may be a version whose files have not arrived yet.
        versions = {path for path in versions if _holds_version(path)}
    if versions and root.name in entries:
        for path in versions:
            skipped[path.name] = (
                f"is a version next to models, and {root.name}/{root.name} has the name that its"
                " model would get; move it into the folder of its model"
            )
    elif versions:
        entries[root.name] = ModelEntry(root.name, root)
        known = {WITHDRAWN_FILE, *(path.name for path in versions)}
        skipped = {name: reason for name, reason in skipped.items() if name not in known}
    return FoundModels(entries, skipped)


def skipped_in_model(entry: ModelEntry) -> dict[str, str]:
    """Returns why folders in a model's folder are no versions, where they seem to be some."""
    try:
        named = [
            path.name
            for path in sorted(entry.base.iterdir())
            if not path.name.startswith(".") and not path.name.isdigit() and _holds_version(path)
        ]
        ignored = ignored_folders(entry.base)
    except OSError:
        return {}
    reasons = dict.fromkeys(named, "is a version whose name is no number; expected 1, 2 and so on")
    return {**reasons, **{name: f"is no version: {why}" for name, why in ignored.items()}}


def first_reasons(reasons: Mapping[str, str]) -> dict[str, str]:
    """Returns the first entries, and how many there are besides."""
    shown = dict(islice(reasons.items(), _SHOWN))
    more = len(reasons) - len(shown)
    return {**shown, "...": f"and {more} more"} if more else shown


def _why_no_model(path: Path) -> str:
    """Returns why an entry of the models folder is no model; empty if it is one."""
    if not path.is_dir():
        broken = path.is_symlink() and not path.exists()
        return "is a link to nothing" if broken else "is not a folder"
    if path.name.startswith("."):
        return "is hidden, because its name begins with a dot"
    if not version_folders(path):
        return _without_versions(path)
    if not MODEL_NAME.fullmatch(path.name):
        return "has a name that no model can have; expected one without ':' and spaces"
    return ""


def _without_versions(path: Path) -> str:
    try:
        names = [one.name for one in sorted(path.iterdir()) if one.is_dir()]
        ignored = ignored_folders(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    shown = [f"{name} ({ignored[name]})" if name in ignored else name for name in names[:3]]
    found = f"; it holds {', '.join(shown)}" if shown else ""
    return f"holds no folder whose name is a version number{found}"


def _holds_version(path: Path) -> bool:
    """Whether a folder holds a file of a version, even if the copy of it is incomplete."""
    names = (MANIFEST, SAVED_MODEL, TOKENIZER, EXAMPLES, "variables", *added_folders())
    return any((path / name).exists() for name in names)
