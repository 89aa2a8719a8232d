"""Scored files: every row and column as it was, answers or errors, and going on after a stop."""

from __future__ import annotations

import csv
import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as paparquet
import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError, ServableError
from modelwright.scoring import inputs, predict_file
from modelwright.scoring.added_columns import add_columns, unique_names
from modelwright.scoring.formats import CsvFormat, JsonFormat
from modelwright.scoring.pool import AnswerPool
from modelwright.scoring.score_report import ScoreReport

TEXTS = ["很好", "awful", "", "great, really\n“good”", " ", "\0", "差"]


@pytest.fixture
def score(text_servable: Path, tmp_path: Path) -> Callable[..., tuple[ScoreReport, Path]]:
    """Scores a file in this process."""

    def run(source: Path, output: str = "out.csv", **options: Any) -> tuple[ScoreReport, Path]:
        path = tmp_path / "scored" / output
        options.setdefault("workers", 1)
        return modelwright.predict_file(text_servable, source, path, **options), path

    return run


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV whose cells look like other types, with texts that cannot be answered."""
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "note"])
        writer.writerows([f"{n:03}", text, "NA"] for n, text in enumerate(TEXTS, 7))
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the rows of an output as dictionaries."""
    if path.suffix == ".parquet":
        rows: list[dict[str, Any]] = paparquet.read_table(path).to_pylist()
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))


@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
def test_every_row_keeps_its_place_its_cells_and_its_error(
    output: str, score: Callable[..., tuple[ScoreReport, Path]], table: Path, text_servable: Path
) -> None:
    report, path = score(table, output)
    rows = read_rows(path)
    assert [row["id"] for row in rows] == [f"{n:03}" for n in range(7, 14)]
    assert [row["text"] for row in rows] == TEXTS
    assert {row["note"] for row in rows} == {"NA"}
    added = ["predicted_label", "probability", "probability_neg", "probability_pos", "error"]
    assert list(rows[0]) == ["id", "text", "note", *added]
    bare = modelwright.load(text_servable).predict(TEXTS)
    for row, answer, text in zip(rows, bare, TEXTS, strict=True):
        if text.strip(" \0"):
            assert row["predicted_label"] == answer.label
            assert float(row["probability"]) == pytest.approx(answer.score, abs=1e-6)
            assert float(row["probability_neg"]) == pytest.approx(answer.probabilities["neg"])
            assert not row["error"]
        else:
            assert not any(row[name] for name in added[:-1])
            assert "text" in row["error"]
    assert (report.rows, report.predicted, report.rejected) == (7, 4, 3)
    assert report.examples[0] == ("in.csv row 4", "has an empty text")
    assert {"rows", "predicted", "rejected", "seconds", "output", "column", "engine"} <= set(
        report.to_dict()
    )
    assert "first rejected rows" in report.render()
    assert not path.with_name(f"{path.name}.part").exists()


def test_types_of_parquet_stay(
    score: Callable[..., tuple[ScoreReport, Path]], tmp_path: Path
) -> None:
    day = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    given = pa.table(
        {
            "text": pa.array(["很好", None]).dictionary_encode(),
            "price": pa.array([Decimal("1.50"), None]),
            "day": pa.array([day, day], pa.timestamp("us", "UTC")),
            "tags": [["a", "b"], []],
            "raw": pa.array([b"\0\xff", None]),
            "small": pa.array([1, -1], pa.int8()),
            "share": pa.array([0.1, float("nan")], pa.float64()),
        }
    )
    source = tmp_path / "in.parquet"
    paparquet.write_table(given, source)
    _, path = score(source, "out.parquet")
    found = paparquet.read_table(path)
    assert found.select(given.column_names).schema == given.schema
    assert found.column("tags").to_pylist() == [["a", "b"], []]
    assert found.column("error").to_pylist()[0] is None
    _, path = score(source, "out.csv")
    first, second = read_rows(path)
    assert (first["price"], first["tags"], first["raw"]) == ("1.50", '["a", "b"]', "AP8=")
    assert (second["text"], second["small"]) == ("", "-1")
    _, path = score(source, "out.jsonl")
    first, second = read_rows(path)
    assert (first["tags"], first["day"][:10], second["share"]) == (["a", "b"], "2026-01-02", None)


def test_values_that_a_format_cannot_hold_do_not_break_it() -> None:
    given = pa.table(
        {
            "0": pa.array([b"\xff" * 2], pa.binary(2)),
            "1": pa.array([b"\xff" * 16], pa.uuid()),
            "2": pa.array([10**18], pa.timestamp("us")),
            "3": pa.array([float("inf")], pa.float32()),
        }
    )
    added = pa.record_batch({"error": pa.array([None], pa.string())})
    line = CsvFormat(["a", "b", "c", "d"], ["error"], ",").rows(given, added).decode()
    assert line.startswith("//8=,ffffffff-ffff-ffff-ffff-ffffffffffff,")
    found = json.loads(JsonFormat(["a", "b", "c", "d"], ["error"]).rows(given, added))
    assert (found["a"], found["b"], found["d"]) == ("//8=", str(UUID(int=2**128 - 1)), None)
    assert "1000000000000000000" in found["c"]


@pytest.mark.parametrize("output", ["out.csv", "out.jsonl", "out.parquet"])
def test_a_value_that_is_no_text_is_rejected_in_every_format(
    output: str, score: Callable[..., tuple[ScoreReport, Path]], tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    lines = [{"text": "很好"}, {"text": ["a"]}, {"text": "\ud800"}, {"n": 1}, {"text": 5}]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, path = score(source, output)
    assert [row["error"] or "" for row in read_rows(path)] == [
        "", "has no text in 'text' but [\"a\"]", "has a lone surrogate in 'text'", "has no 'text'",
        "",
    ]  # fmt: skip


def test_columns_of_one_name_are_told(
    score: Callable[..., tuple[ScoreReport, Path]], tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,text\na,b\n")
    report, path = score(source, "out.jsonl")
    assert read_rows(path)[0]["text_2"] == "b"
    assert "columns with the same name got numbers, as JSON needs it" in report.notes


def test_json_lines_stay_as_they_are(
    score: Callable[..., tuple[ScoreReport, Path]], tmp_path: Path
) -> None:
    source = tmp_path / "in.jsonl"
    lines = [
        '{"text": "很好", "n": 1.0, "big": 12345678901234567890, "deep": {"error": [1, {}]}}',
        '{ "text":"\\u5dee" }  ',
        "",
        "{}",
        "not json",
        '{"text": 5}',
        '{"text": ["a"]}',
    ]
    source.write_text("\n".join(lines) + "\n", "utf-8")
    report, path = score(source, "out.jsonl")
    written = path.read_text("utf-8").splitlines()
    assert written[0].startswith(lines[0][:-1] + ', "predicted_label": "')
    assert written[1].startswith('{ "text":"\\u5dee", "predicted_label"')
    rows = read_rows(path)
    assert [bool(row["error"]) for row in rows] == [False, False, True, True, True, False, True]
    assert rows[4]["line"] == "not json"
    assert rows[4]["error"].startswith("is not JSON")
    assert (report.rows, report.rejected) == (7, 4)
    _, path = score(source, "out.parquet")
    rows = read_rows(path)
    assert [bool(row["error"]) for row in rows] == [False, False, True, True, True, False, True]


def test_a_name_that_is_taken_gets_a_suffix(
    score: Callable[..., tuple[ScoreReport, Path]], tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,error\ngreat,none\n")
    report, path = score(source)
    assert read_rows(path)[0]["error"] == "none"
    assert read_rows(path)[0]["error_2"] == ""
    assert any("end in _2" in note for note in report.notes)
    again, _ = score(path, "again.csv", data={"text": "text"})
    assert "predicted_label_3" in again.added
    late = tmp_path / "late.jsonl"
    late.write_text('{"text": "a"}\n{"text": "b", "error": 1}\n')
    report, path = score(late, "late.jsonl")
    assert "error_2" in report.added and read_rows(path)[1]["error"] == 1
    assert add_columns(["a"], ["probability_a"]).names[2] == "probability_a_2"
    assert unique_names(["a", "a", "a_2"]) == ["a", "a_3", "a_2"]


def test_mistakes_are_said_before_anything_is_written(
    score: Callable[..., tuple[ScoreReport, Path]], table: Path, tmp_path: Path
) -> None:
    lines, packed = tmp_path / "lines.txt", tmp_path / "packed.parquet"
    lines.write_text("great\n")
    packed.touch()
    wrong: list[tuple[type[Exception], str, Callable[[], object]]] = [
        (ConfigError, "suffix '.xls'", lambda: score(table, "out.xls")),
        (DataError, "there is no file", lambda: score(tmp_path / "no.csv")),
        (DataError, "no column 'txt'", lambda: score(table, data={"text": "txt"})),
        (ConfigError, "expected only text, image", lambda: score(table, data={"label": "x"})),
        (ConfigError, "is a folder", lambda: score(tmp_path)),
        (ConfigError, "classifies texts", lambda: score(table, data={"image": "text"})),
        (ConfigError, "has no columns", lambda: score(lines, data={"text": "text"})),
        (ConfigError, "is no text", lambda: score(packed, data={"encoding": "gbk"})),
        (ConfigError, "workers was given -1", lambda: score(table, workers=-1)),
        (ConfigError, "no engine 'onx'", lambda: score(table, engine="onx")),
    ]
    for kind, message, call in wrong:
        with pytest.raises(kind, match=message):
            call()
    same = table.with_name("scored")
    same.mkdir(exist_ok=True)
    (same / "out.csv").write_bytes(table.read_bytes())
    with pytest.raises(ConfigError, match="is the input"):
        score(same / "out.csv", "out.csv")
    with pytest.raises(ConfigError, match="is the input"):
        score(same / "out.csv", "new/../out.csv")
    assert [path.name for path in same.iterdir()] == ["out.csv"]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes chunks of two rows, each of which is committed."""
    monkeypatch.setitem(inputs.ROWS, "text", 2)
    monkeypatch.setattr(predict_file, "_SECONDS_BETWEEN_COMMITS", 0.0)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("output", ["out.csv", "out.parquet"])
def test_a_stopped_run_goes_on_where_it_was(
    output: str, score: Callable[..., tuple[ScoreReport, Path]], table: Path, tmp_path: Path
) -> None:
    whole = score(table, output)[1].read_bytes()

    def stop(_: str, rows: int, total: int) -> None:
        if rows >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(table, f"2{output}", progress=stop)
    path = tmp_path / "scored" / f"2{output}"
    part = path.with_name(f"{path.name}.part")
    assert not path.exists() and part.is_dir()
    with (part / "rows").open("ab") as file:
        file.write(b"half of a chunk that was never committed")
    report, _ = score(table, path.name)
    assert (report.resumed, report.rows, report.rejected) == (4, 7, 3)
    assert path.read_bytes() == whole
    assert not part.exists()


@pytest.mark.usefixtures("small_chunks")
def test_a_run_does_not_go_on_with_another_input(
    score: Callable[..., tuple[ScoreReport, Path]], table: Path
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(table, progress=stop)
    with table.open("a") as file:
        file.write("1,more,x\n")
    with pytest.raises(ConfigError, match=r"this changed: the input; remove .*out\.csv\.part"):
        score(table)
    with pytest.raises(ConfigError, match="the column"):
        score(table, data={"text": "note"})


def test_an_input_that_changes_meanwhile_is_an_error(
    score: Callable[..., tuple[ScoreReport, Path]], table: Path
) -> None:
    def change(*_: object) -> None:
        with table.open("a") as file:
            file.write("1,more,x\n")

    with pytest.raises(DataError, match="changed while it was scored"):
        score(table, progress=change)


def test_a_file_is_written_by_one_process_at_a_time(
    score: Callable[..., tuple[ScoreReport, Path]], table: Path
) -> None:
    def again(*_: object) -> None:
        with pytest.raises(ConfigError, match="another process is writing"):
            score(table)

    report, _ = score(table, progress=again)
    assert report.rows == 7


def test_images_of_a_folder_and_of_a_table(
    image_servable: Path, colors: Path, tmp_path: Path
) -> None:
    (tmp_path / "torn.png").write_bytes((colors / "red" / "000.png").read_bytes()[:60])
    (tmp_path / "sub").mkdir()
    for name in ("sub/a.png", "b.png", "._b.png"):
        (tmp_path / name).write_bytes((colors / "green" / "001.png").read_bytes())
    output = tmp_path / "out" / "scored.csv"
    report = modelwright.predict_file(image_servable, tmp_path, output, workers=1)
    rows = {row["path"]: row for row in read_rows(output)}
    assert list(rows) == ["b.png", "sub/a.png", "torn.png"]
    assert rows["sub/a.png"]["predicted_label"] == "green"
    assert "cut off" in rows["torn.png"]["error"]
    assert (report.rows, report.rejected) == (3, 1)
    assert any("skipped hidden files" in note for note in report.notes)
    table = tmp_path / "table.jsonl"
    content = {"image": str(colors / "red" / "002.png")}
    lines = [{"image": "b.png", "n": 1}, content, {"image": "no.png"}, {"image": ""}]
    table.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for name in ("t.jsonl", "t.csv"):
        output = tmp_path / "out" / name
        modelwright.predict_file(image_servable, table, output, workers=1)
        found = read_rows(output)
        assert [row["predicted_label"] or "" for row in found] == ["green", "red", "", ""]
        assert "cannot be read" in found[2]["error"] and found[3]["error"] == "has no image"


class Fake:
    """Answers with the question, after a time; counts how many answer at once."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        log.append("start")

    def ask(self, questions: Any) -> Any:
        time.sleep(0.001 * (questions % 3))
        if questions == 13:
            raise ServableError("out of order")
        return questions

    def close(self) -> None:
        self.log.append("close")


class Numbered:
    """A chunk that is its number."""

    def __init__(self, number: int) -> None:
        self.questions = number


def test_answers_come_in_order_and_few_chunks_wait() -> None:
    log: list[str] = []
    asked: list[int] = []

    def chunks() -> Iterator[Any]:
        for number in range(40):
            asked.append(number)
            yield Numbered(number if number != 13 else 12)

    pool = AnswerPool(lambda: Fake(log), 3)
    for done, (chunk, answer) in enumerate(pool.answers(chunks())):
        assert chunk.questions == answer
        assert len(asked) - done <= 8
    assert 1 <= log.count("start") == log.count("close") <= 3
    with pytest.raises(ServableError, match="out of order"):
        list(AnswerPool(lambda: Fake(log), 2).answers(Numbered(n) for n in (1, 13, 2)))
    assert log.count("start") == log.count("close")


def test_processes_give_the_same_answers(
    score: Callable[..., tuple[ScoreReport, Path]], table: Path
) -> None:
    whole = score(table)[1].read_bytes()
    assert score(table, "2.csv", workers=2)[1].read_bytes() == whole


@pytest.mark.slow
def test_a_killed_command_goes_on(
    text_servable: Path, tmp_path: Path, score: Callable[..., tuple[ScoreReport, Path]]
) -> None:
    source, output = tmp_path / "many.csv", tmp_path / "scored.csv"
    with source.open("w", encoding="utf-8") as file:
        file.write("text\n")
        file.writelines(f"“很好” {n} awful {n % 7}\n" for n in range(40_000))
    code = "from modelwright.cli.main import main; main()"
    command = [sys.executable, "-c", code, "predict", str(text_servable), str(source)]
    command += ["-o", str(output), "--workers", "2", "--json"]
    journal = tmp_path / "scored.csv.part" / "journal.json"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while not (journal.exists() and json.loads(journal.read_text())["done"]["rows"]):
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert not output.exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    assert report["rows"] == 40_000 and 0 < report["resumed"] < 40_000
    assert output.read_bytes() == score(source, "whole.csv")[1].read_bytes()
