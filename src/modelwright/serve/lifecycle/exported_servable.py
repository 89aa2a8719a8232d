"""A servable that ``modelwright export`` wrote, which ONNX Runtime or LiteRT runs.

Raw texts and images are prepared without TensorFlow, by the same code as in ``Predictor``. The
signatures are those of the SavedModel in the same folder: the raw one, and ``ids`` or ``pixels``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError, ModelwrightError, ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.monitoring.input_summary import InputSummary, summarize_inputs
from modelwright.monitoring.reference import Reference, read_reference
from modelwright.servable.engines.padding import run_padded
from modelwright.servable.engines.registry import open_engine, resolve_engine
from modelwright.servable.examples import Examples, compare_answers, read_examples
from modelwright.servable.manifest import Manifest, read_manifest
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.servable import DEFAULT, PREDICT, Tensors, bytes_array
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec

_log = logging.getLogger("modelwright.serve")


class ExportedServable:
    """One version, run by one of its engines."""

    def __init__(self, folder: Path, engine: str) -> None:
        """Checks every file and loads the engine.

        Raises:
            ServableError: a file is not as it was exported, or the engine cannot load it.
            MissingDependencyError: a package that the engine needs is not installed.
        """
        recorded = read_manifest(folder)
        self._folder, self._manifest = folder, recorded
        self._name = resolve_engine(engine, folder, recorded)
        self._engine = open_engine(self._name, folder, recorded)
        self._labels = bytes_array([label.encode() for label in recorded.labels])
        self._prepared = "ids" if recorded.task == "text" else "pixels"
        self._examples: Examples | None = None
        self.reference = _read_reference(folder, recorded)
        """What the requests were like for which the version was made; None if it has none."""
        self.signatures: Mapping[str, Signature] = _signatures(
            recorded, self._engine.row, self._prepared
        )
        self.description: Mapping[str, Any] = {
            "task": recorded.task,
            "labels": list(recorded.labels),
            "input": recorded.input_name,
            "shape": list(recorded.shape) if recorded.shape else None,
            "engine": self._name,
            "created": recorded.created,
            "metrics": recorded.metrics,
        }

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Returns the probabilities, the best label and its score for raw or prepared rows."""
        (rows,) = inputs.values()
        try:
            prepared = signature == self._prepared
            probabilities = self._run_prepared(rows) if prepared else self._run_raw(rows)
        except DataError as error:
            raise Refused("INVALID_ARGUMENT", str(error)) from None
        return {
            "label": self._labels[probabilities.argmax(axis=1)],
            "probabilities": probabilities,
            "score": probabilities.max(axis=1),
        }

    def warm(self) -> int:
        """Answers the recorded rows; an answer that differs makes the version unusable."""
        recorded = self._recorded()
        probabilities = self._engine.probabilities(recorded.inputs)
        figures = compare_answers(
            recorded.expected, probabilities, self._manifest.tolerance_of(self._name)
        )
        if not figures["passed"]:
            raise ServableError(
                f"engine '{self._name}' of {self._folder} does not give its recorded answers:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}."
            )
        return len(recorded.inputs)

    def example(self) -> Tensors | None:
        """Returns the first recorded row."""
        row = self._recorded().inputs[0]
        return {
            self._manifest.input_name: bytes_array([row.encode() if isinstance(row, str) else row])
        }

    def summarize(self, rows: Sequence[bytes]) -> InputSummary:
        """Returns the summary of raw rows that were answered before."""
        text = self._manifest.task == "text"
        inputs: list[RawInput] = [row.decode() if text else row for row in rows]
        return summarize_inputs(inputs, self._engine.prepare(inputs))

    def close(self) -> None:
        """Does nothing: the engine is freed with this object."""

    def _recorded(self) -> Examples:
        if self._examples is None:
            path = self._folder / self._manifest.examples_of(self._name)
            self._examples = read_examples(path, self._manifest.task)
        return self._examples

    def _run_raw(self, rows: Any) -> FloatArray:
        values: Sequence[RawInput] = rows.tolist()
        if self._manifest.task == "text":
            try:
                values = [row.decode() for row in rows]
            except UnicodeDecodeError as error:
                raise Refused(
                    "INVALID_ARGUMENT", f"A text is not valid UTF-8 at byte {error.start}."
                ) from None
        return self._engine.probabilities(values)

    def _run_prepared(self, rows: Any) -> FloatArray:
        if self._prepared == "ids":
            tokens = rows != 0
            gaps = tokens.sum(axis=1) != rows.shape[1] - np.argmax(tokens[:, ::-1], axis=1)
            if gaps.any() or (rows < 0).any():
                raise Refused(
                    "INVALID_ARGUMENT",
                    "A row of ids has no token, a negative id, or padding before its end;"
                    " expected ids above 0, then zeros.",
                )
        try:
            return run_padded(self._engine, rows)
        except ModelwrightError:
            raise
        except Exception as error:  # noqa: BLE001 - the engines' exceptions share no narrower base
            raise Refused(
                "INVALID_ARGUMENT", f"The network cannot read this: {brief(error)}"
            ) from None


def _read_reference(folder: Path, manifest: Manifest) -> Reference | None:
    """Returns the reference of a version; without one the version answers all the same."""
    try:
        reference = read_reference(folder)
    except ServableError as error:
        _log.warning("%s has no gauges of drift: %s", folder, error)
        return None
    if reference and (reference.task, reference.labels) != (manifest.task, manifest.labels):
        _log.warning("%s has no gauges of drift: its reference is of another model", folder)
        return None
    return reference


def _signatures(
    manifest: Manifest, row: tuple[int, ...], prepared_name: str
) -> dict[str, Signature]:
    outputs = {
        "label": TensorSpec("label", "DT_STRING", (-1,)),
        "probabilities": TensorSpec("probabilities", "DT_FLOAT", (-1, len(manifest.labels))),
        "score": TensorSpec("score", "DT_FLOAT", (-1,)),
    }
    raw = TensorSpec(manifest.input_name, "DT_STRING", (-1,))
    dtype = "DT_INT32" if prepared_name == "ids" else "DT_UINT8"
    prepared = TensorSpec(prepared_name, dtype, (-1, *row))
    return {
        DEFAULT: Signature(PREDICT, {raw.name: raw}, outputs),
        prepared_name: Signature(PREDICT, {prepared.name: prepared}, outputs),
    }
