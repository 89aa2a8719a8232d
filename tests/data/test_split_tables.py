"""Packed tables, and several tables that are one source."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.load import load_data
from modelwright.data.readers import packed

TRAIN = "text,label\n" + "".join(f"row {at},{'xy'[at % 2]}\n" for at in range(30))
TEST = "text,label\n" + "".join(f"test {at},{'xy'[at % 2]}\n" for at in range(10))


def load(source: Path, **config: object):
    return load_data(DataConfig(source=str(source), **{"val": 0, "test": 0, **config}))


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_packed_tables_are_read(tmp_path: Path, suffix: str, pack) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(pack(TRAIN.encode()))
    data = load(path)
    assert data.counts() == {"train": 30}
    assert data.splits["train"].inputs.origin(0) == "a.csv row 2"
    path.write_bytes(pack(TRAIN.encode())[:-12])
    with pytest.raises(DataError, match=rf"a.csv{suffix} cannot be unpacked.*damaged"):
        load(path)
    path.write_bytes(b"text,label\na,x\n")
    with pytest.raises(DataError, match=rf"a.csv{suffix} cannot be unpacked"):
        load(path)
    (tmp_path / f"a.txt{suffix}").write_bytes(b"x")
    with pytest.raises(DataError, match="unpack it"):
        load(tmp_path / f"a.txt{suffix}")


def test_compression_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_ALWAYS_ALLOWED", 1000)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"text,label\n" + b"a,b\n" * 100_000))
    zipped(tmp_path / "a.zip", {"a.csv": "text,label\n" + "a,b\n" * 100_000})
    for name in ("a.csv.gz", "a.zip"):
        with pytest.raises(DataError, match=r"unpacks to more than .*compression bomb"):
            load(tmp_path / name)


def test_a_table_in_a_zip_file_is_read_and_told(tmp_path: Path) -> None:
    path = zipped(
        tmp_path / "a.zip",
        {"in/reviews.csv": TRAIN, "__MACOSX/._reviews.csv": "x", "README.txt": "x"},
    )
    data = load(path)
    assert data.counts() == {"train": 30}
    assert "in/reviews.csv in a.zip is read, and not README.txt" in data.notes
    assert data.splits["train"].inputs.origin(0) == "reviews.csv row 2"


def test_several_tables_in_a_zip_file_are_splits_or_an_error(tmp_path: Path) -> None:
    members = {"d/train.csv": TRAIN, "d/test.csv": TEST, "d/more.csv": TEST}
    data = load(zipped(tmp_path / "a.zip", members))
    assert data.counts() == {"train": 30, "test": 10}
    assert "d/more.csv in a.zip is not read: no split's name" in data.notes
    with pytest.raises(DataError, match=r"b.zip holds 2 tables.*: a.csv, b.csv; unpack it"):
        load(zipped(tmp_path / "b.zip", {"a.csv": TRAIN, "b.csv": TEST}))


class GbkName(zipfile.ZipInfo):
    """A name as Chinese Windows writes it: in GBK, without the flag for UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def test_names_of_tables_in_a_zip_file_from_chinese_windows(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(GbkName("数据/训练集.csv"), TRAIN)
        archive.writestr(GbkName("数据/测试集.csv"), TEST)
    assert load(tmp_path / "a.zip").counts() == {"train": 30, "test": 10}


def test_splits_in_other_words_and_shards(tmp_path: Path) -> None:
    for name in ("Training.csv", "Testing.csv"):
        (tmp_path / name).write_text(TRAIN if name == "Training.csv" else TEST)
    assert load(tmp_path).counts() == {"train": 30, "test": 10}
    (tmp_path / "Training.csv").rename(tmp_path / "reviews_train-00000-of-00002.csv")
    (tmp_path / "Testing.csv").rename(tmp_path / "reviews_test-00000-of-00001.csv")
    (tmp_path / "reviews_train-00001-of-00002.csv").write_text(TEST.replace("test", "more"))
    assert load(tmp_path).counts() == {"train": 40, "test": 10}


def test_one_split_in_two_formats_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "train.csv.gz").write_bytes(gzip.compress(TRAIN.encode()))
    with pytest.raises(DataError, match=r"train split several times: train.csv, train.csv.gz"):
        load(tmp_path)


def test_a_test_table_without_labels_is_left_out_and_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "test.csv").write_text("id,text\n1,a\n")
    data = load(tmp_path, test=0.2)
    assert sum(data.counts().values()) == 30
    assert any(note.startswith("test.csv in ") and "no column of labels" in note
               for note in data.notes)  # fmt: skip
    (tmp_path / "train.csv").write_text("id,text\n1,a\n")
    with pytest.raises(DataError, match="train.csv has no column with a usual name for the label"):
        load(tmp_path)


def test_the_training_table_decides_the_columns_of_the_others(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(TRAIN.replace("label", "sentiment"))
    more = TEST.replace("text,label", "id,text,category,sentiment")
    (tmp_path / "test.csv").write_text(
        more.replace("test ", "7,test ").replace(",x", ",book,x").replace(",y", ",food,y")
    )
    data = load(tmp_path)
    assert data.labels == ("x", "y") and data.counts() == {"train": 30, "test": 10}
    [note] = [note for note in data.notes if note.startswith("test.csv: columns")]
    assert "label from 'sentiment'; 'category' could be the label too" in note


def test_what_lies_next_to_a_table_in_a_zip_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("reviews.csv.gz", gzip.compress(TRAIN.encode()))
        archive.writestr("README.md", "")
        archive.writestr("logo.png", b"\x89PNG")
    data = load(path)
    assert data.counts() == {"train": 30}
    assert "reviews.csv.gz in a.zip is read, and not README.md, logo.png" in data.notes
    (tmp_path / "b" / "extra").mkdir(parents=True)
    (tmp_path / "b/train.csv").write_text(TRAIN)
    (tmp_path / "b/README.md").write_text("")
    notes = load(tmp_path / "b").notes
    assert "README.md, extra/ in b are not read" in notes
