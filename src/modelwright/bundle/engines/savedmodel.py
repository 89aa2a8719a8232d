"""The SavedModel through TensorFlow: what TensorFlow Serving would answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from modelwright.bundle.manifest import Manifest
from modelwright.core.errors import DataError, ServableError
from modelwright.core.types import FloatArray, RawInput

_BATCH = 256


class SavedModelEngine:
    """One loaded SavedModel and its default signature."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        try:
            # Held for as long as its functions are used: they don't own its variables.
            self._model = tf.saved_model.load(str(folder))
            self._function = self._model.signatures["serving_default"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise ServableError(f"the SavedModel in {folder} cannot be loaded: {error}.") from None
        self._input = manifest.input_name
        self._classes = len(manifest.labels)

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Class probabilities float32 ``[n, classes]``."""
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


def open_engine(folder: Path, manifest: Manifest) -> SavedModelEngine:
    """Load the SavedModel of a servable.

    Raises:
        ServableError: it cannot be loaded.
    """
    return SavedModelEngine(folder, manifest)
