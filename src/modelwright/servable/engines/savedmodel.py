"""The SavedModel on TensorFlow: the answers that TensorFlow Serving gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.backend import load_tensorflow
from modelwright.core.errors import DataError, ServableError, graph_reason
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.engines.kinds import EngineKind
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

_BATCH = 256


class SavedModelEngine:
    """One loaded SavedModel and its two signatures, for raw inputs and for prepared rows."""

    takes_padded_rows = True

    def __init__(self, folder: Path, manifest: Manifest, engine: str) -> None:
        """Loads the SavedModel of a servable.

        Raises:
            MissingDependencyError: TensorFlow is not installed.
            ServableError: the SavedModel cannot be loaded.
        """
        load_tensorflow()
        import tensorflow as tf

        self._tf = tf
        try:
            # The signatures do not own the variables, so the model must live as long as they do.
            self._model = tf.saved_model.load(str(folder))
            self._raw_signature = self._model.signatures["serving_default"]
            (self._prepared_input,) = self._model.signatures.keys() - {"serving_default"}
            self._prepared_signature = self._model.signatures[self._prepared_input]
            (spec,) = self._prepared_signature.structured_input_signature[1].values()
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ServableError(f"the SavedModel in {folder} cannot be loaded: {error}.") from None
        self._raw_input = manifest.input_name
        self._folder, self._manifest = folder, manifest
        self._preparation: Preparation | None = None
        self.row = tuple(spec.shape[1:])
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Prepares raw inputs without TensorFlow."""
        if self._preparation is None:
            self._preparation = Preparation(self._folder, self._manifest)
        return self._preparation(inputs)

    def run(self, rows: Any) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of prepared rows."""
        answer = self._prepared_signature(**{self._prepared_input: self._tf.constant(rows)})
        probabilities: FloatArray = answer["probabilities"].numpy()
        return probabilities

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of raw inputs."""
        tf = self._tf
        parts = [np.empty((0, self._classes), np.float32)]
        for start in range(0, len(inputs), _BATCH):
            batch = tf.constant(list(inputs[start : start + _BATCH]), tf.string)
            try:
                answer = self._raw_signature(**{self._raw_input: batch})
            except tf.errors.InvalidArgumentError as error:
                raise DataError(
                    f"the SavedModel cannot read inputs {start + 1} to {start + len(batch)}:"
                    f" {graph_reason(error.message)}"
                ) from None
            parts.append(answer["probabilities"].numpy())
        return np.concatenate(parts)


SAVEDMODEL = EngineKind(
    name="savedmodel",
    open=SavedModelEngine,
    files=("saved_model.pb", "variables/*"),
    package="tensorflow",
    requirement="modelwright[train]",
    needs_tensorflow=True,
)
