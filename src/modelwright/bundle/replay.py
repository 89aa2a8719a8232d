"""Ask one engine of a servable, in a process of its own, for rows whose answers are known.

As a program, ``python -m modelwright.bundle.replay FOLDER ENGINE EXAMPLES OUT`` loads the engine
without anything of the training and writes the probabilities to OUT as ``.npy``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.bundle import examples
from modelwright.bundle.engines import open_engine
from modelwright.bundle.manifest import Manifest, read
from modelwright.core.backend import quiet
from modelwright.core.errors import ModelwrightError, ServableError


def replay(folder: Path, manifest: Manifest, engine: str, path: Path) -> dict[str, Any]:
    """Compare an engine's answers in a fresh process with those recorded in ``path``.

    Raises:
        ServableError: the process failed.
    """
    recorded = examples.read(path, manifest.task)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "answers.npy"
        command = [sys.executable, "-m", __name__, str(folder), engine, str(path), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not out.exists():
            last = done.stderr.strip().splitlines() or ["no message"]
            raise ServableError(
                f"engine '{engine}' of {folder} failed in a fresh process (exit"
                f" {done.returncode}): {last[-1]}"
            )
        given = np.load(out, allow_pickle=False)
    return examples.compare(recorded.expected, given, manifest.tolerance_of(engine))


def main(arguments: list[str]) -> int:
    """Answer the recorded rows; 1 with one line on standard error when that fails."""
    folder, engine, path, out = arguments
    try:
        manifest = read(Path(folder))
        rows = examples.read(Path(path), manifest.task)
        with quiet():
            opened = open_engine(engine, Path(folder), manifest)
        answers = opened.probabilities(rows.inputs)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    np.save(out, answers, allow_pickle=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
