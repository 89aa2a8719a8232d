"""Readers of files of any size: every row in its order, every cell as it was, in any blocks."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.scoring import chunks, text_stream
from modelwright.scoring.columns import choose_column
from modelwright.scoring.csv_source import CsvSource
from modelwright.scoring.folder_source import find_images
from modelwright.scoring.inputs import open_input
from modelwright.scoring.json_source import JsonSource, LineSource

Rows = list[list[str]]


def read_all(source: CsvSource | LineSource | JsonSource, rows: int = 3) -> tuple[Rows, list[str]]:
    """Returns the cells and the faults of all rows."""
    tables = [table for table, _ in source.tables(rows)]
    assert all(len(table) == rows for table in tables[:-1])
    cells: Rows = []
    faults: list[str] = []
    for table in tables:
        columns = table.to_pydict()
        faults += [fault or "" for fault in columns.pop(chunks.FAULT)]
        cells += [list(row) for row in zip(*columns.values(), strict=True)]
    return cells, faults


CELL = st.text(st.sampled_from('ab ,;\t"\r\n很😀|'), max_size=6)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.tuples(CELL, CELL), max_size=9),
    block=st.integers(1, 40),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_a_well_formed_csv_is_read_as_pythons_own_reader_does(
    rows: Sequence[tuple[str, str]],
    block: int,
    quoting: int,
    end: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_stream, "BLOCK", block)
    if quoting == csv.QUOTE_MINIMAL:  # Python leaves a lone "\r" without quotes
        rows = [(one.replace("\r", ""), other.replace("\r", "")) for one, other in rows]
    written = io.StringIO()
    writer = csv.writer(written, quoting=quoting, lineterminator=end)  # type: ignore[arg-type]
    writer.writerows([("text", "no"), *rows])
    path = tmp_path / "t.csv"
    path.write_bytes(written.getvalue().encode())
    cells, faults = read_all(CsvSource(path, "auto"))
    assert cells == [list(row) for row in rows]
    assert not any(faults)


BROKEN = """text,no
007,1

"a ""quoted"" one",2
"closed" too early,3
one,two,three
alone
"never closed,6
fine,7
"""


@pytest.mark.parametrize("block", [1, 5, 13, 2**20])
def test_a_broken_row_keeps_its_place_and_its_cells(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_stream, "BLOCK", block)
    path = tmp_path / "t.csv"
    path.write_text(BROKEN + "\n\n")
    source = CsvSource(path, "auto")
    cells, faults = read_all(source)
    assert cells == [
        ["007", "1"], ["", ""], ['a "quoted" one', "2"], ['"closed" too early', "3"],
        ["one", "two,three"], ["alone", ""], ['"never closed', "6"], ["fine", "7"],
    ]  # fmt: skip
    assert faults == [
        "", "", "", "has text behind a closing quote", "has 3 columns, expected 2",
        "has 1 column, expected 2", "opens a quote that is not closed", "",
    ]  # fmt: skip
    assert source.blank_at_end == 2


@pytest.mark.parametrize("block", [3, 2**20])
def test_quotes_in_a_tab_separated_file_never_join_rows(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_stream, "BLOCK", block)
    path = tmp_path / "t.tsv"
    path.write_text('text\tno\n"first half\t1\nplain\t2\nthe rest"\t3\n"one\nof two lines"\t4\n')
    source = CsvSource(path, "auto")
    assert read_all(source)[0] == [
        ['"first half', "1"], ["plain", "2"], ['the rest"', "3"], ["one\nof two lines", "4"],
    ]  # fmt: skip
    assert source.literal_quotes == 1


@pytest.mark.parametrize("row", ["plain,1", '"quoted, ""one""",1', '5" screen,1'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("block", [1, 2**20])
def test_blank_lines_at_the_end_are_counted_and_no_rows(
    row: str, end: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_stream, "BLOCK", block)
    path = tmp_path / "t.csv"
    path.write_bytes(end.join(["text,no", row, "", row, "", "", ""]).encode())
    source = CsvSource(path, "auto")
    cells, _ = read_all(source)
    assert [bool(one) for one, _ in cells] == [True, False, True]
    assert source.blank_at_end == 2


def test_a_column_alone_keeps_its_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("text\na\n\nb\n\n")
    assert read_all(CsvSource(path, "auto")) == ([["a"], [""], ["b"], [""]], [""] * 4)


@pytest.mark.parametrize(
    ("name", "content", "names"),
    [
        ("sep.csv", "\ufeffsep=;\r\ntext;no\r\na, b;1\r\n", ["text", "no"]),
        ("tie.csv", "text;a,b\nx;1\ny;2\n", ["text", "a,b"]),
        ("commas.tsv", "text,no\nx,1\ny,2\n", ["text", "no"]),
    ],
)
def test_columns_are_separated_as_for_a_training(
    name: str, content: str, names: list[str], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content)
    source = CsvSource(path, "auto")
    assert source.names == names
    assert source.notes[0].startswith("the columns are separated by '")
    cells, faults = read_all(source)
    assert {len(row) for row in cells} == {2} and not any(faults)


def test_a_table_without_a_header_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("very good,1\nbad,0\nbad,1\n")
    with pytest.raises(DataError, match="may have no header, since its first row looks like data"):
        open_input(path, "text", DataConfig(), None, ".csv")
    opened = open_input(path, "text", DataConfig(text="#1"), None, ".csv")
    assert opened.notes[-1].endswith("its first row was not scored")


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-32", "gb18030", "utf-16-le", "utf-32-be"]
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_encoding_and_gzip_are_undone(encoding: str, packed: bool, tmp_path: Path) -> None:
    content = "评论,no\n很好,1\n差,2\n".encode(encoding)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(content) if packed else content)
    given = encoding if encoding in ("gb18030", "utf-16-le", "utf-32-be") else "auto"
    assert read_all(CsvSource(path, given))[0] == [["很好", "1"], ["差", "2"]]


def test_the_users_codec_and_the_files_mark(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("text,no\n很好,1\n".encode("utf-16-le"))
    assert read_all(CsvSource(path, "utf-16"))[0] == [["很好", "1"]]
    path.write_bytes("text,no\n很好,1\n".encode("gbk"))
    with pytest.raises(DataError, match="is not utf-16"):
        CsvSource(path, "utf-16")
    path.write_text("\ufefftext,no\n很好,1\n")
    with pytest.raises(DataError, match="begins with the mark of UTF-8"):
        CsvSource(path, "gbk")


def test_a_file_in_another_encoding_is_refused_and_a_row_in_one_is_rejected(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("text\n很好\n差\n".encode("gb18030"))
    with pytest.raises(DataError, match="--encoding gb18030"):
        CsvSource(path, "auto")
    with pytest.raises(DataError, match="is not ascii: 2 of its first 2 lines"):
        CsvSource(path, "ascii")
    with pytest.raises(ConfigError, match="codec"):
        CsvSource(path, "gkb")
    path.write_bytes("text,no\n很好,1\n".encode() + b"caf\xe9,2\n" + "差,3\nü,4\n".encode())
    cells, faults = read_all(CsvSource(path, "auto"))
    assert cells == [["很好", "1"], ["caf\ufffd", "2"], ["差", "3"], ["ü", "4"]]
    assert faults == ["", "has bytes that are not in the file's encoding", "", ""]
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        CsvSource(path, "auto")


def test_lines_keep_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_stream, "BLOCK", 4)
    path = tmp_path / "t.txt"
    path.write_text("one\r\n\n\ntwo\n\n")
    source = LineSource(path, "auto")
    cells, faults = read_all(source, 2)
    assert cells == [["one"], [""], [""], ["two"]]
    assert faults == ["", "is a blank line", "is a blank line", ""]
    assert source.blank_at_end == 1


LINES = """{"text": "a", "n": 1, "deep": {"x": [1]}, "mix": 1}
{"text": "b", "n": 2.5, "deep": {"x": []}, "mix": "one", "late": true}
nonsense
{"text": "\\ud800", "n": null}
"""


def test_objects_become_columns_with_their_own_types(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(LINES)
    source = JsonSource(path, "auto", typed=True)
    assert source.names == ["text", "n", "deep", "mix", "late"]
    assert source.schema.field(1).type == pa.float64()
    assert source.mixed == ["text", "mix"]
    cells, faults = read_all(source)
    assert cells[0] == ['"a"', 1.0, {"x": [1]}, "1", None]
    assert cells[1] == ['"b"', 2.5, {"x": []}, '"one"', True]
    assert faults[2].startswith("is not JSON")
    plain = JsonSource(path, "auto", typed=False)
    cells, _ = read_all(plain)
    assert cells[0] == ["a", "1", '{"x": [1]}', "1", None]
    assert cells[3][0] == '"\\ud800"'


def test_the_column_is_named_recorded_or_usual() -> None:
    names = ["id", "评论", "content", "notes"]
    plain = DataConfig()

    def choose(config: DataConfig, recorded: str | None) -> tuple[str, tuple[str, ...]]:
        choice = choose_column(names, "text", config, recorded, "t.csv")
        return choice.name, choice.others

    assert choose(plain, None) == ("content", ("评论",))
    assert choose(plain, "评论") == ("评论", ("content",))
    assert choose(plain, "gone") == ("content", ("评论",))
    assert choose(DataConfig(text="notes"), "评论")[0] == "notes"
    with pytest.raises(DataError, match="no column 'note'.*'notes'"):
        choose(DataConfig(text="note"), None)
    with pytest.raises(DataError, match="usual name for the image.*--image-column"):
        choose_column(names, "image", plain, None, "t.csv")


def test_litter_and_other_files_are_counted_and_links_followed(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    (folder / "a").mkdir(parents=True)
    (folder / ".git").mkdir()
    for name in ("a/1.png", "a/._1.png", ".DS_Store", "Thumbs.db", "notes.txt", ".git/x.png"):
        (folder / name).touch()
    (folder / "linked").symlink_to(folder / "a")
    (folder / "a" / "loop").symlink_to(folder)
    found = find_images(folder)
    assert [path.relative_to(folder).as_posix() for path in found.paths] == [
        "a/1.png",
        "linked/1.png",
    ]
    assert sum(found.skipped.values()) == 6


def test_large_rows_make_small_chunks() -> None:
    table = pa.table({"0": ["x" * 2**20] * 40})
    sizes = [len(part) for part in chunks.regroup([table], 40)]
    assert sum(sizes) == 40 and max(sizes) <= 16


def test_a_training_and_a_scoring_skip_the_same_files() -> None:
    names = ("._a", ".git", "Thumbs.db", "THUMBS.DB", "ehthumbs.db", "__MACOSX", "@eaDir")
    assert all(map(is_hidden, names))
    assert not is_hidden("cat")
