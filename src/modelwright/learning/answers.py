"""Answers of a network to the rows of a lesson."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.types import FloatArray
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.learning.lesson_batches import in_memory
from modelwright.models.output_layer import two_columns
from modelwright.training.batches import TokenIds
from modelwright.training.network_classifier import predict_texts, takes_any_length

_BATCH = 256
_UNKNOWN = 1


def answers(network: Any, rows: LessonRows, *, tokens: int = 0) -> FloatArray:
    """Returns the class probabilities of rows, float32 ``[n, classes]``.

    Args:
        network: a ``keras.Model``; it is not changed.
        rows: the rows.
        tokens: number of token ids that the network knows; it reads others as unknown. 0 if it
            knows all, or reads images.
    """
    inputs, found = in_memory(rows.inputs), []
    if tokens and isinstance(inputs, TokenIds):
        inputs = TokenIds(np.where(inputs.array < tokens, inputs.array, _UNKNOWN))
    if isinstance(inputs, TokenIds) and len(rows) and takes_any_length(network):
        return two_columns(predict_texts(network, inputs))
    for start in range(0, len(rows), _BATCH):
        batch = inputs.take(np.arange(start, min(start + _BATCH, len(rows))))
        found.append(np.asarray(network.predict_on_batch(batch)))
    return two_columns(np.concatenate(found)) if found else np.zeros((0, 0), np.float32)


def answers_before(lesson: Lesson, rows: LessonRows) -> FloatArray:
    """Returns what the network before a lesson answers to rows, ``[n, classes before]``."""
    return answers(lesson.before(), rows, tokens=lesson.tokens_before)
