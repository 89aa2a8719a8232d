"""ONNX Runtime: the fast engine. Texts are cut and pictures decoded here, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import MissingDependencyError, ServableError, brief
from modelwright.core.types import FloatArray, IntArray, RawInput
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

FILE = "onnx/model.onnx"
_BATCH = 32
_SORTED = 1024
"""Rows that are prepared at once; of texts, among which those of one length are sought."""


class OnnxEngine:
    """One session, which answers in the thread that asks."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingDependencyError(
                "engine 'onnx' needs onnxruntime, which is not installed; install with: pip install"
                " 'modelwright[serve]'."
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        path = folder / FILE
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - its exceptions have no common base but this
            reason = brief(error)
            raise ServableError(f"{path} cannot be loaded: {reason}.") from None
        (given,) = self._session.get_inputs()
        self._name = given.name
        # A number stands where the width is fixed, a name or nothing where it is not.
        self._any_length = manifest.task == "text" and not isinstance(given.shape[1], int)
        self._prepare = Preparation(folder, manifest)
        self.row = self._prepare.row
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """What the network reads of raw inputs; of texts of any length, all must have one."""
        return self._prepare(inputs, shortest=self._any_length)

    def run(self, ready: Any) -> FloatArray:
        """Class probabilities float32 ``[n, classes]`` of that."""
        answer: FloatArray = self._session.run(None, {self._name: ready})[0]
        return answer

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Class probabilities float32 ``[n, classes]``."""
        if len(inputs) == 1:
            return self.run(self.prepare(inputs))
        parts = [np.empty((0, self._classes), np.float32)]
        for start in range(0, len(inputs), _SORTED):
            parts.append(self.run_padded(self._prepare(inputs[start : start + _SORTED])))
        return np.concatenate(parts)

    def run_padded(self, ready: Any) -> FloatArray:
        """The same of many rows, texts padded at the end with 0 to any common length.

        Its file was made for texts without padding: what is padding would count.
        """
        answers = np.empty((len(ready), self._classes), np.float32)
        for places, rows in self._batches(ready):
            answers[places] = self.run(rows)
        return answers

    def _batches(self, ready: Any) -> Iterator[tuple[IntArray, Any]]:
        """Which rows, and what the network reads of them."""
        if self._any_length:
            lengths = (ready != 0).sum(axis=1)
            alike = [(np.flatnonzero(lengths == one), int(one)) for one in np.unique(lengths)]
        else:
            alike = [(np.arange(len(ready)), ready.shape[1])]
        for places, length in alike:
            for at in range(0, len(places), _BATCH):
                chosen = places[at : at + _BATCH]
                yield chosen, ready[chosen, :length]


def open_engine(folder: Path, manifest: Manifest, name: str) -> OnnxEngine:
    """Load the ONNX file of a servable.

    Raises:
        MissingDependencyError: ONNX Runtime is not installed.
        ServableError: the file cannot be loaded.
    """
    return OnnxEngine(folder, manifest)
