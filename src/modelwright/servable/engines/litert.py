"""LiteRT: the small engine of phones and boards. Texts are cut and pictures decoded here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import MissingDependencyError, ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

FOLDER = "litert"


class LitertEngine:
    """One interpreter, which takes one row at a time."""

    def __init__(self, folder: Path, manifest: Manifest, file: str) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise MissingDependencyError(
                "engine 'litert' needs ai-edge-litert, which is not installed; install with: pip"
                " install 'modelwright[edge]'."
            ) from None
        path = folder / file
        try:
            self._interpreter = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise ServableError(f"{path} cannot be loaded: {brief(error)}.") from None
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._prepare = Preparation(folder, manifest)
        self.row = self._prepare.row
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """What the network reads of raw inputs."""
        return self._prepare(inputs)

    def run(self, ready: Any) -> FloatArray:
        """Class probabilities float32 ``[n, classes]`` of that."""
        answers = np.empty((len(ready), self._classes), np.float32)
        for place, row in enumerate(ready):
            self._interpreter.set_tensor(self._input["index"], row[None])
            self._interpreter.invoke()
            answers[place] = self._spread(self._interpreter.get_tensor(self._output["index"])[0])
        return answers

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Class probabilities float32 ``[n, classes]``."""
        parts = [np.empty((0, self._classes), np.float32)]
        parts += [self.run(self.prepare([row])) for row in inputs]
        return np.concatenate(parts)

    def _spread(self, row: Any) -> Any:
        """Probabilities of what the file gives, which may be whole numbers with a scale."""
        scale, zero = self._output["quantization"]
        return (row.astype(np.float32) - zero) * scale if scale else row


def file_of(name: str) -> str:
    """The file of ``litert-METHOD``, below the version's folder."""
    return f"{FOLDER}/{name.partition('-')[2]}.tflite"


def open_engine(folder: Path, manifest: Manifest, name: str) -> LitertEngine:
    """Load a LiteRT file of a servable.

    Raises:
        MissingDependencyError: LiteRT is not installed.
        ServableError: the file cannot be loaded.
    """
    return LitertEngine(folder, manifest, file_of(name))
