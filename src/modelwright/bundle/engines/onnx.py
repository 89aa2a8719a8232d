"""ONNX Runtime: the fast engine. Texts are cut and pictures decoded here, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.bundle.manifest import Manifest
from modelwright.bundle.ready import Preparation
from modelwright.core.errors import MissingDependencyError, ServableError
from modelwright.core.types import FloatArray, IntArray, RawInput

FILE = "onnx/model.onnx"
_BATCH = 32
_SORTED = 1024
"""Texts among which those of one length are sought."""


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
            reason = str(error).splitlines()[0]
            raise ServableError(f"{path} cannot be loaded: {reason}.") from None
        (given,) = self._session.get_inputs()
        self._name = given.name
        # A number stands where the width is fixed, a name or nothing where it is not.
        self._any_length = manifest.task == "text" and not isinstance(given.shape[1], int)
        self._prepare = Preparation(folder, manifest)
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
        answers = np.empty((len(inputs), self._classes), np.float32)
        for places, ready in self._batches(inputs):
            answers[places] = self.run(ready)
        return answers

    def _batches(self, inputs: Sequence[RawInput]) -> Iterator[tuple[IntArray, Any]]:
        """Which rows, and what the network reads of them.

        Its file was made for texts without padding: what is padding would count.
        """
        step = _SORTED if self._any_length else _BATCH
        for start in range(0, len(inputs), step):
            ready = self._prepare(inputs[start : start + step])
            if not self._any_length:
                yield start + np.arange(len(ready)), ready
                continue
            lengths = (ready != 0).sum(axis=1)
            for length in np.unique(lengths):
                alike = np.flatnonzero(lengths == length)
                for at in range(0, len(alike), _BATCH):
                    chosen = alike[at : at + _BATCH]
                    yield start + chosen, ready[chosen, :length]


def open_engine(folder: Path, manifest: Manifest, name: str) -> OnnxEngine:
    """Load the ONNX file of a servable.

    Raises:
        MissingDependencyError: ONNX Runtime is not installed.
        ServableError: the file cannot be loaded.
    """
    return OnnxEngine(folder, manifest)
