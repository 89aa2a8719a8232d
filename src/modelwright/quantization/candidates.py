"""The candidates: a copy of a servable with one file for each method, and their measurements."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ServableError
from modelwright.core.files import move_into_place
from modelwright.core.types import FloatArray, IntArray, Progress, RawInput
from modelwright.exporting.conversion import ConversionTarget, convert_servable
from modelwright.quantization.methods import (
    ENGINE,
    ENGINE_FOLDER,
    METHODS,
    QuantizationMethod,
    is_quantized,
)
from modelwright.servable.cost import Cost, measure_cost
from modelwright.servable.engines.registry import REFERENCE, engine_kind
from modelwright.servable.examples import Examples, write_examples
from modelwright.servable.manifest import Manifest, write_manifest


@dataclass(frozen=True)
class Candidates:
    """A copy of a servable with every file that could be written."""

    folder: Path
    manifest: Manifest
    missing: dict[str, str]
    """Why the other engines could not be written."""


@dataclass(frozen=True)
class MeasuredRows:
    """The rows that files are measured on."""

    split: str
    inputs: tuple[RawInput, ...]
    labels: IntArray


@dataclass(frozen=True)
class Measurements:
    """The answers, the cost and the size of each engine."""

    answers: dict[str, FloatArray]
    costs: dict[str, Cost]
    sizes: dict[str, int]
    missing: dict[str, str]
    """Why the other engines have no file or do not answer."""


def write_candidates(
    folder: Path,
    manifest: Manifest,
    methods: Sequence[QuantizationMethod],
    workspace: Path,
    *,
    samples: Path,
    fine_tuned: Path,
) -> Candidates:
    """Copies a servable into ``workspace`` and writes the files of the methods into the copy.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        methods: the methods to try.
        workspace: an empty folder on the same disk.
        samples: rows for the converters that measure the ranges of values.
        fine_tuned: the variables for the methods that fine-tune.
    """
    copy = workspace / folder.name
    shutil.copytree(folder, copy, copy_function=_link)
    shutil.rmtree(copy / ENGINE_FOLDER, ignore_errors=True)
    (copy / ENGINE_FOLDER).mkdir()
    targets = [
        ConversionTarget(
            name=method.name,
            engine=ENGINE.name,
            settings=asdict(method.settings),
            variables=str(fine_tuned) if method.fine_tunes else None,
        )
        for method in methods
    ]
    reasons = convert_servable(folder, targets, workspace, samples=samples)
    engines = other_engines(manifest)
    for method in methods:
        if method.name not in reasons:
            engines[method.engine] = {"tolerance": method.tolerance}
            move_into_place(workspace / method.name, copy / ENGINE.file(method.engine))
    missing = {METHODS[name].engine: reason for name, reason in reasons.items()}
    return Candidates(copy, write_manifest(replace(manifest, engines=engines), copy), missing)


def measure_candidates(
    candidates: Candidates, rows: MeasuredRows, seconds: float, progress: Progress | None
) -> Measurements:
    """Runs each engine of the copy in a fresh process.

    Args:
        candidates: the copy, in a workspace that can hold the rows.
        rows: the rows to answer.
        seconds: about how long each way of answering is timed.
        progress: is called at each step.

    Raises:
        ServableError: the SavedModel does not run, so that there is nothing to compare with.
    """
    manifest = candidates.manifest
    path = candidates.folder.with_name("rows")
    unanswered = np.zeros((len(rows.inputs), len(manifest.labels)), np.float32)
    write_examples(path, Examples(rows.inputs, unanswered), manifest.task)
    measured = Measurements({}, {}, {}, dict(candidates.missing))
    for name in sorted(manifest.engines, key=lambda name: (name != REFERENCE, is_quantized(name))):
        try:
            measured.answers[name], measured.costs[name] = measure_cost(
                candidates.folder, name, path, seconds=seconds, progress=progress
            )
        except ServableError as error:
            if name == REFERENCE:
                raise
            measured.missing[name] = str(error)
        else:
            measured.sizes[name] = engine_kind(name).size(candidates.folder, name)
    return measured


def other_engines(manifest: Manifest) -> dict[str, Any]:
    """Returns the engines of a manifest, without those that ``quantize`` writes."""
    return {name: figures for name, figures in manifest.engines.items() if not is_quantized(name)}


def _link(source: str, target: str) -> None:
    """Makes a hard link to a file where the system can, otherwise a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
