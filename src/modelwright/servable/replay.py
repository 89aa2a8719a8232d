"""Replaying recorded examples: one engine answers them again in a fresh process.

As a program, ``python -m modelwright.servable.replay FOLDER ENGINE EXAMPLES OUT`` loads the engine
without anything of the training, and writes the probabilities to OUT as ``.npy``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.child_process import main_of_child, run_child
from modelwright.core.errors import ServableError
from modelwright.servable.engines.registry import open_engine
from modelwright.servable.examples import compare_answers, read_examples
from modelwright.servable.manifest import Manifest, read_manifest


def replay(folder: Path, manifest: Manifest, engine: str, path: Path) -> dict[str, Any]:
    """Returns how an engine's answers in a fresh process agree with those recorded in ``path``.

    Raises:
        ServableError: the process failed.
    """
    recorded = read_examples(path, manifest.task)
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary) / "answers.npy"
        arguments = [str(folder), engine, str(path), str(out)]
        if reason := run_child(__name__, arguments, out):
            raise ServableError(
                f"engine '{engine}' of {folder} failed in a fresh process: {reason}"
            )
        answers = np.load(out, allow_pickle=False)
    return compare_answers(recorded.expected, answers, manifest.tolerance_of(engine))


def _answer(arguments: list[str]) -> None:
    """Answers the recorded rows in the fresh process."""
    folder, engine, path, out = arguments
    manifest = read_manifest(Path(folder))
    rows = read_examples(Path(path), manifest.task)
    opened = open_engine(engine, Path(folder), manifest)
    np.save(out, opened.probabilities(rows.inputs), allow_pickle=False)


if __name__ == "__main__":
    sys.exit(main_of_child(_answer, sys.argv[1:]))
