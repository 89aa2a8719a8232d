"""A version's folder: whether its files are usable, and whether Modelwright exported it."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.servable import manifest
from modelwright.servable.manifest import Manifest

SAVED_MODEL = "saved_model.pb"
_EXPORTED = ("tokenizer.json", manifest.EXAMPLES, "onnx", "litert")
"""Files that only an export writes: without a manifest they mean that the copy is incomplete."""


def read_version(folder: Path) -> Manifest | None:
    """Returns the checked manifest of a version; None for a SavedModel that has none.

    Raises:
        ServableError: a file is damaged, missing or was added, or the folder is no version.
    """
    if (folder / manifest.MANIFEST).exists():
        return manifest.read(folder)
    if not (folder / SAVED_MODEL).is_file():
        raise ServableError(
            f"{folder} holds neither {manifest.MANIFEST} nor {SAVED_MODEL}; expected a version"
            " that 'modelwright export' wrote, or a SavedModel."
        )
    if any((folder / name).exists() for name in _EXPORTED):
        raise ServableError(f"{folder} is not complete: {manifest.MANIFEST} is missing.")
    return None
