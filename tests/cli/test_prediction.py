"""``modelwright predict``: standard input, whole files, and inputs that cannot be used."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]
COMMAND = [sys.executable, "-c", "from modelwright.cli.main import main; main()", "predict"]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Makes bytes the standard input."""

    def make(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), "utf-8"))

    return make


def test_every_line_gets_one_answer(
    cli: Cli, text_servable: Path, typed: Callable[[bytes], None]
) -> None:
    typed("\ufeff很好\r\n\n  \nawful\tplot".encode())
    code, out, err = cli("predict", text_servable, "-")
    lines = out.split("\n")
    assert (code, err, len(lines)) == (3, "", 5)
    assert lines[0].split("\t")[0] == "pos" and lines[0].endswith("\t很好")
    assert lines[1] == "error\tline 2 is an empty text.\t"
    assert lines[3].split("\t")[0] == "neg" and lines[3].endswith("\tawful plot")
    typed("很好\n\nawful".encode())
    code, out, _ = cli("predict", text_servable, "-", "--json")
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 3
    assert [answer["label"] for answer in answers] == ["pos", None, "neg"]
    assert [answer["error"] is None for answer in answers] == [True, False, True]
    typed(b"awful\n")
    code, out, _ = cli("predict", text_servable, "-", "--top", 2)
    assert code == 0 and len(out.split("\t")) == 5


def test_lines_in_gbk_are_read_or_said_to_be(
    cli: Cli, text_servable: Path, typed: Callable[[bytes], None]
) -> None:
    content = "很好\n质量差\n".encode("gbk")
    typed(content)
    code, out, err = cli("predict", text_servable, "-")
    assert (code, out) == (3, "")
    assert err.startswith("error: line 1 of standard input is not utf-8")
    assert err.endswith("--encoding gb18030.\n")
    typed(content)
    code, out, _ = cli("predict", text_servable, "-", "--encoding", "gbk")
    assert code == 0 and out.splitlines()[1].endswith("\t质量差")
    typed("很好\n".encode() + b"caf\xe9\n" + b"fine\n")
    code, out, _ = cli("predict", text_servable, "-")
    assert code == 3 and out.splitlines()[1].startswith("error\tline 2 of standard input is not")
    assert len(out.splitlines()) == 3
    typed("很好\n差\n".encode("utf-16"))
    _, out, _ = cli("predict", text_servable, "-", "--encoding", "utf-16")
    assert [line.split("\t")[-1] for line in out.splitlines()] == ["很好", "差"]
    typed("很好\n差\n".encode("utf-16"))
    code, _, err = cli("predict", text_servable, "-")
    assert code == 3 and err.endswith("with the mark of UTF-16: --encoding utf-16.\n")
    typed("很好\n".encode("gbk"))
    code, out, err = cli("predict", text_servable, "-", "--encoding", "utf-16")
    assert (code, out) == (3, "") and err.startswith("error: standard input is not utf-16")
    typed(b"a")
    code, _, err = cli("predict", text_servable, "-", "--encoding", "gkb")
    assert code == 2 and "'gkb'" in err


def test_a_blank_line_is_no_image(
    cli: Cli, image_servable: Path, typed: Callable[[bytes], None]
) -> None:
    typed(b"\n")
    code, out, _ = cli("predict", image_servable, "-")
    assert (code, out) == (3, "error\tline 1 is blank; expected the path of an image.\t\n")


def test_an_answer_comes_before_the_next_line_does(text_servable: Path) -> None:
    command = [*COMMAND, str(text_servable), "-"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}
    ) as process:
        assert process.stdin and process.stdout
        for text in ("很好", "awful"):
            process.stdin.write(f"{text}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().decode().endswith(f"\t{text}\n")
        process.stdin.close()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "text", ["-5 stars", "-5", "-很好", "- a point", "-only two stars", "--great film", "-.-"]
)
def test_a_text_may_begin_with_a_minus_sign(cli: Cli, text_servable: Path, text: str) -> None:
    code, out, err = cli("predict", text_servable, text, "awful", "--json")
    assert code == 0, err
    assert [answer["input"] for answer in json.loads(out)] == [text, "awful"]


def test_a_word_that_could_be_an_option_is_explained(cli: Cli, text_servable: Path) -> None:
    for word in ("--great", "-awful"):
        code, out, err = cli("predict", text_servable, word)
        assert (code, out) == (2, "")
        said = " ".join(err.replace("│", "").split())
        assert "A text that begins with -" in said and f'MODEL -- "{word}"' in said
        code, out, _ = cli("predict", text_servable, "--json", "--", word)
        assert json.loads(out)[0]["input"] == word


def test_an_input_that_cannot_be_used_does_not_hide_the_others(
    cli: Cli, image_servable: Path, colors: Path, tmp_path: Path
) -> None:
    whole = (colors / "red" / "000.png").read_bytes()
    for name, content in {"1.png": whole, "torn.png": whole[:70], "._1.png": b"\0\5\x16\7"}.items():
        (tmp_path / name).write_bytes(content)
    code, out, err = cli("predict", image_servable, tmp_path)
    assert code == 3
    assert "1.png" in out and "torn" not in out
    assert "note:" in err and "skipped hidden files" in err
    assert "torn.png cannot be used: the image is damaged" in err
    assert err.endswith("error: 1 of 2 inputs have no answer\n")
    code, out, _ = cli("predict", image_servable, tmp_path, "--json", "-q")
    answers = json.loads(out)
    assert code == 3
    assert [answer["label"] for answer in answers] == ["red", None]
    assert "damaged" in answers[1]["error"]
    code, out, _ = cli("predict", image_servable, str(tmp_path / "*1.png"), "--json")
    assert code == 0 and len(json.loads(out)) == 1


def test_a_file_is_scored_and_its_exit_code_says_if_rows_were_rejected(
    cli: Cli, text_servable: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.tsv", tmp_path / "out.csv"
    source.write_text("review\tother\n很好\t1\n", "utf-8")
    code, out, err = cli("predict", text_servable, source, "-o", output, "--workers", 1, "-q")
    assert (code, err) == (0, "") and "review (a usual name)" in out
    source.write_text("review\tother\n很好\t1\n \t007\n", "utf-8")
    code, out, _ = cli(
        "predict", text_servable, source, "-o", output, "--workers", 1, "--json",
        "--text-column", "review",
    )  # fmt: skip
    report = json.loads(out)
    assert code == 3
    assert (report["rows"], report["predicted"], report["rejected"]) == (2, 1, 1)
    assert (report["column"], report["column_reason"]) == ("review", "named")
    assert report["output"] == str(output) and report["seconds"] >= 0
    assert output.read_text("utf-8").splitlines()[2] == " ,007,,,,,has an empty text"


def test_options_without_their_input_are_mistakes(
    cli: Cli, text_servable: Path, image_servable: Path, tmp_path: Path
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("image\n1.png\n")
    for arguments, says in (
        ([text_servable, "a", "b", "-o", "x.csv"], "--output takes one file"),
        ([text_servable, "-", "-o", "x.csv"], "--output takes one file"),
        ([text_servable, table, "-o", "x.csv", "--top", "2"], "--top is for"),
        ([text_servable, "a", "--text-column", "x"], "name a column of a table"),
        ([text_servable, "a", "--encoding", "gbk"], "--encoding is for"),
        ([text_servable, "a", "--workers", "2"], "--workers is for"),
        ([text_servable, "a", "--runner", "ray"], "--runner is for"),
        ([text_servable, table, "-o", "x.csv", "--runner", "spark"], "expected local or ray"),
        ([text_servable, table, "-o", "x.csv", "--ray-address", "a:1"], "is for --runner ray"),
        ([text_servable, "-", "a"], "give it as the only input"),
        ([image_servable, table], "-o scored.csv"),
    ):
        code, out, err = cli("predict", *arguments)
        assert (code, out) == (2, ""), says
        assert says in err and err.count("\n") == 1
