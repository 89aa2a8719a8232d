"""A servable that ``modelwright export`` made, answered by ONNX Runtime or LiteRT.

Raw texts and pictures are prepared here, without TensorFlow, as ``bundle`` does everywhere. The
signatures are those of the SavedModel beside it: the raw one, and ``ids`` or ``pixels``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError, ModelwrightError, ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.engines.padding import run_padded
from modelwright.servable.engines.registry import open_engine, resolve_engine
from modelwright.servable.examples import Examples, compare_answers, read_examples
from modelwright.servable.manifest import Manifest, read_manifest
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.served_model import DEFAULT, PREDICT, Tensors, texts
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec


class OwnServable:
    """One engine of one version, and the labels of its answers."""

    def __init__(self, folder: Path, engine: str) -> None:
        """Check every file and load.

        Raises:
            ServableError: it is not as it was exported, or the engine cannot load it.
            MissingDependencyError: what runs the engine is not installed.
        """
        about = read_manifest(folder)
        self._folder, self._manifest = folder, about
        self._name = resolve_engine(engine, folder, about)
        self._engine = open_engine(self._name, folder, about)
        self._labels = texts([label.encode() for label in about.labels])
        self._ready = "ids" if about.task == "text" else "pixels"
        self._examples: Examples | None = None
        self.signatures: Mapping[str, Signature] = _signatures(about, self._engine.row, self._ready)
        self.about: Mapping[str, Any] = {
            "task": about.task,
            "labels": list(about.labels),
            "input": about.input_name,
            "shape": list(about.shape) if about.shape else None,
            "engine": self._name,
            "created": about.created,
            "metrics": about.metrics,
        }

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Probabilities, the best label and its probability, of raw or prepared rows."""
        (rows,) = inputs.values()
        try:
            chances = self._network(rows) if signature == self._ready else self._raw(rows)
        except DataError as error:
            raise Refused("INVALID_ARGUMENT", str(error)) from None
        return {
            "label": self._labels[chances.argmax(axis=1)],
            "probabilities": chances,
            "score": chances.max(axis=1),
        }

    def warm(self) -> int:
        """Answer the recorded rows; refuse the version where an answer is another."""
        recorded = self._recorded()
        given = self._engine.probabilities(recorded.inputs)
        figures = compare_answers(recorded.expected, given, self._manifest.tolerance_of(self._name))
        if not figures["passed"]:
            raise ServableError(
                f"engine '{self._name}' of {self._folder} does not give its recorded answers:"
                f" {figures['labels_changed']} of {figures['rows']} labels changed, largest"
                f" difference {figures['max_difference']:.2e}."
            )
        return len(recorded.inputs)

    def example(self) -> Tensors | None:
        """The first recorded row."""
        row = self._recorded().inputs[0]
        return {self._manifest.input_name: texts([row.encode() if isinstance(row, str) else row])}

    def close(self) -> None:
        """Nothing is held beyond the object."""

    def _recorded(self) -> Examples:
        if self._examples is None:
            path = self._folder / self._manifest.examples_of(self._name)
            self._examples = read_examples(path, self._manifest.task)
        return self._examples

    def _raw(self, rows: Any) -> FloatArray:
        values: Sequence[RawInput] = rows.tolist()
        if self._manifest.task == "text":
            try:
                values = [row.decode() for row in rows]
            except UnicodeDecodeError as error:
                raise Refused(
                    "INVALID_ARGUMENT", f"A text is not valid UTF-8 at byte {error.start}."
                ) from None
        return self._engine.probabilities(values)

    def _network(self, rows: Any) -> FloatArray:
        if self._ready == "ids":
            used = rows != 0
            gaps = used.sum(axis=1) != rows.shape[1] - np.argmax(used[:, ::-1], axis=1)
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
        except Exception as error:  # noqa: BLE001 - the engines' exceptions have no other base
            raise Refused(
                "INVALID_ARGUMENT", f"The network cannot read this: {brief(error)}"
            ) from None


def _signatures(about: Manifest, width: tuple[int, ...], ready: str) -> dict[str, Signature]:
    outputs = {
        "label": TensorSpec("label", "DT_STRING", (-1,)),
        "probabilities": TensorSpec("probabilities", "DT_FLOAT", (-1, len(about.labels))),
        "score": TensorSpec("score", "DT_FLOAT", (-1,)),
    }
    raw = TensorSpec(about.input_name, "DT_STRING", (-1,))
    dtype = "DT_INT32" if ready == "ids" else "DT_UINT8"
    prepared = TensorSpec(ready, dtype, (-1, *width))
    return {
        DEFAULT: Signature(PREDICT, {raw.name: raw}, outputs),
        ready: Signature(PREDICT, {prepared.name: prepared}, outputs),
    }
