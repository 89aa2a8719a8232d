"""Smaller files of a servable, for LiteRT, and a table from which to choose one.

Every way to write the file is tried in a copy of the servable, run in a process of its own on
held-out rows of the servable's own data, and measured; what is chosen is then moved into the
servable at once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError, MissingDependencyError, ParityError, ServableError
from modelwright.core.files import move_into_place, write_json
from modelwright.core.hardware import detect
from modelwright.core.nearest import nearest
from modelwright.core.packages import require_training
from modelwright.core.types import Dataset, FloatArray, Progress
from modelwright.exporting import conversion, heldout
from modelwright.exporting.conversion import METHODS
from modelwright.plots.quantize import draw_quantize
from modelwright.quantization.aware_training import finetune as finetune_weights
from modelwright.quantization.selection import Limits, QuantizeReport, Variant, choose, compared
from modelwright.servable import examples, manifest
from modelwright.servable.cost import Cost, measure
from modelwright.servable.engines import installed, litert, onnx
from modelwright.servable.examples import Examples
from modelwright.servable.manifest import EXAMPLES, Manifest

BASE = "savedmodel"
_WHOLE = "litert-float32"
TABLE = f"{litert.FOLDER}/table.json"
PLOT = f"{litert.FOLDER}/table.png"
FINETUNED = "int8-finetuned"
_VALUES = "values.npz"
_REPRESENTATIVE = 256
_KEPT = 32
# A whole number of eight bits more or less, which another processor may round to.
_TOLERANCES = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.02, "int8": 0.02}


@dataclass(frozen=True)
class Measuring:
    """On what files are measured, and for how long."""

    split: str | None = None
    """``val`` by default, ``test`` where there is none, else ``train``."""
    rows: int = 0
    """At most so many of its rows, evenly spread; 0 for all."""
    seconds: float = 1.0
    """About how long each way of answering is timed."""


def quantize(
    path: Path | str,
    *,
    methods: Sequence[str] = (),
    limits: Limits | None = None,
    finetune: int = 0,
    measuring: Measuring | None = None,
    progress: Progress | None = None,
) -> QuantizeReport:
    """Write the LiteRT files of a servable that were asked for, or the one that is recommended.

    Args:
        path: a version's folder, or a model's, which means its newest version.
        methods: of ``METHODS``; none to have one recommended within the limits.
        limits: what the file may cost.
        finetune: also try ``int8`` after so many epochs on the training rows with rounded weights.
        measuring: on what, and for how long.
        progress: told of each step.

    Raises:
        ConfigError: there is no such method or split.
        DataError: the data changed, or is gone.
        MissingDependencyError: LiteRT is not installed.
        ParityError: a method that was asked for is beyond the limits; nothing was written.
        ServableError: the servable cannot be used or written, or a method cannot be made.
    """
    started = time.monotonic()
    _check_methods(methods)
    require_training()
    if not installed(litert.FOLDER):
        raise MissingDependencyError(
            "quantising runs every file that it makes, with ai-edge-litert, which is not installed;"
            " install with: pip install 'modelwright[edge]'."
        )
    folder = manifest.find(Path(path)).resolve()
    about = manifest.read(folder)
    config = heldout.settings(about, folder)
    data = heldout.load(config.data, about.data, folder, progress)
    measuring = measuring or Measuring()
    name, part = heldout.part_of(data, measuring.split)
    chosen = examples.held_out(len(part), measuring.rows or len(part))
    labels = part.labels[np.array(chosen)]
    raw = heldout.sendable(part, chosen)
    nothing = np.zeros((len(raw), len(about.labels)), np.float32)
    try:
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as place:
            work = Path(place)
            examples.write(work / "rows", Examples(raw, nothing), about.task)
            np.save(work / "seen.npy", heldout.ready(data, folder, about, _REPRESENTATIVE))
            if finetune:
                _tune(data, folder, about, finetune, work, progress)
            asked = [m for m in METHODS if not methods or m in (*methods, "float32")]
            asked += [FINETUNED] if finetune else []
            copy, held, missing = _converted(folder, about, work, asked, progress)
            answers, costs, broken = _measured(
                copy, held, work / "rows", measuring.seconds, progress
            )
            missing.update(broken)
            sizes = {engine: _size(copy, engine) for engine in answers}
            variants = compared(answers, costs, sizes, labels, base=BASE, whole=_WHOLE)
            best, reason = choose(variants, limits or Limits())
            wanted = tuple(_better(method, variants) for method in methods)
            wanted = wanted or tuple(filter(None, [best]))
            _check_wanted(wanted, variants, missing, limits or Limits())
            report = QuantizeReport(
                servable=folder,
                split=name,
                rows=len(raw),
                machine=detect().name,
                variants=variants,
                missing=missing,
                recommended=best,
                reason=reason,
                written=wanted,
                seconds=time.monotonic() - started,
            )
            if wanted:
                kept = Examples(raw[:_KEPT], nothing[:_KEPT])
                _settle(copy, about, report, kept, answers)
                _install(copy, folder, work)
    except OSError as error:
        raise ServableError(
            f"writing {folder} failed: {error.strerror or error}; it is as it was. Make room and"
            " try again."
        ) from None
    return report


def _better(method: str, variants: Mapping[str, Variant]) -> str:
    """The engine of a method; of int8 and int8 fine-tuned the more accurate."""
    names = [f"litert-{name}" for name in (method, FINETUNED if method == "int8" else method)]
    there = [name for name in names if name in variants]
    return max(there, key=lambda name: variants[name].accuracy, default=names[0])


def _check_methods(methods: Sequence[str]) -> None:
    for method in methods:
        if method not in METHODS:
            raise ConfigError(
                f"--method was given '{method}'.{nearest(method, METHODS)} Expected one of"
                f" {', '.join(METHODS)}."
            )


def _tune(
    data: Dataset,
    folder: Path,
    about: Manifest,
    epochs: int,
    work: Path,
    progress: Progress | None,
) -> None:
    """Write other values of the network's variables, trained on with rounded weights."""
    rows = work / "train.npz"
    inputs, labels = heldout.ready(data, folder, about), data.splits["train"].labels
    np.savez(rows, allow_pickle=False, inputs=inputs, labels=labels)
    finetune_weights(folder, rows, epochs, work / _VALUES, progress=progress)


def _converted(
    folder: Path,
    about: Manifest,
    work: Path,
    asked: Sequence[str],
    progress: Progress | None,
) -> tuple[Path, Manifest, dict[str, str]]:
    """A copy of the servable with every file that could be made."""
    copy = work / folder.name
    shutil.copytree(folder, copy, copy_function=_link)
    shutil.rmtree(copy / litert.FOLDER, ignore_errors=True)
    (copy / litert.FOLDER).mkdir()
    plain = {name: about.engines[name] for name in about.engines if not _quantized(name)}
    if progress:
        progress(f"converting to {', '.join(asked)}", 0, 0)
    seen = work / "seen.npy"
    reasons = conversion.convert(folder, [m for m in asked if m in METHODS], work, rows=seen)
    if FINETUNED in asked:
        (work / FINETUNED).mkdir()
        again = conversion.convert(
            folder, ["int8"], work / FINETUNED, rows=seen, values=work / _VALUES
        )
        if again:
            reasons[FINETUNED] = again["int8"]
    made: dict[str, Any] = {}
    for method in asked:
        if method not in reasons:
            name = f"litert-{method}"
            made[name] = {"tolerance": _TOLERANCES[method.partition("-")[0]]}
            file = work / method / "int8" if method == FINETUNED else work / method
            move_into_place(file, copy / litert.file_of(name))
    missing = {f"litert-{method}": reason for method, reason in reasons.items()}
    return copy, manifest.write(replace(about, engines={**plain, **made}), copy), missing


def _measured(
    copy: Path,
    about: Manifest,
    path: Path,
    seconds: float,
    progress: Progress | None,
) -> tuple[dict[str, FloatArray], dict[str, Cost], dict[str, str]]:
    """The answers of each engine and what they cost, and why the others do not answer."""
    answers: dict[str, FloatArray] = {}
    costs: dict[str, Cost] = {}
    broken = {}
    for name in sorted(about.engines, key=lambda name: (name != BASE, _quantized(name))):
        try:
            answers[name], costs[name] = measure(
                copy, name, path, seconds=seconds, progress=progress
            )
        except ServableError as error:
            if name == BASE:
                raise
            broken[name] = str(error)
    return answers, costs, broken


def _size(folder: Path, name: str) -> int:
    """Bytes of what an engine loads as its network."""
    if name == BASE:
        files = [folder / "saved_model.pb", *(folder / "variables").iterdir()]
    else:
        files = [folder / (onnx.FILE if name == "onnx" else litert.file_of(name))]
    return sum(file.stat().st_size for file in files)


def _check_wanted(
    wanted: Sequence[str],
    variants: Mapping[str, Variant],
    missing: Mapping[str, str],
    limits: Limits,
) -> None:
    for name in wanted:
        if name in missing:
            raise ServableError(f"{name} is not available: {missing[name]}; nothing was written.")
        if problem := limits.problem(variants[name]):
            raise ParityError(
                f"{name} {problem}; nothing was written. {limits.advice(name, variants)}"
            )


def _settle(
    copy: Path,
    about: Manifest,
    report: QuantizeReport,
    rows: Examples,
    answers: Mapping[str, FloatArray],
) -> None:
    """Leave what was chosen in the copy, with its recorded answers and the table."""
    engines = {name: about.engines[name] for name in about.engines if not _quantized(name)}
    for file in (copy / litert.FOLDER).glob("*.tflite"):
        if f"litert-{file.stem}" not in report.written:
            file.unlink()
    for name in report.written:
        recorded = f"{litert.FOLDER}/{name.partition('-')[2]}.{EXAMPLES}"
        given = Examples(rows.inputs, answers[name][: len(rows.inputs)])
        examples.write(copy / recorded, given, about.task)
        variant = report.variants[name]
        engines[name] = {
            "tolerance": _TOLERANCES[name.split("-")[1]],
            "examples": recorded,
            "rows": report.rows,
            "split": report.split,
            "accuracy": variant.accuracy,
            "change": variant.change,
            "flips": variant.flips,
        }
    write_json(copy / TABLE, report.to_dict())
    draw_quantize(
        copy / PLOT,
        {
            name: (one.bytes / 2**20, one.cost.latency_ms["p50"], 100 * one.change)
            for name, one in report.variants.items()
        },
        {name: tuple(100 * end for end in one.interval) for name, one in report.variants.items()},
    )
    manifest.write(replace(about, engines=engines), copy)


def _install(copy: Path, folder: Path, work: Path) -> None:
    """Renames alone: the folder of files, then the manifest that knows them; both or neither."""
    there, before = folder / litert.FOLDER, work / "before"
    if there.exists():
        there.rename(before)
    try:
        (copy / litert.FOLDER).rename(there)
        move_into_place(copy / manifest.MANIFEST, folder / manifest.MANIFEST)
    except BaseException:
        shutil.rmtree(there, ignore_errors=True)
        if before.exists():
            before.rename(there)
        raise


def _quantized(name: str) -> bool:
    return name.startswith(f"{litert.FOLDER}-")


def _link(source: str, target: str) -> None:
    """A second name for a file where the system has such, otherwise a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
