"""Probabilities of many rows from a network, and the figures they give."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import FloatArray, IntArray, Progress
from modelwright.models.output_layer import spread
from modelwright.training.batches import Batches

_BATCH = 256


class _Tell(keras.callbacks.Callback):  # type: ignore[misc]
    def __init__(self, progress: Progress, batches: int) -> None:
        super().__init__()
        self.progress = progress
        self.batches = batches

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.progress("evaluating", batch + 1, self.batches)


def probabilities(
    network: keras.Model, inputs: Any, *, progress: Progress | None = None
) -> FloatArray:
    """Class probabilities float32 ``[n, classes]`` of rows the network can read."""
    batches = Batches(inputs, _BATCH)
    callbacks = [_Tell(progress, len(batches))] if progress else []
    outputs = network.predict(batches, verbose=0, callbacks=callbacks)
    return spread(np.asarray(outputs))


def score(
    network: keras.Model, inputs: Any, labels: IntArray, *, progress: Progress | None = None
) -> ClassificationMetrics:
    """Measure a network on labelled rows."""
    return compute_metrics(probabilities(network, inputs, progress=progress), labels)
