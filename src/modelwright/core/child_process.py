"""Child processes: Python code that runs as a program, so that its crash stays there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelwright.core.errors import LONGEST, ModelwrightError, brief


def run_child(
    module: str,
    arguments: Sequence[str],
    out: Path,
    *,
    on_line: Callable[[str], object] = lambda _: None,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Runs a module as a program. Returns None when it wrote ``out``, otherwise the reason.

    Args:
        module: its full name; it ends with ``sys.exit(main_of_child(…))``.
        arguments: its command-line arguments.
        out: the file that it writes.
        on_line: is called with each line that it prints.
        environment: variables to add to those of this process.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
        ) as process:
            for line in process.stdout or ():
                on_line(line.strip())
            code = process.wait()
        errors.seek(0)
        messages = errors.read().strip().splitlines() or ["no message"]
    if code == 0 and out.exists():
        return None
    if code < 0:
        return f"its process crashed ({signal.Signals(-code).name})"
    return messages[-1][:LONGEST]


def keras_environment() -> dict[str, str]:
    """Returns the environment of a child process that builds networks.

    It has the module path of this process, so that it finds the user's own functions.
    """
    return {
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def report_line(line: str) -> None:
    """Prints one line for the parent process, which gets it in ``on_line``."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main_of_child(
    function: Callable[[list[str]], object], arguments: list[str], *, keras: bool = False
) -> int:
    """Calls a function quietly and returns the exit code of the child process.

    Where the function fails, it writes one line on standard error and returns 1.

    Args:
        function: takes the command-line arguments.
        arguments: the command-line arguments.
        keras: loads Keras first.
    """
    from modelwright.core.backend import load_keras, quiet, skip_unused_packages

    skip_unused_packages()
    try:
        with quiet():
            if keras:
                load_keras()
            function(arguments)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - a library may raise anything; the parent reports it
        sys.stderr.write(f"{brief(error)}\n")
        return 1
    return 0
