"""Process 1 of a container obeys SIGTERM from its first moments."""

from __future__ import annotations

import subprocess
import sys

import pytest

_AS_PROCESS_1 = """
import os, signal, sys
os.getpid = lambda: {pid}
sys.argv = ["modelwright", "{command}"]
import modelwright.cli
assert "typer" not in sys.modules
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.parametrize(
    ("pid", "command", "code"), [(1, "serve", 0), (1, "train", 143), (2, "serve", -15)]
)
def test_a_stop_signal_ends_process_1_before_the_commands_are_imported(
    pid: int, command: str, code: int
) -> None:
    program = _AS_PROCESS_1.format(pid=pid, command=command)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (code, b"")
