"""Work in a process of its own: what crashes there does not crash the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from modelwright.core.errors import LONGEST, ModelwrightError, brief


def run(
    module: str,
    arguments: Sequence[str],
    out: Path,
    *,
    told: Callable[[str], object] = lambda _: None,
    environment: Mapping[str, str] | None = None,
) -> str | None:
    """Run a module as a program; None when it wrote ``out``, otherwise why it did not.

    Args:
        module: its full name; it ends with ``sys.exit(child.main(…))``.
        arguments: what it is given.
        out: the file that it is to write.
        told: called with each line that it tells.
        environment: variables beside those of this process.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as errors:
        with subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **(environment or {})},
        ) as running:
            for line in running.stdout or ():
                told(line.strip())
            code = running.wait()
        errors.seek(0)
        said = errors.read().strip().splitlines() or ["no message"]
    if code == 0 and out.exists():
        return None
    if code < 0:
        return f"its process crashed ({signal.Signals(-code).name})"
    return said[-1][:LONGEST]


def building() -> dict[str, str]:
    """The environment of a process that builds networks.

    A function of one's own is found by the path that this process has.
    """
    return {
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


def tell(line: str) -> None:
    """Tell the process that waits how far this one is."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(work: Callable[[list[str]], object], arguments: list[str], *, keras: bool = False) -> int:
    """Do the work quietly; 1 with one line on standard error where it fails."""
    from modelwright.core.backend import load_keras, quiet

    try:
        with quiet():
            if keras:
                load_keras()
            work(arguments)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a library raises there is the answer
        sys.stderr.write(f"{brief(error)}\n")
        return 1
    return 0
