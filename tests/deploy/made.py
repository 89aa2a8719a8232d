"""Folders with models that nobody trained, for what only reads their names and manifests."""

from __future__ import annotations

from pathlib import Path

from modelwright.servable.manifest import EXAMPLES, FORMAT, Manifest, write_manifest


def own(models: Path, name: str, version: int = 1) -> Path:
    """A version with a manifest that lists its files."""
    folder = foreign(models, name, str(version))
    (folder / EXAMPLES).write_text("{}\n")
    about = Manifest(
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
    write_manifest(about, folder)
    return folder


def foreign(models: Path, name: str, version: str = "1") -> Path:
    """A version with nothing but what a SavedModel has."""
    folder = models / name / version
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    return folder


def both(models: Path) -> Path:
    """The folder with two models of its own kind, one in two versions, and a foreign one."""
    own(models, "sentiment", 1)
    own(models, "sentiment", 2)
    own(models, "Colours_2.1")
    foreign(models, "half_plus_two", "00000123")
    return models
