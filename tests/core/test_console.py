"""Output on consoles of any encoding: nothing fails, lines become ASCII, JSON stays JSON."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from modelwright.cli.output import print_json, print_report
from modelwright.core.console import can_show, tolerate_any_console
from modelwright.core.terminal import table

ENCODINGS = ("gbk", "ascii", "cp1252", "cp437", "latin-1", "utf-8")


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], io.BytesIO]:
    """Makes standard output a console of an encoding, and returns what is written to it."""

    def make(encoding: str) -> io.BytesIO:
        written = io.BytesIO()
        stream = io.TextIOWrapper(written, encoding=encoding, write_through=True)
        monkeypatch.setattr("sys.stdout", stream)
        tolerate_any_console()
        return written

    return make


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_table_is_written_with_what_the_console_has(
    encoding: str, console: Callable[[str], io.BytesIO]
) -> None:
    written = console(encoding)
    drawn = table(("text", "n"), [("great 😀 很好… \udcff", 1)])
    sys.stdout.write(drawn + "\n")
    lines = written.getvalue().decode(encoding).splitlines()
    assert len(lines) == len(drawn.splitlines())
    assert "great" in lines[-1]
    has_lines = encoding in ("gbk", "cp437", "utf-8")
    assert set(lines[1]) == ({"─"} if has_lines else {"-"})
    assert ("很好" in lines[-1]) == (encoding in ("gbk", "utf-8"))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_keeps_its_values_on_every_console(
    encoding: str, console: Callable[[str], io.BytesIO]
) -> None:
    value = {"很好": "great 😀 \udcff café"}
    written = console(encoding)
    print_json(value)
    assert json.loads(written.getvalue().decode(encoding)) == value
    assert not can_show("😀") or encoding == "utf-8"


def test_a_report_is_written_on_an_ascii_console(
    console: Callable[[str], io.BytesIO],
) -> None:
    import modelwright

    written = console("ascii")
    print_report(modelwright.list_recipes(), as_json=False)
    assert b"bilstm" in written.getvalue()


def test_a_reader_that_has_gone_is_no_error() -> None:
    code = "from modelwright.cli.main import main; import sys; sys.argv[1:] = ['recipes']; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in (1, 141)
