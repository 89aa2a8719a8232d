"""A manifest describes a version completely; whatever does not fit it is one clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ServableError
from modelwright.servable.manifest import MANIFEST, find_version, read_manifest, version_folders


@pytest.fixture
def copy(text_servable: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_servable, tmp_path / "sentiment" / "1"))


def change(folder: Path, **values: object) -> None:
    """Changes keys in a manifest's file."""
    record = json.loads((folder / MANIFEST).read_text("utf-8"))
    (folder / MANIFEST).write_text(json.dumps({**record, **values}), "utf-8")


@pytest.mark.parametrize("name", ["saved_model.pb", "examples.jsonl", "assets/vocabulary.txt"])
def test_a_changed_missing_or_added_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes() + b"\n")
    with pytest.raises(ServableError, match=f"not as it was exported: {name} has changed"):
        modelwright.verify(copy)
    (copy / name).unlink()
    with pytest.raises(ServableError, match=f"{name} is missing"):
        modelwright.load(copy)
    (copy / "stray").touch()
    with pytest.raises(ServableError, match="stray was added"):
        modelwright.load(copy)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format": 99}, "has servable format 99; this version reads 1"),
        ({"task": "sound"}, "cannot be read: ValueError task 'sound'"),
        ({"files": {"../../x": ""}}, "points outside the folder"),
        ({"engines": {}}, "cannot be read: ValueError engines"),
        ({"engines": {"litert-../../x": {}}}, "cannot be read: ValueError engines"),
        ({"engines": {"savedmodel": {"examples": "../elsewhere.jsonl"}}}, "is not listed"),
        ({"engines": {"savedmodel": {"examples": "/etc/hostname"}}}, "is not listed"),
    ],
)
def test_an_invalid_manifest_is_refused(
    copy: Path, values: dict[str, object], message: str
) -> None:
    change(copy, **values)
    with pytest.raises(ServableError, match=message):
        modelwright.load(copy)


def test_a_manifest_that_is_not_an_object_is_refused(copy: Path) -> None:
    (copy / MANIFEST).write_text("[1]")
    with pytest.raises(ServableError, match="cannot be read"):
        modelwright.load(copy)


def test_a_folder_that_is_not_a_servable_is_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ServableError, match="nowhere does not exist; expected a model folder"):
        modelwright.load(tmp_path / "nowhere")
    with pytest.raises(ServableError, match="holds no version"):
        modelwright.load(copy / "assets")
    with pytest.raises(ServableError, match="is not a servable: modelwright.json is missing"):
        read_manifest(tmp_path)


def test_the_newest_version_is_found_by_its_number(tmp_path: Path) -> None:
    for name in ("2", "10", "1", "x", "٣"):
        (tmp_path / name).mkdir()
    (tmp_path / "11").touch()
    assert list(version_folders(tmp_path)) == [1, 2, 10]
    assert find_version(tmp_path) == tmp_path / "10"
