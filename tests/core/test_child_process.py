"""A child process gives its file or one reason, whatever happens to it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelwright.core.child_process import keras_environment, main_of_child, run_child

CHILD = """
import os, sys
from pathlib import Path
from modelwright.core.child_process import main_of_child, report_line
from modelwright.core.errors import DataError

def act(arguments):
    out, action = arguments
    report_line("1/2")
    if action == "crash":
        os.kill(os.getpid(), 11)
    if action == "error":
        raise DataError("the row 3 is empty")
    if action == "bug":
        raise KeyError("no such key")
    report_line("2/2")
    if action == "write":
        Path(out).write_text(os.environ["SETTING"])

if __name__ == "__main__":
    sys.exit(main_of_child(act, sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("action", "reason", "lines"),
    [
        ("write", None, ["1/2", "2/2"]),
        ("error", "the row 3 is empty", ["1/2"]),
        ("bug", "'no such key'", ["1/2"]),
        ("crash", "its process crashed (SIGSEGV)", ["1/2"]),
        ("nothing", "no message", ["1/2", "2/2"]),
    ],
)
def test_a_child_writes_its_file_or_gives_a_reason(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    reason: str | None,
    lines: list[str],
) -> None:
    (tmp_path / "child_of_test.py").write_text(CHILD)
    monkeypatch.syspath_prepend(str(tmp_path))
    out, printed = tmp_path / "out", []
    environment = {**keras_environment(), "SETTING": "value"}
    result = run_child(
        "child_of_test",
        [str(out), action],
        out,
        on_line=printed.append,
        environment=environment,
    )
    assert (result, printed) == (reason, lines)
    assert out.exists() == (reason is None)
    if reason is None:
        assert out.read_text() == "value"


def test_a_child_that_builds_networks_finds_the_users_modules() -> None:
    environment = keras_environment()
    assert environment["KERAS_BACKEND"] == "tensorflow"
    assert environment["PYTHONPATH"].split(":") == [path for path in sys.path if path]


def test_a_failure_is_exit_code_1_and_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_: list[str]) -> None:
        raise ValueError("first line\nsecond line")

    assert main_of_child(fail, []) == 1
    assert capfd.readouterr().err == "first line\n"
    assert main_of_child(lambda _: None, []) == 0
