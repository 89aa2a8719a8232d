"""Writes folders with untrained models, for tests that read only their names and manifests."""

from __future__ import annotations

from pathlib import Path

from modelwright.servable.manifest import EXAMPLES, FORMAT, Manifest, write_manifest


def add_exported(models: Path, name: str, version: int = 1) -> Path:
    """Writes a version with a manifest that lists its files."""
    folder = add_savedmodel(models, name, str(version))
    (folder / EXAMPLES).write_text("{}\n")
    record = Manifest(
        format=FORMAT,
        name=name,
        version=version,
        created="2026-01-01T00:00:00Z",
        task="text",
        labels=("neg", "pos"),
        shape=None,
        tta=False,
        tolerance=1e-4,
        engines={"savedmodel": {}},
        config={},
        data={},
        metrics={},
        versions={},
        files={},
    )
    write_manifest(record, folder)
    return folder


def add_savedmodel(models: Path, name: str, version: str = "1") -> Path:
    """Writes a version that has only the file of a SavedModel."""
    folder = models / name / version
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder


def add_both_kinds(models: Path) -> Path:
    """Writes two exported models, one of them in two versions, and a SavedModel from elsewhere."""
    add_exported(models, "sentiment", 1)
    add_exported(models, "sentiment", 2)
    add_exported(models, "Colours_2.1")
    add_savedmodel(models, "half_plus_two", "00000123")
    return models
