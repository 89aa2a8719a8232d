from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.core.errors import DataError
from modelwright.data.readers import folders
from modelwright.data.readers.folders import read_folder, read_zip


def png(value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def fill(root: Path, names: list[str]) -> Path:
    for at, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(at) if path.suffix.lower() in folders.IMAGE_EXTENSIONS else b"text")
    return root


def test_the_class_is_the_first_folder(tmp_path: Path) -> None:
    fill(tmp_path, ["cat/1.PNG", "cat/deep/er/2.jpeg", "狗/3.png", "train/4.png"])
    found = read_folder(tmp_path)
    assert found.task == "image"
    assert found.labels == ["cat", "cat", "train", "狗"]
    assert found.splits is None
    assert found.origin(1) == "cat/deep/er/2.jpeg"


def test_splits_above_the_classes(tmp_path: Path) -> None:
    fill(
        tmp_path, ["train/cat/1.png", "Validation/cat/2.png", "test/dog/x/3.png", "train/stray.png"]
    )
    found = read_folder(tmp_path)
    assert found.splits == ["val", "test", "train"]
    assert found.labels == ["cat", "dog", "cat"]
    assert [row.reason for row in found.rejected] == ["lies in no folder of a class"]


def test_hidden_files_are_ignored_and_other_files_are_rejected(tmp_path: Path) -> None:
    names = ["cat/1.png", "cat/.2.png", ".git/3.png", "__MACOSX/cat/4.png", "cat/notes.doc", "a.md"]
    found = read_folder(fill(tmp_path, names))
    assert len(found) == 1
    assert {row.origin: row.reason for row in found.rejected} == {
        "cat/notes.doc": "is not an image file",
        "a.md": "is not an image file",
    }


def test_links_out_of_the_folder_are_not_read(tmp_path: Path) -> None:
    outside = fill(tmp_path / "out", ["secret/1.png"])
    root = fill(tmp_path / "in", ["cat/1.png"])
    (root / "cat/inside.png").symlink_to(root / "cat/1.png")
    (root / "cat/outside.png").symlink_to(outside / "secret/1.png")
    (root / "dog").symlink_to(outside / "secret")
    (root / "loop").symlink_to(root)
    found = read_folder(root)
    assert [found.origin(at) for at in range(len(found))] == ["cat/1.png", "cat/inside.png"]
    assert [row.reason for row in found.rejected] == [
        "is a link that leaves the folder",
        "is a link that leaves the folder",
        "is a link to a folder",
    ]


def test_texts(tmp_path: Path) -> None:
    fill(tmp_path, ["pos/1.txt", "neg/2.txt", "neg/3.txt"])
    (tmp_path / "neg/2.txt").write_text("不好\n再见", encoding="utf-8")
    (tmp_path / "neg/3.txt").write_bytes("不好".encode("gb18030"))
    found = read_folder(tmp_path)
    assert (found.task, found.values, found.labels) == (
        "text",
        ["不好\n再见", "text"],
        ["neg", "pos"],
    )
    assert found.rejected[0].origin == "neg/3.txt"
    assert "not UTF-8" in found.rejected[0].reason
    assert read_folder(tmp_path, "gb18030").values[1] == "不好"


def test_a_folder_without_classes(tmp_path: Path) -> None:
    for names in ([], ["1.png"], ["cat/readme.md"]):
        with pytest.raises(DataError, match=r"holds no folder of a class"):
            read_folder(fill(tmp_path, names))


def make_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_reads_as_its_folder(tmp_path: Path) -> None:
    names = ["pets/train/cat/1.png", "pets/test/dog/2.png", "__MACOSX/pets/._1.png"]
    path = make_zip(tmp_path / "a.zip", {name: png() for name in names})
    found = read_zip(path)
    assert (found.labels, found.splits) == (["cat", "dog"], ["train", "test"])
    assert found.values == [png(), png()]
    plain = make_zip(tmp_path / "b.zip", {"cat/1.png": png(), "cat/2.png": png()})
    assert read_zip(plain).labels == ["cat", "cat"]


@pytest.mark.parametrize(
    "name", ["../out.png", "/etc/cat/1.png", "cat/../../1.png", "C:\\a\\1.png", "..\\cat\\1.png"]
)
def test_members_outside_the_root_are_rejected(tmp_path: Path, name: str) -> None:
    path = make_zip(tmp_path / "a.zip", {"cat/1.png": png(), name: png()})
    with pytest.raises(DataError, match=r"a path outside where it belongs"):
        read_zip(path)


def test_links_and_passwords_in_a_zip_are_rejected(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("cat/1.png")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"links in a zip file are not read"):
        read_zip(tmp_path / "a.zip")
    content = bytearray(make_zip(tmp_path / "b.zip", {"cat/1.png": png()}).read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "b.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"has a password"):
        read_zip(tmp_path / "b.zip")


def test_a_compression_bomb_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "a.zip", {f"cat/{at}.png": bytes(1_000_000) for at in range(5)})
    monkeypatch.setattr(folders, "MAX_ZIP_BYTES", 3_000_000)
    with pytest.raises(DataError, match=r"taken for a compression bomb"):
        read_zip(path)


def test_a_damaged_zip(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=r"not a readable zip file"):
        read_zip(tmp_path / "a.zip")
    content = bytearray(
        make_zip(tmp_path / "b.zip", {"cat/1.png": png(), "cat/2.png": png(9)}).read_bytes()
    )
    content[50] ^= 0xFF
    (tmp_path / "b.zip").write_bytes(content)
    found = read_zip(tmp_path / "b.zip")
    assert len(found) == 1
    assert "cannot be unpacked" in found.rejected[0].reason
