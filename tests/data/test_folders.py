from __future__ import annotations

import io
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.readers import zip_folders
from modelwright.data.readers.folders import read_folder, read_zip
from modelwright.data.readers.named_folders import NamedFolders


def png(value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(file, format="PNG")
    return file.getvalue()


def fill(root: Path, names: list[str]) -> Path:
    for at, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(at) if path.suffix.lower() in IMAGE_EXTENSIONS else b"text")
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


def test_links_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    outside = fill(tmp_path / "out", ["cats/1.png", "dogs/2.png", "dogs/deep/3.png"])
    root = fill(tmp_path / "in", ["cat/1.png"])
    (root / "cat/again.png").symlink_to(root / "cat/1.png")
    (root / "cat/outside.png").symlink_to(outside / "cats/1.png")
    (root / "dog").symlink_to(outside / "dogs")
    (outside / "dogs/back").symlink_to(outside / "dogs")
    (root / "hound").symlink_to(outside / "dogs")
    (root / "part").symlink_to(outside / "dogs/deep")
    (root / "loop").symlink_to(root)
    (root / "up").symlink_to(tmp_path)
    (root / "lost").symlink_to(tmp_path / "nowhere")
    found = read_folder(root)
    assert [found.origin(at) for at in range(len(found))] == [
        "cat/1.png",
        "cat/outside.png",
        "dog/2.png",
        "dog/deep/3.png",
    ]
    reasons = {row.origin: row.reason for row in found.rejected}
    assert reasons.keys() == {"cat/again.png", "dog/back", "hound", "part", "loop", "up", "lost"}
    assert reasons["lost"] == "is a link that leads nowhere, or in a circle"
    assert reasons["up"] == f"is a link to {tmp_path}, which the folder itself lies in"
    assert reasons["hound"] == f"is a link to {outside}/dogs, which is read already"
    assert any("(2): cat/outside.png to" in note for note in found.notes)


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
    monkeypatch.setattr(zip_folders, "MAX_ZIP_BYTES", 3_000_000)
    with pytest.raises(DataError, match=r"taken for a compression bomb"):
        read_zip(path)


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (["Training/cat/1.png", "Testing/cat/2.png"], ["test", "train"]),
        (["训练集/猫/1.png", "验证集/猫/2.png", "测试集/猫/3.png"], ["test", "train", "val"]),
        (["a/b/train/cat/1.png", "a/b/val/dog/2.png", "a/look.png"], ["train", "val"]),
        (
            [f"seg_{s}/seg_{s}/{c}/1.png" for s in ("test", "train") for c in ("cat", "dog")],
            ["test", "test", "train", "train"],
        ),
        (["cat/test/1.png", "cat/train/2.png", "dog/train/x/3.png"], ["test", "train", "train"]),
    ],
)
def test_folders_of_splits_in_every_usual_form(
    tmp_path: Path, names: list[str], splits: list[str]
) -> None:
    found = read_folder(fill(tmp_path / "disk", names))
    assert found.splits == splits
    assert set(found.labels) <= {"cat", "dog", "猫"}
    assert any("splits are read from folders: " in note for note in found.notes)
    zipped = read_zip(make_zip(tmp_path / "a.zip", {f"outer/{name}": png() for name in names}))
    assert sorted(zip(zipped.splits or [], zipped.labels, strict=True)) == sorted(
        zip(splits, found.labels, strict=True)
    )


def named(**folders: str | list[str]) -> NamedFolders:
    return NamedFolders.of(DataConfig(**folders), Path("pets"))


def test_named_folders_may_begin_with_their_source() -> None:
    config = DataConfig(source=["a", "data/b"], skip=["a/x", "data/b/y", "z"], train_folder=".")
    assert NamedFolders.of(config, Path("a")) == NamedFolders({(): "train"}, (("x",), ("z",)))
    assert NamedFolders.of(config, Path("data/b")).skip == (("y",), ("z",))


def test_an_odd_folder_next_to_splits_is_an_error_that_names_the_ways_out(tmp_path: Path) -> None:
    names = [f"{f}/cat/1.png" for f in ("train", "valid", "augmented")]
    root = fill(tmp_path / "pets", names)
    with pytest.raises(
        DataError,
        match=r"\(train/ as train, valid/ as val\) and next to them augmented/\. Leave it out with "
        r"--set data\.skip=augmented, or name the split: --set data\.train_folder=augmented",
    ):
        read_folder(root)
    skipped = read_folder(root, named=named(skip="augmented"))
    assert skipped.splits == ["train", "val"]
    assert "data.skip leaves out augmented/ (1 file)" in skipped.notes
    joined = read_folder(root, named=named(train_folder=["augmented/", "train"]))
    assert joined.splits == ["train", "train", "val"]
    assert set(read_folder(root, named=named(train_folder=".")).labels) == {
        "augmented",
        "train",
        "valid",
    }
    with pytest.raises(DataError, match=r"no folder 'argmented' .* data.skip. Did you mean 'aug"):
        read_folder(root, named=named(skip="argmented"))


def test_a_folder_of_a_split_without_classes_holds_no_rows(tmp_path: Path) -> None:
    names = ["train/cat/1.png", "train/dog/2.png", "test/3.png", "test/4.png"]
    found = read_folder(fill(tmp_path / "a", names))
    assert (found.labels, found.splits) == (["cat", "dog"], ["train", "train"])
    assert any(note.startswith("test/ is not read: its 2 files") for note in found.notes)
    with pytest.raises(DataError, match=r"expected a folder per class in each, such as test/CLASS"):
        read_folder(fill(tmp_path / "b", ["train/1.png", "test/2.png"]))


def test_a_class_may_have_the_name_of_a_split(tmp_path: Path) -> None:
    found = read_folder(fill(tmp_path, ["cat/1.png", "dog/2.png", "test/3.png"]))
    assert (found.labels, found.splits) == (["cat", "dog", "test"], None)
    assert any(note.startswith("the folder test/ is read as a class") for note in found.notes)


def test_splits_and_other_files_in_one_class_are_an_error(tmp_path: Path) -> None:
    root = fill(tmp_path, ["cat/train/1.png", "cat/test/2.png", "dog/more/3.png"])
    with pytest.raises(DataError, match=r"\(test, train\), and dog/more lies in none"):
        read_folder(root)


def test_what_is_passed_over_is_said(tmp_path: Path) -> None:
    names = ["cat/1.png", "dog/2.JPG", "cat/._1.png", "Thumbs.db", ".DS_Store", "bird/3.doc"]
    root = fill(tmp_path, [*names, "cat/4.tmp", "cat/5.heif"])
    (root / "fish").mkdir()
    (root / "cat/4.tmp").write_bytes(png())
    (root / "cat/5.heif").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0")
    found = read_folder(root)
    assert found.labels == ["cat", "dog"]
    notes = "\n".join(found.notes)
    assert "were not read (3): .DS_Store, Thumbs.db, cat/._1.png" in notes
    assert "empty folders, which are no classes (1): fish/" in notes
    assert "no file in bird/ can be read" in notes
    reasons = {row.origin: row.reason for row in found.rejected}
    assert reasons["cat/4.tmp"] == "is a PNG image under another name; rename it to .png"
    assert reasons["cat/5.heif"] == "is a HEIC file, which is not read; save it as JPEG or PNG"


class _Unmarked(zipfile.ZipInfo):
    """A member whose name has no mark of UTF-8."""

    codec = "gbk"

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode(self.codec), self.flag_bits & ~0x800


def unmarked_zip(path: Path, codec: str, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            member = _Unmarked(name)
            member.codec = codec
            archive.writestr(member, png())
    return path


@pytest.mark.parametrize(
    ("codec", "name", "encoding", "note"),
    [
        ("gbk", "图片/圆形", "auto", "are read as GB18030; data.encoding names another encoding"),
        ("utf-8", "圆形", "auto", "are read as UTF-8;"),
        ("cp437", "café", "auto", "are read as CP437;"),
        ("shift_jis", "まる", "shift_jis", "are read as SHIFT_JIS, as data.encoding says"),
        ("big5", "圖片/貓貓", "auto", "are read as BIG5; data"),
        ("shift_jis", "猫画像", "auto", "are read as SHIFT_JIS; data"),
        ("cp1252", "café", "auto", "are read as CP1252; data"),
        ("cp437", "Ärzte", "auto", "are read as CP437; data"),
        ("cp866", "кошка", "auto", "are read as CP866; data"),
        ("gbk", "圆形", "utf-8", "are read as GB18030: they are not utf-8 (data.encoding)"),
    ],
)
def test_unmarked_names_in_a_zip(
    tmp_path: Path, codec: str, name: str, encoding: str, note: str
) -> None:
    names = [f"{name}/1.png", f"{name}/2.png"]
    found = read_zip(unmarked_zip(tmp_path / "a.zip", codec, names), encoding)
    assert found.labels == [name.rpartition("/")[2]] * 2
    assert any(note in line for line in found.notes)


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


def test_a_stray_image_among_texts_makes_no_images(tmp_path: Path) -> None:
    texts = [f"{label}/{at}.txt" for label in ("pos", "neg") for at in range(3)]
    for at, stray in enumerate(("cover.png", "pos/cover.png")):
        found = read_folder(fill(tmp_path / str(at), [*texts, stray]))
        assert (found.task, len(found)) == ("text", 6)
        assert [(row.origin, row.reason) for row in found.rejected] == [
            (stray, "is an image among texts")
        ]
    assert any("not the 1 image among them" in note for note in found.notes)
    described = read_folder(fill(tmp_path / "b", ["cat/1.png", "dog/1.png", "dog/1.txt", "a.txt"]))
    assert described.task == "image"
    pairs = [f"{label}/{at}.{kind}" for label in "ab" for at in (1, 2) for kind in ("png", "txt")]
    listed = fill(tmp_path / "c", [*pairs, "a/classes.txt", "b/classes.txt"])
    assert (read_folder(listed).task, len(read_folder(listed))) == ("image", 4)
    assert any("not the 1 text among them" in note for note in described.notes)


@pytest.mark.parametrize("inside", ["images", "Unknown", "test", "图片"])
def test_a_split_with_one_folder_that_is_no_class_has_no_labels(
    tmp_path: Path, inside: str
) -> None:
    names = ["train/cat/1.png", "train/dog/2.png", f"test/{inside}/3.png", f"test/{inside}/4.png"]
    found = read_folder(fill(tmp_path, names))
    assert (found.labels, found.splits) == (["cat", "dog"], ["train", "train"])
    assert "test/ is not read: its 2 files lie in no folder of a class" in found.notes[0]


def test_classes_with_the_same_folders_in_them_are_told(tmp_path: Path) -> None:
    names = [f"{fold}/{label}/1.png" for fold in ("a", "b") for label in ("cat", "dog")]
    found = read_folder(fill(tmp_path / "same", names))
    assert found.labels == ["a", "a", "b", "b"]
    [note] = found.notes
    assert note.startswith("warning: the classes are a/, b/, and the folders in them, cat, dog, do")
    assert 'data.train_folder = ["a", "b"]' in note
    other = ["b/bird/1.png", "c/cat/1.png"]
    [note] = read_folder(fill(tmp_path / "other", [*names, *other])).notes
    assert note.startswith("the classes are a/, b/, c/, and the folders in them, bird, cat, dog")
    confirmed = read_folder(tmp_path / "same", named=NamedFolders({(): "train"}))
    assert confirmed.labels == ["a", "a", "b", "b"]
    assert not any("do not count" in note for note in confirmed.notes)
    named = NamedFolders({("a",): "train", ("b",): "train"})
    assert read_folder(tmp_path / "same", named=named).labels == ["cat", "dog", "cat", "dog"]


def test_a_table_next_to_one_folder_is_named(tmp_path: Path) -> None:
    names = ["images/1.png", "images/2.png", "labels.csv"]
    with pytest.raises(DataError, match=r"next to it labels\.csv.*give its path: .*/labels\.csv"):
        read_folder(fill(tmp_path / "a", names))
    path = make_zip(tmp_path / "a.zip", {name: png() for name in names})
    with pytest.raises(DataError, match="unpacked from the zip file"):
        read_zip(path)


def test_files_that_are_not_read_say_what_they_are(tmp_path: Path) -> None:
    fill(tmp_path, ["cat/1.png", "cat/more.zip"])
    (tmp_path / "dog").mkdir()
    (tmp_path / "dog/2").write_bytes(png())
    found = read_folder(tmp_path)
    assert [row.reason.partition(";")[0] for row in found.rejected] == [
        "is packed, and not read inside of another source",
        "is a PNG image under another name",
    ]
    (tmp_path / "cat/1.png").unlink()
    with pytest.raises(DataError, match="dog/2 is a PNG image under another name"):
        read_folder(tmp_path)


def test_a_name_that_is_in_a_zip_file_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("cat/1.png", "cat/1.png", "dog/1.png"):
            archive.writestr(name, png())
    found = read_zip(path)
    assert len(found) == 2
    assert [row.reason for row in found.rejected] == ["is in the zip file twice; the last is read"]


def test_a_folder_for_two_splits_is_an_error(tmp_path: Path) -> None:
    config = DataConfig(train_folder="a", test_folder=["b", "a"])
    with pytest.raises(
        DataError, match=r"'a' is given as data\.train_folder and as data\.test_folder"
    ):
        NamedFolders.of(config, tmp_path)


def test_numbered_splits_are_splits(tmp_path: Path) -> None:
    names = [f"{split}/{label}/1.png" for split in ("1_train", "2_test") for label in ("a", "b")]
    assert read_folder(fill(tmp_path, names)).splits == ["train", "train", "test", "test"]
