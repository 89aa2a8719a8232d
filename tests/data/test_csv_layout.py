"""Text tables as people write them: other delimiters, loose quotes, no header."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records

COLUMNS = "columns: text from 'text', label from 'label'"


def read(path: Path, content: str, **config: object) -> Records:
    path.write_bytes(content.encode())
    return read_table(path, DataConfig(**config))


def rows(records: Records) -> list[tuple[str, str]]:
    return list(zip(records.values.to_pylist(), records.labels.to_pylist(), strict=True))


def table(*lines: str, mark: str = ",", header: str = "text,label") -> str:
    return "\n".join(line.replace(",", mark) for line in (header, *lines)) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("a.csv", table("a,x", "b,y", mark="|"), "separated by '|'"),
        ("a.csv", table("a,x", "b,y", mark="\t"), "separated by 'tab'"),
        ("a.csv", "sep=;\r\n" + table("a,x", "b,y", mark=";"), "(the first line says so)"),
        ("a.csv", "sep=^\n" + table("a,x", "b,y", mark="^"), "separated by '^'"),
        ("a.tsv", table("a,x", "b,y"), "separated by ','"),
        ("a.tab", table("a,x", "b,y", mark=";"), "separated by ';'"),
        ("a.tsv", "sep=\t\n" + table("a,x", "b,y", mark="\t"), ""),
    ],
)
def test_the_delimiter_is_found_and_told(
    tmp_path: Path, name: str, content: str, note: str
) -> None:
    found = read(tmp_path / name, content)
    assert rows(found) == [("a", "x"), ("b", "y")]
    assert found.origin(0) == f"{name} row 2"
    assert found.notes[0] == COLUMNS and (note in " ".join(found.notes[1:]))
    assert len(found.notes) == (2 if note else 1)


def test_most_lines_decide_between_two_delimiters(tmp_path: Path) -> None:
    content = "label|text, long\nx|a, b, c\ny|d\nx|e, f\n"
    found = read(tmp_path / "a.csv", content, text="text, long")
    assert rows(found) == [("a, b, c", "x"), ("d", "y"), ("e, f", "x")]
    quoted = read(tmp_path / "a.csv", 'text,label\n"a|b|c|d",x\n"e;f;g",y\n')
    assert rows(quoted) == [("a|b|c|d", "x"), ("e;f;g", "y")] and quoted.notes == (COLUMNS,)


@pytest.mark.parametrize("delimiter", ["tab", "\t", ":", "\x01"])
def test_the_user_names_the_delimiter(tmp_path: Path, delimiter: str) -> None:
    content = table("a,x", mark=delimiter.replace("tab", "\t"))
    found = read(tmp_path / "a.csv", content, delimiter=delimiter)
    assert rows(found) == [("a", "x")] and found.notes == (COLUMNS,)


LOOSE = ['"first half\tpos', "between\tneg", 'the rest"\tpos', '5" disk\tneg', "end\tpos"]


def test_quotes_that_do_not_pair_up_are_text_in_a_tab_separated_file(tmp_path: Path) -> None:
    content = table(*LOOSE, header="text\tlabel")
    found = read(tmp_path / "a.tsv", content)
    assert rows(found) == [tuple(line.split("\t")) for line in LOOSE]
    assert found.origin(4) == "a.tsv row 6"
    assert "quotes are read as text: 3 lines have quotes that don't pair up" in found.notes[1]
    swallowed = read(tmp_path / "a.tsv", content, quoting="double")
    assert len(rows(swallowed)) == 3
    assert "1 cell holds 2 line ends between what looks like rows" in swallowed.notes[1]
    for name in ("a.tsv", "a.csv"):
        told = read(tmp_path / name, content, quoting="none")
        assert rows(told) == rows(found)
    behind = read(tmp_path / "a.tsv", 'text\tlabel\n"Great" film\tpos\n"never closed\tneg\n')
    assert rows(behind) == [('"Great" film', "pos"), ('"never closed', "neg")]


def test_cells_of_a_tab_separated_file_may_hold_lines(tmp_path: Path) -> None:
    for content, text in (
        ('text\tlabel\n"one\ntwo"\tpos\nthree\tneg\n', "one\ntwo"),
        ('label\ttext\npos\t"one\ntwo"\nneg\tthree\n', "one\ntwo"),
        ('id\ttext\tlabel\n1\t"a ""b""\nc\td"\tpos\n2\tthree\tneg\n', 'a "b"\nc\td'),
    ):
        found = read(tmp_path / "a.tsv", content)
        assert rows(found) == [(text, "pos"), ("three", "neg")]
        assert not any("quote" in note for note in found.notes)


def test_rows_that_a_quote_swallowed_are_told(tmp_path: Path) -> None:
    lines = ["a,x", '"first half,x', "b,y", "c,x", 'the rest",y', "d,x"]
    found = read(tmp_path / "a.csv", table(*lines))
    assert len(found) == 3
    assert found.notes[1] == (
        "warning: 1 cell holds 3 line ends between what looks like rows: a quote in one row may "
        'be closed in another; if quotes are text, set data.quoting = "none"'
    )
    prose = read(tmp_path / "a.csv", table('"Yes, I liked it,\nand so, did he",x', "b,y"))
    assert prose.notes == (COLUMNS,)


def test_a_missing_header_is_told(tmp_path: Path) -> None:
    content = table("b,y", "c,x", "d,x", header="a,x")
    expected = r"first row looks like data: 'x' is in later rows too; then set data.header = false"
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "a.csv", content)
    with pytest.raises(DataError, match=r"first row looks like data: '1' is a number"):
        read(tmp_path / "a.csv", table("b,0", "c,1", header="a,1"))
    told = read(tmp_path / "a.csv", content, text="#1", label="#2")
    assert len(told) == 3 and "warning: the table may have no header" in told.notes[1]


def test_a_table_without_a_header(tmp_path: Path) -> None:
    content = table("b,y", "c,x,z", "d,x", "e,x", header="a,x")
    found = read(tmp_path / "a.csv", content, header=False)
    assert rows(found) == [("a", "x"), ("b", "y"), ("d", "x"), ("e", "x")]
    assert [found.origin(at) for at in (0, 2)] == ["a.csv row 1", "a.csv row 4"]
    assert [row.origin for row in found.rejected] == ["a.csv row 3"]
    assert "#2 has fewer different values and is taken for the label" in found.notes[1]
    swapped = read(tmp_path / "a.csv", content, header=False, text="#2", label="#1")
    assert rows(swapped)[0] == ("x", "a")
    with pytest.raises(DataError, match=r"no column with a usual name for the text.*#1, #2, #3"):
        read(tmp_path / "a.csv", "1,a,x\n2,b,y\n", header=False)
    plain = read(tmp_path / "a.csv", "a,x\nb,y\n", header=False, label="#2", text="#1")
    assert [plain.origin(at) for at in (0, 1)] == ["a.csv row 1", "a.csv row 2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# made by x, y\n" + table("a,x", "b,y"), "Row 2 looks like the header ('text, label')"),
        ("text:label\na:x\n", "read as one column; if ':' separates .* data.delimiter = \":\""),
        ("text  label\na  x\n", "if spaces separate the columns, write commas or tabs"),
        ("text，label\na，x\n", "if '，' separates the columns, write commas"),
        (
            "text,food,price\na,0,1\nb,1,0\n",
            "food, price hold only 0 and 1, as if each was a class",
        ),
        ("text\na\n", r"usual name for the label\. Name it"),
    ],
)
def test_a_table_without_the_columns_is_explained(
    tmp_path: Path, content: str, message: str
) -> None:
    pattern = message if ".*" in message or "\\" in message else re.escape(message)
    with pytest.raises(DataError, match=pattern):
        read(tmp_path / "a.csv", content)


@pytest.mark.parametrize(
    "header",
    ["ｔｅｘｔ,ＬＡＢＥＬ", "text,\u200blabel", "\ufeff\ufefftext,label", "\n  \n\ntext,label"],
)
def test_the_form_of_usual_names_makes_no_difference(tmp_path: Path, header: str) -> None:
    found = read(tmp_path / "a.csv", table("a,x", "b,y", header=header))
    assert rows(found) == [("a", "x"), ("b", "y")]


def test_rows_that_repeat_the_header_are_no_class(tmp_path: Path) -> None:
    found = read(tmp_path / "a.csv", table("a,x", "text,label", "b,y", "text,z"))
    assert rows(found) == [("a", "x"), ("b", "y"), ("text", "z")]
    assert [(row.origin, row.reason) for row in found.rejected] == [
        ("a.csv row 3", "repeats the header")
    ]
    assert [found.origin(at) for at in range(3)] == ["a.csv row 2", "a.csv row 4", "a.csv row 5"]
    kept = read(tmp_path / "a.csv", table("a,x", "b,y"), header=False)
    assert any("the first row has usual names of columns" in note for note in kept.notes)


def test_quotes_that_are_escaped_otherwise_are_explained(tmp_path: Path) -> None:
    one, two = '"he said \\"hi\\" twice",x', '"he said \\"ho\\" once",y'
    with pytest.raises(DataError, match=r'every row has text behind .* written as "" and not as'):
        read(tmp_path / "a.csv", table(one, two))
    found = read(tmp_path / "a.csv", table("a,x", one, "b,y"))
    assert [row.origin for row in found.rejected] == ["a.csv row 3"]
    assert any('data.quoting = "none"' in note for note in found.notes)


def test_a_delimiter_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one column; if ',' separates .* data.delimiter = \",\""):
        read(tmp_path / "a.csv", table("a,x", "b,y"), delimiter=";")
