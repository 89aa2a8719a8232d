"""A manifest describes a version completely; whatever does not fit it is one clear error."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ServableError
from modelwright.servable.manifest import (
    MANIFEST,
    find_version,
    ignored_folders,
    read_manifest,
    version_folders,
    write_manifest,
)
from modelwright.servable.withdrawn import write_withdrawn


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


def test_the_version_of_a_model_is_the_newest_that_is_not_withdrawn(tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        (tmp_path / name).mkdir()
    write_withdrawn(tmp_path, [3])
    assert find_version(tmp_path) == tmp_path / "2"
    write_withdrawn(tmp_path, [1, 2, 3])
    with pytest.raises(ServableError, match=f"all versions of .* withdrawn.*{tmp_path / '3'}"):
        find_version(tmp_path)


def test_one_rule_says_which_folders_are_versions(tmp_path: Path) -> None:
    largest = str(2**63 - 1)
    names = ("007", "7", "08", largest, str(2**63), "9" * 100, "+1", "-1", "１", "−2", "x", "1.0")
    for name in names:
        (tmp_path / "m" / name).mkdir(parents=True)
    found = version_folders(tmp_path / "m")
    assert {number: path.name for number, path in found.items()} == {
        7: "7",
        8: "08",
        2**63 - 1: largest,
    }
    ignored = ignored_folders(tmp_path / "m")
    assert ignored.keys() == {"007", str(2**63), "9" * 100, "+1", "-1", "１", "−2"}
    assert ignored["007"] == "'7' is the same version"
    assert ignored["+1"] == "a version's name has only the digits 0 to 9"
    assert ignored[str(2**63)] == f"a version is at most {largest}"
    (tmp_path / "n" / "1" / "x").mkdir(parents=True)
    (tmp_path / "n" / "1").rename(tmp_path / "n" / "１")
    with pytest.raises(ServableError, match="Ignored: １: a version's name has only"):
        find_version(tmp_path / "n")


LITTER = (".DS_Store", "Thumbs.db", "._model.onnx", "onnx/model.onnx~", "..data/x", "#a#", "a.swp")


def test_litter_is_no_part_of_a_version(copy: Path) -> None:
    before = read_manifest(copy)
    for name in LITTER:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_bytes(b"litter")
    assert read_manifest(copy) == before
    # Neither does writing the manifest again list it: it may go away at any time.
    assert write_manifest(before, copy).files == before.files
    (copy / "onnx" / "more.onnx").touch()
    with pytest.raises(ServableError, match="onnx/more.onnx was added"):
        read_manifest(copy)
