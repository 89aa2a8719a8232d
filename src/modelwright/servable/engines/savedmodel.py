"""The SavedModel through TensorFlow: what TensorFlow Serving would answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.backend import load_tensorflow
from modelwright.core.errors import DataError, ServableError
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

_BATCH = 256


class SavedModelEngine:
    """One loaded SavedModel and its default signature."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        load_tensorflow()
        import tensorflow as tf

        self._tf = tf
        try:
            # Held for as long as its functions are used: they don't own its variables.
            self._model = tf.saved_model.load(str(folder))
            self._function = self._model.signatures["serving_default"]
            (ready,) = self._model.signatures.keys() - {"serving_default"}
            self._ready = (ready, self._model.signatures[ready])
            (given,) = self._ready[1].structured_input_signature[1].values()
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ServableError(f"the SavedModel in {folder} cannot be loaded: {error}.") from None
        self._input = manifest.input_name
        self._folder, self._manifest = folder, manifest
        self._preparation: Preparation | None = None
        self.row = tuple(given.shape[1:])
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """What the network reads of raw inputs, without TensorFlow."""
        if self._preparation is None:
            self._preparation = Preparation(self._folder, self._manifest)
        return self._preparation(inputs)

    def run(self, ready: Any) -> FloatArray:
        """Class probabilities float32 ``[n, classes]`` of that."""
        name, function = self._ready
        answer: FloatArray = function(**{name: self._tf.constant(ready)})["probabilities"].numpy()
        return answer

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Class probabilities float32 ``[n, classes]``."""
        tf = self._tf
        parts = [np.empty((0, self._classes), np.float32)]
        for start in range(0, len(inputs), _BATCH):
            batch = tf.constant(list(inputs[start : start + _BATCH]), tf.string)
            try:
                answer = self._function(**{self._input: batch})
            except tf.errors.InvalidArgumentError as error:
                raise DataError(
                    f"the SavedModel cannot read inputs {start + 1} to {start + len(batch)}:"
                    f" {error.message.splitlines()[0]}"
                ) from None
            parts.append(answer["probabilities"].numpy())
        return np.concatenate(parts)


def open_engine(folder: Path, manifest: Manifest, name: str) -> SavedModelEngine:
    """Load the SavedModel of a servable.

    Raises:
        ServableError: it cannot be loaded.
    """
    return SavedModelEngine(folder, manifest)
