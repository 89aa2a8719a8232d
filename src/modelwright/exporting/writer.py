"""The writer of a version: writes all files of a servable and checks each engine.

The graph of a servable is TensorFlow's, so Keras must compute with TensorFlow to write it. Where
this process has another backend, ``python -m modelwright.exporting.writer`` writes the servable in
a child process. The answers are still compared with those of the network in this process.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from modelwright.core.backend import BACKENDS, keras_backend
from modelwright.core.child_process import keras_environment
from modelwright.core.errors import ModelwrightError, ParityError, ServableError, brief
from modelwright.core.files import write_json
from modelwright.exporting.conversion import ConversionTarget, convert_servable
from modelwright.exporting.saved_model import write_saved_model
from modelwright.exporting.tokenizer_examples import write_tokenizer_examples
from modelwright.exporting.tokenizer_tables import write_tokenizer_tables
from modelwright.runs.run import Run, load_run
from modelwright.servable.engines.registry import engine_kinds
from modelwright.servable.examples import Examples, read_examples, write_examples
from modelwright.servable.manifest import (
    EXAMPLES,
    MANIFEST,
    Manifest,
    manifest_from_record,
    read_manifest,
    write_manifest,
)
from modelwright.servable.replay import replay
from modelwright.servable.warmup import WARMUP, write_warmup_requests

_RECORDED_ROWS = 32
_WARMUP_ROWS = 8
# Keras is loaded before this module imports it, so that it has our settings.
_CHILD = (
    "import sys; from modelwright.core.backend import load_keras, skip_unused_packages;"
    " skip_unused_packages(); load_keras();"
    " from modelwright.exporting.writer import main; sys.exit(main(sys.argv[1:]))"
)
_CANNOT_WRITE = 74  # EX_IOERR


def write_version(
    run: Run, network: keras.Model, folder: Path, manifest: Manifest, examples: Examples
) -> dict[str, Any]:
    """Writes a version into an empty folder. Returns the figures of each engine's check.

    Args:
        run: a finished run.
        network: its network, in float32.
        folder: an existing folder.
        manifest: the manifest, still without files and without figures of the engines.
        examples: rows with the answers that each engine must give.

    Raises:
        OSError: the files cannot be written.
        ParityError: an engine does not give those answers.
        ServableError: an engine does not run.
    """
    if keras_backend() == "tensorflow":
        return _write(run, network, folder, manifest, examples)
    with tempfile.TemporaryDirectory() as temporary:
        write_examples(Path(temporary, EXAMPLES), examples, run.task)
        write_json(Path(temporary, MANIFEST), asdict(manifest))
        process = subprocess.run(
            [sys.executable, "-c", _CHILD, str(run.path), str(folder), temporary],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **keras_environment()},
        )
        if process.returncode != 0:
            raise _failure(process.returncode, process.stderr, run)
    return dict(read_manifest(folder).engines)


def write_reason(error: Exception) -> str:
    """Returns why a file could not be written, in a few words."""
    refused = refused_write(error)
    return (refused and refused.strerror) or brief(error)


def refused_write(error: BaseException | None) -> OSError | None:
    """Returns the system's error behind a failed write; None for another failure.

    TensorFlow reports a full disk in words.
    """
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if isinstance(error, tf.errors.OpError) and str(full.strerror) in error.message:
        return full
    return error if isinstance(error, OSError) and error.errno is not None else None


def main(arguments: list[str]) -> int:
    """Writes a version in the child process. Returns its exit code.

    Where that fails, the exit code is that of the error, and standard error has one line.
    """
    path, folder, inputs = map(Path, arguments)
    try:
        run = load_run(path)
        manifest = manifest_from_record(json.loads((inputs / MANIFEST).read_text("utf-8")))
        examples = read_examples(inputs / EXAMPLES, run.task)
        _write(run, run.network(tta=manifest.tta), folder, manifest, examples)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except (OSError, tf.errors.OpError) as error:
        sys.stderr.write(f"{write_reason(error)}\n")
        return _CANNOT_WRITE
    return 0


def _failure(code: int, output: str, run: Run) -> Exception:
    """Returns the exception that the failed child process would have raised here."""
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
    run: Run, network: keras.Model, folder: Path, manifest: Manifest, examples: Examples
) -> dict[str, Any]:
    tokenizer = run.tokenizer()
    write_saved_model(
        folder,
        network,
        tokenizer,
        run.labels,
        task=run.task,
        shape=run.shape,
        orient=manifest.orients,
    )
    if tokenizer:
        write_tokenizer_tables(folder, tokenizer.options)
        write_tokenizer_examples(folder, tokenizer)
    write_examples(folder / EXAMPLES, examples.first(_RECORDED_ROWS), run.task)
    warmup_rows = examples.inputs[:_WARMUP_ROWS]
    write_warmup_requests(folder / WARMUP, manifest.name, warmup_rows, run.task)
    manifest = _with_converted_engines(write_manifest(manifest, folder), folder)
    parity = _check_parity(folder, manifest, examples)
    engines = {name: {**manifest.engines[name], **figures} for name, figures in parity.items()}
    write_manifest(replace(manifest, engines=engines), folder)
    return parity


def _with_converted_engines(manifest: Manifest, folder: Path) -> Manifest:
    """Writes the files of the engines that an export writes.

    The manifest that it returns lists the engines, and the reason for each that is missing.
    """
    kinds = [kind for kind in engine_kinds() if kind.exported]
    engines: dict[str, Mapping[str, Any]] = dict(manifest.engines)
    with tempfile.TemporaryDirectory() as temporary:
        targets = [ConversionTarget(kind.name, kind.name) for kind in kinds]
        missing = convert_servable(folder, targets, Path(temporary))
        for kind in kinds:
            if kind.name not in missing:
                path = folder / kind.file(kind.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(temporary, kind.name), path)
                # It decodes images with Pillow, as the training did. So its own tolerance holds,
                # not that of the SavedModel, whose decoder differs from Pillow's.
                engines[kind.name] = {"tolerance": kind.tolerance}
    return write_manifest(replace(manifest, engines=engines, missing=missing), folder)


def _check_parity(folder: Path, manifest: Manifest, examples: Examples) -> dict[str, Any]:
    """Returns how the answers of each engine agree with the examples.

    Raises:
        ParityError: an engine does not give those answers.
        ServableError: an engine does not run.
    """
    path = folder.with_name(f"{folder.name}.examples")
    try:
        write_examples(path, examples, manifest.task)
        parity = {name: replay(folder, manifest, name, path) for name in manifest.engines}
    finally:
        path.unlink(missing_ok=True)
    for engine, figures in parity.items():
        if not figures["passed"]:
            raise ParityError(
                f"engine '{engine}' does not agree with the model it was made from:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}, allowed"
                f" {manifest.tolerance_of(engine):.0e}; nothing was exported."
            )
    return parity
