"""Export: a run in, the next version of a servable out, or nothing at all."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from modelwright.core.errors import ServableError
from modelwright.core.files import atomic_folder
from modelwright.core.terminal import table
from modelwright.core.types import Progress
from modelwright.exporting import heldout, writer
from modelwright.models.image_decoding import decode_in_graph
from modelwright.models.output_layer import two_columns
from modelwright.runs import run as runs
from modelwright.runs.run import Run
from modelwright.servable import examples, manifest
from modelwright.servable.manifest import Manifest

_CHECKED = 1000
# Where pictures are resized, the graph and Pillow differ by a grey level here and there.
_LOSSY_TOLERANCE = 0.05


@dataclass(frozen=True)
class ExportReport:
    """What was exported; ``parity`` maps each engine to its figures, ``missing`` each that could
    not be made to the reason."""

    servable: Path
    name: str
    version: int
    parity: dict[str, Any]
    missing: dict[str, str]
    bytes: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**vars(self), "servable": str(self.servable)}

    def render(self) -> str:
        """For a person."""
        rows = [
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
        return table(("exported", ""), rows)


def export(
    path: Path | str,
    destination: Path | str,
    *,
    version: int | None = None,
    tta: bool = False,
    progress: Progress | None = None,
) -> ExportReport:
    """Write a run's model as ``destination/VERSION``, one more than the newest by default.

    Args:
        path: the run's folder.
        destination: the model's folder; its name is the model's.
        version: its number, when it is not to be the next one.
        tta: it answers with test-time augmentation, in several times the time.
        progress: told of each step.

    Raises:
        RunError: the run cannot be used.
        ConfigError: ``tta`` for a model that was not trained on mirrored pictures.
        ServableError: the version exists, or cannot be written; nothing was.
        ParityError: an engine does not give what Keras gave; nothing was written.
    """
    started = time.monotonic()
    run = runs.load(path)
    destination = Path(destination)
    taken = manifest.versions(destination)
    if destination.exists() and not destination.is_dir():
        raise ServableError(f"{destination} is a file; expected a folder for the model.")
    number = version if version is not None else max(taken, default=0) + 1
    if number in taken:
        raise ServableError(
            f"version {number} of {destination} exists and is never overwritten; leave --version"
            f" out for {max(taken) + 1}, or delete it first."
        )
    if number < 0:
        raise ServableError(f"--version was given {number}; expected a whole number from 0.")
    network = run.network(tta=tta)
    rows, tolerance = _answers(run, network, progress)
    target = destination / str(number)
    try:
        with atomic_folder(target) as folder:
            about = _about(run, destination.resolve().name, number, tolerance, tta=tta)
            parity = writer.write(run, network, folder, about, rows)
    except (OSError, tf.errors.OpError) as error:
        raise ServableError(
            f"writing {target} failed: {writer.reason(error)}; nothing was exported. Make room or"
            " give another folder."
        ) from None
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    seconds = time.monotonic() - started
    missing = dict(manifest.read(target).missing)
    return ExportReport(target, destination.resolve().name, number, parity, missing, size, seconds)


def _answers(
    run: Run, network: keras.Model, progress: Progress | None
) -> tuple[examples.Examples, float]:
    """Held-out rows as a user would send them, and what the Keras model makes of them."""
    data = heldout.load(run.config.data, run.data, run.path, progress)
    split = data.splits.get("test") or data.splits.get("val") or data.splits["train"]
    chosen = examples.held_out(len(split), _CHECKED)
    raw = heldout.sendable(split, chosen)
    rows = split.inputs.take(np.array(chosen))
    cutter = run.tokenizer()
    tolerance = manifest.TOLERANCE if cutter or _decodes_alike(raw, rows, run) else _LOSSY_TOLERANCE
    outputs = network.predict(cutter.encode(rows) if cutter else rows, batch_size=256, verbose=0)
    return examples.Examples(raw, two_columns(np.asarray(outputs))), tolerance


def _decodes_alike(raw: tuple[Any, ...], rows: Any, run: Run) -> bool:
    if run.shape is None:
        return True
    step = 128
    return all(
        np.array_equal(
            decode_in_graph(tf.constant(raw[start : start + step]), run.shape).numpy(),
            rows[start : start + step],
        )
        for start in range(0, len(raw), step)
    )


def _about(run: Run, name: str, version: int, tolerance: float, *, tta: bool) -> Manifest:
    return Manifest(
        format=manifest.FORMAT,
        name=name,
        version=version,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        task=run.task,
        labels=run.labels,
        shape=run.shape,
        tta=tta,
        tolerance=tolerance,
        engines={"savedmodel": {}},
        config=run.config.model_dump(),
        data=run.data,
        metrics=_metrics(run, "test-tta" if tta else "test"),
        versions=run.versions,
        files={},
    )


def _metrics(run: Run, evaluation: str) -> dict[str, Any]:
    """The training's figures, and those on the test rows where they were measured."""
    path = run.path / "evaluations" / evaluation / "evaluation.json"
    figures = {"training": dict(run.metrics)}
    if path.exists():
        measured = json.loads(path.read_text("utf-8"))
        keys = ("rows", "accuracy", "accuracy_interval", "macro_f1", "majority_accuracy")
        figures["test"] = {key: measured[key] for key in keys}
    return figures
