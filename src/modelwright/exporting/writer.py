"""All files of one version, each engine checked; under another backend by a process of its own.

The graph of a servable is TensorFlow's, so Keras must compute with TensorFlow while it is
written. Where this process has another backend, ``python -m modelwright.exporting.writer`` does it,
and is held to the answers of the network that this process has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from modelwright.core import child_process
from modelwright.core.backend import BACKENDS, keras_backend
from modelwright.core.errors import ModelwrightError, ParityError, ServableError, brief
from modelwright.core.files import write_json
from modelwright.exporting import conversion, graph, tokenizer_examples, tokenizer_tables
from modelwright.runs import run as runs
from modelwright.runs.run import Run
from modelwright.servable import examples, manifest, warmup
from modelwright.servable.engines import onnx
from modelwright.servable.examples import Examples
from modelwright.servable.manifest import EXAMPLES, MANIFEST, TOLERANCE, Manifest
from modelwright.servable.replay import replay

_KEPT = 32
_WARMUP = 8
_CANNOT_WRITE = 74  # EX_IOERR


def write(
    run: Run, network: keras.Model, folder: Path, about: Manifest, rows: Examples
) -> dict[str, Any]:
    """Write a version into an empty folder; gives the figures of each engine.

    Args:
        run: the run, finished.
        network: its network, in float32.
        folder: an existing one.
        about: what the manifest is to say, but for the files and the figures of the engines.
        rows: what the answers are compared with.

    Raises:
        OSError: the files cannot be written.
        ParityError: an engine does not give those answers.
        ServableError: an engine does not run.
    """
    if keras_backend() == "tensorflow":
        return _write(run, network, folder, about, rows)
    with tempfile.TemporaryDirectory() as temporary:
        given = Path(temporary)
        examples.write(given / EXAMPLES, rows, run.task)
        write_json(given / MANIFEST, asdict(about))
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(run.path), str(folder), temporary],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **child_process.building()},
        )
        if done.returncode != 0:
            raise _failure(done.returncode, done.stderr, run)
    return dict(manifest.read(folder).engines)


def main(arguments: list[str]) -> int:
    """Write a version; the error's exit code with one line on standard error when that fails."""
    path, folder, given = map(Path, arguments)
    try:
        run = runs.load(path)
        about = manifest.from_record(json.loads((given / MANIFEST).read_text("utf-8")))
        rows = examples.read(given / EXAMPLES, run.task)
        _write(run, run.network(tta=about.tta), folder, about, rows)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except (OSError, tf.errors.OpError) as error:
        sys.stderr.write(f"{reason(error)}\n")
        return _CANNOT_WRITE
    return 0


def reason(error: Exception) -> str:
    """Why a file could not be written, without what surrounds it."""
    return getattr(error, "strerror", None) or brief(error)


def _failure(code: int, output: str, run: Run) -> Exception:
    """What the process that failed would have raised here."""
    last = (output.strip().splitlines() or ["no message"])[-1]
    if code == _CANNOT_WRITE:
        return OSError(last)
    for kind in (ParityError, ServableError):
        if code == kind.exit_code:
            return kind(last)
    return ServableError(
        f"the network of {run.path}, trained under {BACKENDS[run.backend]}, cannot be written under"
        f" TensorFlow (exit {code}): {last}"
    )


def _write(
    run: Run, network: keras.Model, folder: Path, about: Manifest, rows: Examples
) -> dict[str, Any]:
    tokenizer = run.tokenizer()
    graph.write(folder, network, tokenizer, run.labels, task=run.task, shape=run.shape)
    if tokenizer:
        tokenizer_tables.write(folder, tokenizer.options)
        tokenizer_examples.write(folder, tokenizer)
    examples.write(folder / EXAMPLES, rows.first(_KEPT), run.task)
    warmup.write(folder / warmup.WARMUP, about.name, rows.inputs[:_WARMUP], run.task)
    about = manifest.write(about, folder)
    about = _with_onnx(about, folder)
    checked = folder.with_name(f"{folder.name}.examples")
    try:
        examples.write(checked, rows, run.task)
        parity = {name: replay(folder, about, name, checked) for name in about.engines}
    finally:
        checked.unlink(missing_ok=True)
    for engine, figures in parity.items():
        if not figures["passed"]:
            raise ParityError(
                f"engine '{engine}' does not agree with the model it was made from:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}, allowed"
                f" {about.tolerance_of(engine):.0e}; nothing was exported."
            )
    engines = {name: {**about.engines[name], **figures} for name, figures in parity.items()}
    manifest.write(replace(about, engines=engines), folder)
    return parity


def _with_onnx(about: Manifest, folder: Path) -> Manifest:
    """Write the ONNX file, where the network can be one; the manifest says either way."""
    with tempfile.TemporaryDirectory() as place:
        if missing := conversion.convert(folder, ["onnx"], Path(place)):
            return manifest.write(replace(about, missing=missing), folder)
        (folder / onnx.FILE).parent.mkdir()
        shutil.move(Path(place) / "onnx", folder / onnx.FILE)
    # It reads Pillow's pixels, as Keras did, so nothing but the arithmetic may differ.
    engines = {**about.engines, "onnx": {"tolerance": TOLERANCE}}
    return manifest.write(replace(about, engines=engines), folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
