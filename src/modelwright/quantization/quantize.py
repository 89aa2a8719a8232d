"""Quantize: writes smaller files into a servable, and the table that compares them.

Each method writes its file into a copy of the servable. A fresh process runs each file on held-out
rows of the servable's own data and measures it. The selected files then move into the servable.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from modelwright.core.errors import (
    ConfigError,
    MissingDependencyError,
    ParityError,
    ServableError,
    write_advice,
)
from modelwright.core.hardware import detect
from modelwright.core.nearest import nearest
from modelwright.core.packages import require_training
from modelwright.core.types import Dataset, Progress
from modelwright.quantization.candidates import (
    Candidates,
    MeasuredRows,
    Measurements,
    measure_candidates,
    write_candidates,
)
from modelwright.quantization.installation import install_files, record_selection
from modelwright.quantization.methods import (
    BASELINE,
    ENGINE,
    METHOD_NAMES,
    METHODS,
    QuantizationMethod,
    engines_of,
)
from modelwright.quantization.quantization_aware_training import fine_tune
from modelwright.quantization.selection import QuantizationLimits, select_variant
from modelwright.quantization.table import QuantizeReport, Variant, compare_variants
from modelwright.quantization.training_rows import prepared_training_rows, recorded_config
from modelwright.runs.rows import (
    evenly_spaced,
    held_out_or_training,
    raw_inputs,
    reload_data,
    split_of,
)
from modelwright.servable.manifest import Manifest, find_version, read_manifest

_SAMPLES = 256


@dataclass(frozen=True)
class Measuring:
    """The rows that files are measured on, and for how long."""

    split: str | None = None
    """``val`` by default; ``test`` where there is none, else ``train``."""
    rows: int = 0
    """At most so many of its rows, evenly spaced; 0 for all."""
    seconds: float = 1.0
    """About how long each way of answering is timed."""


@dataclass(frozen=True)
class _Servable:
    """A version and the data that it was trained on."""

    folder: Path
    manifest: Manifest
    data: Dataset


def quantize(
    path: Path | str,
    *,
    methods: Sequence[str] = (),
    limits: QuantizationLimits | None = None,
    finetune: int = 0,
    measuring: Measuring | None = None,
    data_root: Path | str | None = None,
    progress: Progress | None = None,
) -> QuantizeReport:
    """Writes the files of the given methods into a servable, or the one that it recommends.

    Args:
        path: a version's folder, or a model's folder for its live version.
        methods: names of methods; none for the recommended one within the limits.
        limits: the limits that a file must keep.
        finetune: also tries ``int8`` after so many epochs with rounded weights; 0 for not.
        measuring: the rows to measure on, and for how long.
        data_root: where the data of the training is now, if it was moved.
        progress: is called at each step.

    Raises:
        ConfigError: there is no such method or split.
        DataError: the data has changed, or is gone.
        MissingDependencyError: the engine is not installed.
        ParityError: a given method exceeds the limits. Nothing was written.
        ServableError: the servable cannot be used or written, or a method cannot be applied.
    """
    started = time.monotonic()
    _check_methods(methods)
    _check_packages()
    measuring = measuring or Measuring()
    servable = _load(Path(path), data_root, progress)
    rows = _rows_to_measure(servable, measuring)
    folder = servable.folder
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            workspace = Path(temporary)
            tried = _methods_to_try(methods, finetune)
            candidates = _write_all(servable, tried, finetune, workspace, progress)
            measured = measure_candidates(candidates, rows, measuring.seconds, progress)
            report = _select(servable, rows, measured, methods, limits or QuantizationLimits())
            report = replace(report, seconds=time.monotonic() - started)
            if report.written:
                record_selection(candidates.folder, servable.manifest, report, rows, measured)
                install_files(candidates.folder, folder)
    except OSError as error:
        raise ServableError(
            f"writing {folder} failed: {error.strerror or error}; it is as it was."
            f" {write_advice(error)}"
        ) from None
    return report


def _check_methods(methods: Sequence[str]) -> None:
    for method in methods:
        if method not in METHOD_NAMES:
            raise ConfigError(
                f"--method was given '{method}'.{nearest(method, METHOD_NAMES)} Expected one of"
                f" {', '.join(METHOD_NAMES)}."
            )


def _check_packages() -> None:
    require_training()
    if not ENGINE.is_installed():
        raise MissingDependencyError(
            f"quantizing runs every file that it writes, with {ENGINE.package}, which is not"
            f" installed; install with: pip install '{ENGINE.requirement}'."
        )


def _load(path: Path, root: Path | str | None, progress: Progress | None) -> _Servable:
    folder = find_version(path).resolve()
    manifest = read_manifest(folder)
    config = recorded_config(manifest, folder)
    data = reload_data(config.data, manifest.data, folder, progress, root=root)
    return _Servable(folder, manifest, data)


def _rows_to_measure(servable: _Servable, measuring: Measuring) -> MeasuredRows:
    data = servable.data
    if measuring.split:
        name, split = measuring.split, split_of(data, measuring.split)
    else:
        name, split = held_out_or_training(data, order=("val", "test"))
    positions = evenly_spaced(len(split), measuring.rows or len(split))
    raw = raw_inputs(split, positions, orient=servable.manifest.orients)
    return MeasuredRows(name, raw, split.labels[np.array(positions)])


def _methods_to_try(methods: Sequence[str], finetune: int) -> list[QuantizationMethod]:
    """Returns the given methods, or all; always the baseline; those that fine-tune where asked."""
    return [
        method
        for method in METHODS.values()
        if (method.fine_tunes and finetune)
        or (not method.fine_tunes and (not methods or method.name in (*methods, BASELINE)))
    ]


def _write_all(
    servable: _Servable,
    methods: Sequence[QuantizationMethod],
    finetune: int,
    workspace: Path,
    progress: Progress | None,
) -> Candidates:
    """Prepares the rows that converters need, trains on where asked, and writes all files."""
    folder, manifest, data = servable.folder, servable.manifest, servable.data
    samples, fine_tuned = workspace / "samples.npy", workspace / "fine-tuned.npz"
    np.save(samples, prepared_training_rows(data, folder, manifest, _SAMPLES))
    if finetune:
        rows = workspace / "train.npz"
        inputs, labels = prepared_training_rows(data, folder, manifest), data.splits["train"].labels
        np.savez(rows, allow_pickle=False, inputs=inputs, labels=labels)
        fine_tune(folder, rows, finetune, fine_tuned, progress=progress)
    if progress:
        progress(f"converting to {', '.join(method.name for method in methods)}", 0, 0)
    return write_candidates(
        folder, manifest, methods, workspace, samples=samples, fine_tuned=fine_tuned
    )


def _select(
    servable: _Servable,
    rows: MeasuredRows,
    measured: Measurements,
    methods: Sequence[str],
    limits: QuantizationLimits,
) -> QuantizeReport:
    """Returns the report, with the engines to write.

    Raises:
        ParityError: a given method exceeds the limits.
        ServableError: a given method has no file, or its file does not run.
    """
    variants = compare_variants(measured.answers, measured.costs, measured.sizes, rows.labels)
    best, reason = select_variant(variants, limits)
    written = [_most_accurate(method, variants) for method in methods]
    for name in written:
        if name in measured.missing:
            raise ServableError(
                f"{name} is not available: {measured.missing[name]}; nothing was written."
            )
        if problem := limits.problem(variants[name]):
            raise ParityError(
                f"{name} {problem}; nothing was written. {limits.advice(name, variants)}"
            )
    if best and not written:
        written = [best]
    return QuantizeReport(
        servable=servable.folder,
        split=rows.split,
        rows=len(rows.inputs),
        machine=detect().name,
        variants=variants,
        missing=measured.missing,
        recommended=best,
        reason=reason,
        written=tuple(written),
        seconds=0.0,
    )


def _most_accurate(method: str, variants: Mapping[str, Variant]) -> str:
    """Returns the most accurate engine of a method and of the methods that fine-tune it."""
    engines = engines_of(method)
    there = [name for name in engines if name in variants]
    return max(there, key=lambda name: variants[name].accuracy, default=engines[0])
