from __future__ import annotations

import datetime
import io
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as paparquet
import pytest
from PIL import Image

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.load import load_data
from modelwright.data.readers.split_tables import read_split_files, split_files
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records


def read(path: Path, content: str | bytes, **config: object) -> Records:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, DataConfig(**config))


def rows(records: Records) -> list[tuple[str, str]]:
    return list(zip(records.values.to_pylist(), records.labels.to_pylist(), strict=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "label,text\r\npos,good\r\nneg,bad\r\n"),
        ("a.csv", "\n\ntext,label\ngood,pos\n\nbad,neg\n"),
        ("a.csv", "text,label\rgood,pos\rbad,neg\r"),
        ("a.csv", "Review;Sentiment\ngood;pos\nbad;neg"),
        ("a.csv", "评论,标签\ngood,pos\nbad,neg\n"),
        ("a.csv", "text\tlabel\ngood\tpos\nbad\tneg\n"),
        ("a.tsv", "id\tTEXT\tclass\n1\tgood\tpos\n2\tbad\tneg\n"),
        ("a.csv", b"\xef\xbb\xbftext,label\ngood,pos\nbad,neg\n"),
        ("a.csv", "text,label\ngood,pos\nbad,neg\n".encode("utf-16")),
        (
            "a.jsonl",
            '{"text": "good", "label": "pos"}\n\n{"label": "neg", "text": "bad", "x": []}\n',
        ),
        ("a.ndjson", '{"text": "good", "label": "pos"}\n{"text": "bad", "label": "neg"}'),
    ],
)
def test_columns_delimiters_and_marks_are_found(tmp_path: Path, name: str, content: str) -> None:
    assert rows(read(tmp_path / name, content)) == [("good", "pos"), ("bad", "neg")]


def test_named_columns_go_before_usual_ones(tmp_path: Path) -> None:
    content = "text,label,title,stars\na,b,c,1\n"
    found = read(tmp_path / "a.csv", content, text="title", label="stars")
    assert rows(found) == [("c", "1")]


def test_texts_are_not_changed(tmp_path: Path) -> None:
    texts = [
        "NA",
        "null",
        " x ",
        "😀👩‍👩‍👧",
        "a<br />b&amp;",
        "，。！？“”",
        'say "hi"',
        "a\nb\r\nc",
        "字" * 100_000,
    ]
    quoted = "".join('"' + text.replace('"', '""') + '",l\n' for text in texts)
    assert [text for text, _ in rows(read(tmp_path / "a.csv", "text,label\n" + quoted))] == texts
    lines = "".join(json.dumps({"text": text, "label": "l"}) + "\n" for text in texts)
    assert [text for text, _ in rows(read(tmp_path / "a.jsonl", lines))] == texts


def test_rows_of_another_width_are_rejected_by_number(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", 'text,label\n"a\nb",x\nshort\nc,y\nd,e,f\ng,z\n')
    assert rows(found) == [("a\nb", "x"), ("c", "y"), ("g", "z")]
    assert [(row.origin, row.reason) for row in found.rejected] == [
        ("a.csv row 3", "has 1 columns, expected 2"),
        ("a.csv row 5", "has 3 columns, expected 2"),
    ]
    assert [found.origin(at) for at in range(3)] == ["a.csv row 2", "a.csv row 4", "a.csv row 6"]


def test_an_unclosed_quote_swallows_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3 opens a quote that is never closed"):
        read(tmp_path / "a.csv", 'text,label\na,x\n"b,y\nc,z\nd,w\n')
    with pytest.raises(
        DataError, match=r"line 3 opens a quote that closes in the middle of a later"
    ):
        read(tmp_path / "a.csv", 'text,label\na,x\n"b,y\nc,z\n"d",w\n')


def test_text_behind_a_closing_quote_costs_one_row(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", 'text,label\n"good" film,x\n5" disk,y\nshort\n"b",z\n')
    assert rows(found) == [('5" disk', "y"), ("b", "z")]
    assert [(row.origin, row.reason) for row in found.rejected] == [
        ("a.csv row 2", "has text behind a closing quote"),
        ("a.csv row 4", "has 1 columns, expected 2"),
    ]
    assert [found.origin(at) for at in range(2)] == ["a.csv row 3", "a.csv row 5"]


def test_ten_megabytes_in_one_cell(tmp_path: Path) -> None:
    huge = "x" * 10_000_000
    content = f"text,label\n{huge},a\nb,b\n" + "".join(
        f"t{at},{'ab'[at % 2]}\n" for at in range(40)
    )
    assert rows(read(tmp_path / "a.csv", content))[0] == (huge, "a")
    data = load_data(tmp_path / "a.csv")
    assert [row.reason for row in data.rejected] == ["has a text of more than 1,000,000 characters"]


def test_other_encodings_are_explained(tmp_path: Path) -> None:
    content = "text,label\n好,x\n很差,y\n"
    with pytest.raises(DataError, match=r'not UTF-8: line 2 has the byte 0x\w\w.*"gb18030"'):
        read(tmp_path / "a.csv", content.encode("gb18030"))
    assert rows(read(tmp_path / "a.csv", content.encode("gb18030"), encoding="gb18030")) == [
        ("好", "x"),
        ("很差", "y"),
    ]
    with pytest.raises(DataError, match=r"UTF-16 without a mark.*utf-16-le"):
        read(tmp_path / "a.csv", "text,label\nab,x\n".encode("utf-16-le"))
    with pytest.raises(DataError, match=r"a.csv is not ascii: line 2 has the byte 0xe5"):
        read(tmp_path / "a.csv", content, encoding="ascii")
    for codec in ("klingon", "rot13", "zlib"):
        with pytest.raises(ConfigError, match=f"'data.encoding' was given '{codec}'"):
            read(tmp_path / "a.csv", content, encoding=codec)


def test_missing_columns_are_explained(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"no column 'txet', given as data.text \(--text-column\). "
        r"Did you mean 'text'\? Columns: text, label",
    ):
        read(tmp_path / "a.csv", "text,label\na,b\n", text="txet")
    with pytest.raises(
        DataError, match=r"no column with a usual name for the label.*Columns: text, y"
    ):
        read(tmp_path / "a.csv", "text,y\na,b\n")
    with pytest.raises(DataError, match=r"no column with a usual name for the text"):
        read(tmp_path / "a.csv", "a,b\nc,d\n")
    with pytest.raises(DataError, match=r"has the column 'text' 2 times"):
        read(tmp_path / "a.csv", "text,text,label\na,b,c\n", text="text")
    with pytest.raises(DataError, match=r"from the one column 'label'"):
        read(tmp_path / "a.csv", "text,label\na,b\n", text="label")
    with pytest.raises(DataError, match=r"a.csv is empty"):
        read(tmp_path / "a.csv", "")


def test_a_column_of_splits(tmp_path: Path) -> None:
    content = "text,label,split\na,x,Train\nb,y,validation\nc,x,test\nd,y,\n"
    assert read(tmp_path / "a.csv", content).splits == ["train", "val", "test", None]
    other = "text,label,set\na,x,blue\nb,y,red\n"
    for split in (None, "set"):
        with pytest.raises(DataError, match=r"has 'blue' in the column 'set'.*data.split_names"):
            read(tmp_path / "a.csv", other, split=split)
    assert read(tmp_path / "a.csv", other, split="none").splits is None


def test_bad_lines_of_json_are_rejected(tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "label": 1}',
        "{broken",
        "[1]",
        '{"text": 5.5, "label": 1}',
        '{"text": "\\ud800", "label": 1}',
        '{"text": "b", "label": true}',
        '{"text": "c"}',
        '{"text": "d", "label": 2.0}',
    ]
    found = read(tmp_path / "a.jsonl", "\n".join(lines))
    assert rows(found) == [("a", "1"), ("b", "true"), ("c", None), ("d", "2")]
    assert [row.origin for row in found.rejected] == [f"a.jsonl row {at}" for at in (2, 3, 4, 5)]
    assert found.origin(2) == "a.jsonl row 7"
    with pytest.raises(DataError, match=r"line 1 is not a JSON object"):
        read(tmp_path / "a.jsonl", "[1]\n")


def test_no_parser_accepts_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    good = b'{"text": "a", "label": 1}\n'
    found = read(tmp_path / "a.jsonl", good + b'{"text": "\xff", "label": 1}\n')
    assert [(row.origin, row.reason) for row in found.rejected] == [
        ("a.jsonl row 2", "is not UTF-8")
    ]
    chinese = '{"text": "很差", "label": 1}\n'.encode("gb18030")
    with pytest.raises(DataError, match=r"not UTF-8: line 1 .*gb18030"):
        read(tmp_path / "a.jsonl", chinese)
    broken = pa.array([b"\xff"]).cast(pa.binary()).view(pa.string())
    paparquet.write_table(pa.table({"text": broken, "label": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"not a readable Parquet file.*UTF8"):
        read_table(tmp_path / "a.parquet", DataConfig())


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    for content in ("text,label", "text,label\n"):
        assert rows(read(tmp_path / "a.csv", content)) == []


def test_texts_of_json_that_look_like_dates_stay_text(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", '{"text": "2020-01-01", "label": false}\n')
    assert rows(found) == [("2020-01-01", "false")]


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (pa.array([1, 0]), ["1", "0"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array([1.0, None]), ["1", None]),
        (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
        (pa.array(["x", "y"], pa.large_string()).dictionary_encode(), ["x", "y"]),
        (pa.array([Decimal(1), None], pa.decimal128(3, 0)), ["1", None]),
        (pa.array([Decimal("1.50"), Decimal("2.00")], pa.decimal128(5, 2)), ["1.50", "2"]),
        (pa.array([0.5, float("nan")]), ["0.5", None]),
        (pa.array([["x"], None]), ["x", None]),
        (pa.array([b"x", "é".encode()]), ["x", "é"]),
    ],
)
def test_labels_of_parquet_become_text(tmp_path: Path, labels: pa.Array, expected: list) -> None:
    path = tmp_path / "a.parquet"
    paparquet.write_table(pa.table({"text": ["a", "b"], "label": labels}), path)
    assert read_table(path, DataConfig()).labels.to_pylist() == expected


def test_wrong_types_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    paparquet.write_table(pa.table({"text": ["a"], "label": [datetime.date(2026, 1, 2)]}), path)
    with pytest.raises(DataError, match=r"dates or times as labels \(type date32"):
        read_table(path, DataConfig())
    paparquet.write_table(pa.table({"text": ["a"], "label": [["x", "y"]]}), path)
    with pytest.raises(DataError, match=r"several labels in 1 of 1 rows"):
        read_table(path, DataConfig())
    paparquet.write_table(pa.table({"text": [1], "label": ["x"]}), path)
    with pytest.raises(DataError, match=r"texts of the type int64"):
        read_table(path, DataConfig())
    path.write_bytes(b"PAR1 not at all")
    with pytest.raises(DataError, match=r"a.parquet is not a readable Parquet file"):
        read_table(path, DataConfig())


def test_texts_of_parquet_may_be_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for kind in (pa.binary(), pa.large_binary()):
        texts = pa.array(["好".encode(), b"\xff", None], kind)
        paparquet.write_table(pa.table({"text": texts, "label": ["x", "y", "z"]}), path)
        found = read_table(path, DataConfig())
        assert found.values.to_pylist() == ["好", None, None]
        assert any("read as UTF-8" in note for note in found.notes)


def test_nested_columns_of_parquet(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    nested = [{"text": "a", "n": 1}, {"text": "b", "n": 2}]
    labels = [{"name": "x"}, {"name": "y"}]
    paparquet.write_table(pa.table({"data": nested, "label": labels}), path)
    with pytest.raises(DataError, match=r"labels of the type struct.*such as COLUMN.name"):
        read_table(path, DataConfig())
    assert rows(read_table(path, DataConfig(label="label.name"))) == [("a", "x"), ("b", "y")]


def test_columns_of_parquet_with_one_name(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table([["a"], ["x"], ["b"], ["y"]], ["text", "label", "text", "label"])
    paparquet.write_table(table, path)
    assert rows(read_table(path, DataConfig(text="#3", label="#2"))) == [("b", "x")]
    with pytest.raises(DataError, match=r"'text' 2 times"):
        read_table(path, DataConfig())


def png(color: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, format="PNG")
    return file.getvalue()


def test_images_inside_parquet_as_hugging_face_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    images = [{"bytes": png(color), "path": None} for color in ("red", "blue", "lime")]
    features = {"label": {"names": ["dog", "cat"], "_type": "ClassLabel"}}
    table = pa.table({"image": images, "label": [1, 0, 1]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    paparquet.write_table(table, path)
    data = load_data(DataConfig(source=str(path), val=0, test=0))
    assert (data.task, data.labels, data.shape) == ("image", ("dog", "cat"), (8, 8, 3))
    assert data.splits["train"].inputs.take(np.array([1]))[0, 0, 0].tolist() == [0, 0, 255]
    assert data.splits["train"].labels.tolist() == [1, 0, 1]


def test_paths_of_images_never_leave_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.png").write_bytes(png())
    (folder / "a.png").write_bytes(png())
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    content = (
        f"file,label\na.png,x\n../secret.png,x\n{tmp_path}/secret.png,x\nlink.png,x\nno.png,x\n,x\n"
    )
    found = read(folder / "t.csv", content)
    assert found.values == [folder / "a.png"]
    reasons = [row.reason for row in found.rejected]
    assert [("outside" in reason) for reason in reasons] == [True, True, True, False, False]
    assert "no file" in reasons[3] and reasons[4] == "has no image"
    assert found.rejected[0].origin == "t.csv row 3"


def test_a_folder_with_a_table_for_each_split(tmp_path: Path) -> None:
    for name in ("train", "valid", "test"):
        (tmp_path / f"{name}.csv").write_text(f"text,label\n{name} a,x\n{name} b,y\n")
    (tmp_path / "unlabeled.csv").write_text("text\nz\n")
    files = split_files(tmp_path)
    records = read_split_files(files, tmp_path, DataConfig())
    assert records.splits == ["test", "test", "train", "train", "val", "val"]
    assert records.origin(2) == "train.csv row 2"
    assert records.notes == (
        "columns: text from 'text', label from 'label'",
        f"unlabeled.csv in {tmp_path.name} is not read: no split's name",
    )


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\x1f\x8b\x08", "a file packed with gzip"),
        (b"PK\x03\x04", r"a zip file or a workbook \(\.xlsx\)"),
        (b"\x89PNG\r\n\x1a\n", r"an image \(PNG\)"),
        (b"PAR1", "a Parquet file"),
    ],
)
def test_another_kind_of_file_under_the_name_of_a_table(
    tmp_path: Path, start: bytes, what: str
) -> None:
    (tmp_path / "a.csv").write_bytes(start + b"text,label\n\xff")
    with pytest.raises(DataError, match=rf"a\.csv is {what} under another name; rename it"):
        read_table(tmp_path / "a.csv", DataConfig())


def test_a_label_in_a_list_of_fixed_length(tmp_path: Path) -> None:
    labels = pa.array([["a"], ["b"], None], pa.list_(pa.string(), 1))
    path = tmp_path / "a.parquet"
    paparquet.write_table(pa.table({"text": ["x", "y", "z"], "label": labels}), path)
    assert read_table(path, DataConfig()).labels.to_pylist() == ["a", "b", None]
