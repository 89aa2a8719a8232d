"""A version's folder: whether its files are usable, and whether Modelwright exported it."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.servable.engines.registry import added_folders
from modelwright.servable.manifest import EXAMPLES, MANIFEST, Manifest, read_manifest
from modelwright.servable.tokenizer import TOKENIZER

SAVED_MODEL = "saved_model.pb"


def read_version(folder: Path) -> Manifest | None:
    """Returns the checked manifest of a version; None for a SavedModel that has none.

    Raises:
        ServableError: a file is damaged, missing or was added, or the folder is no version.
    """
    if (folder / MANIFEST).exists():
        return read_manifest(folder)
    if not (folder / SAVED_MODEL).is_file():
        raise ServableError(
            f"{folder} holds neither {MANIFEST} nor {SAVED_MODEL}; expected a version"
            " that 'modelwright export' wrote, or a SavedModel."
        )
    # Only an export writes these. Without a manifest they mean that the copy is incomplete.
    if any((folder / name).exists() for name in (TOKENIZER, EXAMPLES, *added_folders())):
        raise ServableError(f"{folder} is not complete: {MANIFEST} is missing.")
    return None
