"""Ask one engine of a servable, in a process of its own, for rows whose answers are known.

As a program, ``python -m modelwright.servable.replay FOLDER ENGINE EXAMPLES OUT`` loads the engine
without anything of the training and writes the probabilities to OUT as ``.npy``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core import child_process
from modelwright.core.errors import ServableError
from modelwright.servable import examples
from modelwright.servable.engines import open_engine
from modelwright.servable.manifest import Manifest, read


def replay(folder: Path, manifest: Manifest, engine: str, path: Path) -> dict[str, Any]:
    """Compare an engine's answers in a fresh process with those recorded in ``path``.

    Raises:
        ServableError: the process failed.
    """
    recorded = examples.read(path, manifest.task)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "answers.npy"
        arguments = [str(folder), engine, str(path), str(out)]
        if reason := child_process.run(__name__, arguments, out):
            raise ServableError(
                f"engine '{engine}' of {folder} failed in a fresh process: {reason}"
            )
        given = np.load(out, allow_pickle=False)
    return examples.compare(recorded.expected, given, manifest.tolerance_of(engine))


def work(arguments: list[str]) -> None:
    """Answer the recorded rows."""
    folder, engine, path, out = arguments
    manifest = read(Path(folder))
    rows = examples.read(Path(path), manifest.task)
    opened = open_engine(engine, Path(folder), manifest)
    np.save(out, opened.probabilities(rows.inputs), allow_pickle=False)


if __name__ == "__main__":
    sys.exit(child_process.main(work, sys.argv[1:]))
