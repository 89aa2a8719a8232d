"""What the list of versions shows of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.servable.manifest import EXAMPLES, FORMAT, Manifest, read_manifest, write_manifest
from modelwright.servable.versions import versions


def write_version(folder: Path, **fields: Any) -> None:
    folder.mkdir(parents=True)
    (folder / EXAMPLES).touch()
    values: dict[str, Any] = {
        **{"format": FORMAT, "name": "made", "version": 1, "created": "2026-01-01T00:00:00Z"},
        **{"task": "text", "labels": ("neg", "pos"), "shape": None, "tta": False},
        **{"tolerance": 1e-4, "engines": {"onnx": {}}, "config": {}, "data": {}},
        **{"metrics": {}, "versions": {}, "files": {}},
    }
    write_manifest(Manifest(**{**values, **fields}), folder)


def test_a_model_without_validation_rows_and_an_updated_one_are_listed(tmp_path: Path) -> None:
    measured = {"accuracy": 0.9, "macro_f1": 0.89}
    write_version(tmp_path / "1", metrics={"training": {"val_accuracy": None}, "test": measured})
    lineage = {"parent": 1, "strategy": "replay"}
    metrics = {"training": {"val_accuracy": 0.8}}
    write_version(tmp_path / "2", metrics=metrics, lineage=lineage)
    report = versions(tmp_path)
    newer, older = report.versions
    assert older["figures"] == "test 90.00 %, macro-F1 0.8900"
    assert (newer["figures"], newer["lineage"]) == ("val 80.00 %", lineage)
    assert "val 80.00 %; updated from 1 by replay" in report.render()
    assert read_manifest(tmp_path / "1").lineage == {}
