"""An adapter with which ``core.measure`` can measure a Keras network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray, Progress
from modelwright.models.output_layer import two_columns
from modelwright.training.batches import Batches, encode_rows

_BATCH = 256


@dataclass(frozen=True)
class NetworkClassifier:
    """A network and, for raw texts, its tokenizer.

    Without a tokenizer, rows must be in the form that the network reads: token ids or uint8 images.
    """

    network: keras.Model
    tokenizer: Any | None = None

    def classify_rows(self, rows: Any, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``."""
        batches = Batches(encode_rows(rows, self.tokenizer, progress), _BATCH)
        callbacks = [_PredictionProgress(progress, len(batches))] if progress else []
        outputs = self.network.predict(batches, verbose=0, callbacks=callbacks)
        return two_columns(np.asarray(outputs))


class _PredictionProgress(keras.callbacks.Callback):
    def __init__(self, progress: Progress, batches: int) -> None:
        super().__init__()
        self.progress = progress
        self.batches = batches

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.progress("evaluating", batch + 1, self.batches)
