"""Export: turns a run into the next version of a servable, or writes nothing at all."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from modelwright.core.blocks import Block, Facts
from modelwright.core.errors import ServableError, write_advice
from modelwright.core.files import atomic_folder, sha256_file
from modelwright.core.folders import kind_of
from modelwright.core.report import Report
from modelwright.core.types import Dataset, Progress, UInt8Array
from modelwright.data.images import decode_image, resize_image
from modelwright.data.served_images import SERVED_FORMATS
from modelwright.exporting.image_examples import MADE_ROWS, encode_in_every_format
from modelwright.exporting.reference import add_reference
from modelwright.exporting.writer import write_reason, write_version
from modelwright.models.image_decoding import decode_in_graph
from modelwright.models.output_layer import two_columns
from modelwright.runs.exports import record_export
from modelwright.runs.rows import evenly_spaced, held_out_or_training, raw_inputs, reload_data
from modelwright.runs.run import WEIGHTS, Run, load_run
from modelwright.servable.engines.registry import REFERENCE
from modelwright.servable.examples import Examples
from modelwright.servable.live_version import LARGEST_VERSION
from modelwright.servable.manifest import (
    FORMAT,
    TOLERANCE,
    Manifest,
    read_manifest,
    version_folders,
)

_CHECKED_ROWS = 1000
# Where images are resized, the graph and Pillow differ by one gray level in some pixels.
_LOSSY_TOLERANCE = 0.05


@dataclass(frozen=True)
class ExportReport(Report):
    """An exported version.

    ``parity`` maps each engine to the figures of its check, ``missing`` each engine that could not
    be written to the reason.
    """

    servable: Path
    name: str
    version: int
    parity: dict[str, Any]
    missing: dict[str, str]
    bytes: int
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {**vars(self), "servable": str(self.servable), "notes": list(self.notes)}

    def blocks(self) -> Sequence[Block]:
        """Returns the version, its size, and the check of each engine."""
        rows: list[tuple[str, object]] = [
            ("servable", str(self.servable)),
            ("version", self.version),
            ("size", f"{self.bytes / 2**20:.1f} MiB"),
        ]
        for engine, figures in self.parity.items():
            rows.append(
                (
                    f"{engine} against Keras",
                    f"{figures['rows']:,} held-out rows, largest difference"
                    f" {figures['max_difference']:.1e}, {figures['labels_changed']} labels changed",
                )
            )
        rows += [(f"{engine} is missing", reason) for engine, reason in self.missing.items()]
        rows += [("note", note) for note in self.notes]
        rows.append(("next", f"modelwright report {shlex.quote(str(self.servable))}"))
        return [Facts("exported", rows)]


def export(
    path: Path | str,
    destination: Path | str | None = None,
    *,
    version: int | None = None,
    tta: bool = False,
    data_root: Path | str | None = None,
    progress: Progress | None = None,
) -> ExportReport:
    """Writes a run's model as ``destination/VERSION``.

    Args:
        path: the run's folder.
        destination: the model's folder; the folder's name is the model's name. By default
            ``models/NAME`` in the current folder, with the name of the run.
        version: the version's number; one more than the newest by default.
        tta: whether the model answers with test-time augmentation, which takes several times as
            long.
        data_root: where the run's data is now, if it was moved.
        progress: is called at each step.

    Raises:
        RunError: the run cannot be used.
        ConfigError: ``tta`` for a model that was not trained on mirrored images.
        ServableError: the version exists, or cannot be written. Nothing was written.
        ParityError: an engine does not give the answers of Keras. Nothing was written.
    """
    started = time.monotonic()
    run = load_run(path)
    destination = Path(destination) if destination else Path("models") / run.model_name
    number = _version_number(destination, version)
    network = run.network(tta=tta)
    data = reload_data(run.config.data, run.data, run.path, progress, root=data_root)
    examples, tolerance = _examples(run, network, data)
    name = destination.resolve().name
    while True:
        target = destination / str(number)
        try:
            with atomic_folder(target) as folder:
                manifest = _manifest(run, name, number, tolerance, tta=tta)
                parity = write_version(run, network, folder, manifest, examples)
                unmeasured = add_reference(folder, data, progress)
            break
        except (OSError, tf.errors.OpError) as error:
            if not target.exists():
                raise ServableError(
                    f"writing {target} failed: {write_reason(error)}; nothing was exported."
                    f" {write_advice(error)}"
                ) from None
        # Another export has taken the number in the meantime.
        number = _version_number(destination, version)
    notes = (*_unmeasured(run, manifest), *unmeasured, *_record(run, target, manifest.created))
    return ExportReport(
        servable=target,
        name=name,
        version=number,
        parity=parity,
        missing=dict(read_manifest(target).missing),
        bytes=sum(file.stat().st_size for file in target.rglob("*") if file.is_file()),
        seconds=time.monotonic() - started,
        notes=notes,
    )


def _unmeasured(run: Run, manifest: Manifest) -> tuple[str, ...]:
    """Returns a note if the manifest has no test figures although the run has test rows."""
    if "test" in manifest.metrics or not run.data["rows"].get("test"):
        return ()
    option = " --tta" if manifest.tta else ""
    return (
        "the manifest has no test accuracy, because these weights were not evaluated; run"
        f" modelwright evaluate {run.path}{option} and export again to record it",
    )


def _record(run: Run, target: Path, created: str) -> tuple[str, ...]:
    """Records an export in the run's folder. Returns what the user should know."""
    try:
        record_export(run.path, target, created, sha256_file(run.path / WEIGHTS))
    except OSError as error:
        return (
            f"the export is not recorded in {run.path}, so modelwright runs may not list it:"
            f" {error.strerror or error}",
        )
    return ()


def _version_number(destination: Path, version: int | None) -> int:
    """Returns the number of the version to write.

    Raises:
        ServableError: the model's folder is a file, or the number exists or is negative.
    """
    existing = version_folders(destination)
    if destination.exists() and not destination.is_dir():
        raise ServableError(f"{destination} is a file; expected a folder for the model.")
    if (kind := kind_of(destination)) not in ("nothing", "folder", "model"):
        what = {"version": "one version of a model"}.get(kind, f"a folder of {kind}")
        what = "a run" if kind == "run" else what
        raise ServableError(
            f"{destination} is {what}; expected the folder of one model, existing or new, for"
            " example models/NAME."
        )
    number = version if version is not None else max(existing, default=0) + 1
    if number in existing:
        raise ServableError(
            f"version {number} of {destination} exists and is never overwritten; leave --version"
            f" out for {max(existing) + 1}, or delete it first."
        )
    if number < 0:
        raise ServableError(f"--version was given {number}; expected an integer of at least 0.")
    if number > LARGEST_VERSION:
        given = f"--version was given {version}" if version is not None else f"{number} is next"
        raise ServableError(
            f"{given} for {destination}; expected a version of at most {LARGEST_VERSION}, as a"
            " signed 64-bit integer holds it. Give a smaller --version."
        )
    return number


def _examples(run: Run, network: keras.Model, data: Dataset) -> tuple[Examples, float]:
    """Returns held-out rows with the answers of the Keras network, and the tolerance for them."""
    _, split = held_out_or_training(data)
    made = MADE_ROWS if run.task == "image" else 0
    positions = evenly_spaced(len(split), _CHECKED_ROWS - made)
    raw = raw_inputs(split, positions, orient=run.config.data.orientation)
    rows = split.inputs.take(np.array(positions))
    if run.shape is not None:
        more = encode_in_every_format(rows, turned=run.config.data.orientation)
        decoded = [_decode(file, run) for file in more]
        raw, rows = (*raw, *more), np.concatenate([rows, decoded])
    tokenizer = run.tokenizer()
    exact = tokenizer or _decodes_exactly(raw, rows, run)
    prepared = tokenizer.encode(rows) if tokenizer else rows
    outputs = network.predict(prepared, batch_size=256, verbose=0)
    examples = Examples(raw, two_columns(np.asarray(outputs)))
    return examples, TOLERANCE if exact else _LOSSY_TOLERANCE


def _decode(file: bytes, run: Run) -> UInt8Array:
    shape = run.shape or (0, 0, 3)
    pixels = decode_image(file, channels=shape[2], orient=run.config.data.orientation)
    return resize_image(pixels, shape[:2])


def _decodes_exactly(raw: tuple[Any, ...], rows: Any, run: Run) -> bool:
    """Returns whether the graph decodes images to the pixels that Pillow gives."""
    if run.shape is None:
        return True
    step = 128
    return all(
        np.array_equal(
            decode_in_graph(
                tf.constant(raw[start : start + step]),
                run.shape,
                orient=run.config.data.orientation,
            ).numpy(),
            rows[start : start + step],
        )
        for start in range(0, len(raw), step)
    )


def _manifest(run: Run, name: str, version: int, tolerance: float, *, tta: bool) -> Manifest:
    return Manifest(
        format=FORMAT,
        name=name,
        version=version,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        task=run.task,
        labels=run.labels,
        shape=run.shape,
        tta=tta,
        tolerance=tolerance,
        engines={REFERENCE: {}},
        config=_config(run),
        data=run.data,
        metrics=_metrics(run, "test-tta" if tta else "test"),
        versions=run.versions,
        files={},
        decoding=_decoding(run),
        backbone=dict(run.backbone),
        lineage=dict(run.lineage),
    )


def _config(run: Run) -> dict[str, Any]:
    """Returns the settings of the training, with those that it chose from its data."""
    return {**run.config.model_dump(), "model": run.model.model_dump()}


def _decoding(run: Run) -> dict[str, Any]:
    """Returns what the model reads as an image, and how."""
    if run.task != "image":
        return {}
    return {"formats": list(SERVED_FORMATS), "orientation": run.config.data.orientation}


def _metrics(run: Run, evaluation: str) -> dict[str, Any]:
    """Returns the figures of the training, and those on the test rows where they exist."""
    path = run.path / "evaluations" / evaluation / "evaluation.json"
    figures = {"training": dict(run.metrics)}
    measured = json.loads(path.read_text("utf-8")) if path.exists() else {}
    weights = sha256_file(run.path / WEIGHTS)
    # Figures of weights that a resumed training has replaced are not those of this servable.
    if measured and measured.get("weights", weights) == weights:
        keys = ("rows", "accuracy", "accuracy_interval", "macro_f1", "majority_accuracy")
        figures["test"] = {key: measured[key] for key in keys}
    return figures
