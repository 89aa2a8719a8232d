"""Bytes that are not UTF-8 are explained; nothing is guessed and nothing is cut off in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records

TABLE = "text,label\n" + "好看,x\n难看,y\n" * 20


def read(path: Path, content: bytes, **config: object) -> Records:
    path.write_bytes(content)
    return read_table(path, DataConfig(**config))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_marks_name_the_codec(tmp_path: Path, codec: str) -> None:
    assert read(tmp_path / "a.csv", TABLE.encode(codec)).values.to_pylist()[:2] == ["好看", "难看"]


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("gb18030", "这本书很好看"),
        ("big5", "這本書很好看"),
        ("shift_jis", "これはとても良い"),
        ("cp1252", "très bon café, déjà vu"),
    ],
)
def test_the_codec_that_fits_is_named_with_what_it_reads(
    tmp_path: Path, codec: str, text: str
) -> None:
    content = "text,label\n" + f'"{text} and more",x\n' * 20
    with pytest.raises(DataError, match=rf"--encoding {codec}\); there it has '.*{text[3:6]}"):
        read(tmp_path / "a.csv", content.encode(codec))


def test_a_header_in_another_codec_is_no_missing_column(tmp_path: Path) -> None:
    content = "评论,标签\n很好,好评\n很差,差评\n".encode("gb18030")
    with pytest.raises(DataError, match=r"not UTF-8: line 1 .*gb18030\); there it has '评论,标签'"):
        read(tmp_path / "a.csv", content)


def test_bytes_of_no_likely_codec(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"set data.encoding \(--encoding\) to the file's own"):
        read(tmp_path / "a.csv", b"text,label\n" + bytes(range(128, 256)) + b",x\n")


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode() + "好".encode()[:2],
        TABLE.encode() + "好,看".encode()[:-1],
        TABLE.encode("utf-16")[:-1],
        TABLE.encode("utf-8-sig") + "😀".encode()[:3],
    ],
)
def test_a_file_that_is_cut_off(
    tmp_path: Path, content: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"a.csv ends in the middle of a character.*cut off"):
        read(tmp_path / "a.csv", content)
    assert capfd.readouterr().err == ""
    whole = read(tmp_path / "a.csv", TABLE[:-1].encode("gb18030"), encoding="gb18030")
    assert len(whole) == 40
    with pytest.raises(DataError, match="ends in the middle of a character"):
        read(tmp_path / "a.csv", (TABLE + "好").encode("gb18030")[:-1], encoding="gb18030")


def test_bad_rows_of_another_codec_leave_no_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = "text,label\n好,x\n很差\n难看,y\n".encode("gb18030")
    with pytest.raises(DataError, match=r"is not UTF-8: line 2"):
        read(tmp_path / "a.csv", content)
    assert capfd.readouterr().err == ""


def test_utf16_without_a_mark_is_seen_in_chinese_too(tmp_path: Path) -> None:
    for codec in ("utf-16-le", "utf-16-be"):
        with pytest.raises(DataError, match=rf"UTF-16 without a mark.*--encoding {codec}"):
            read(tmp_path / "a.csv", TABLE.encode(codec))
        assert len(read(tmp_path / "a.csv", TABLE.encode(codec), encoding=codec)) == 40


def test_a_mark_that_contradicts_the_codec(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mark of UTF-8, and data.encoding is 'gb18030'"):
        read(tmp_path / "a.csv", TABLE.encode("utf-8-sig"), encoding="gb18030")


def test_a_codec_that_does_not_fit_may_be_why_a_file_seems_cut_off(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cut off.*Or it is not utf-16: see data\.encoding"):
        read(tmp_path / "a.csv", b"text,label\na,x\nb,y\n", encoding="utf-16")
