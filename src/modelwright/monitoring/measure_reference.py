"""Measures the reference of a model on rows of its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelwright.core.types import Dataset, IntArray, Progress, RawInput, Split, Task
from modelwright.monitoring.features import measure_moments
from modelwright.monitoring.observation import Observation, known_tokens, observe
from modelwright.monitoring.observed_model import ObservedModel
from modelwright.monitoring.quantities import QUANTITIES, edges_of
from modelwright.monitoring.reference import Histogram, Reference
from modelwright.monitoring.word_shift import count_words, frequent_words
from modelwright.runs.rows import evenly_spaced, held_out_or_training, raw_inputs

HELD_OUT_ROWS: dict[Task, int] = {"text": 2000, "image": 1000}
"""The largest number of held-out rows behind a reference."""
_TRAINING_ROWS = 300


def measure_reference(
    model: ObservedModel, data: Dataset, progress: Progress | None = None
) -> Reference:
    """Returns the statistics of a model on held-out rows of its data, or on training rows.

    Args:
        model: the loaded model.
        data: its data.
        progress: called with each batch.

    Raises:
        DataError: an image cannot be decoded.
    """
    name, split = held_out_or_training(data)
    inputs, labels = _spaced(model, split, HELD_OUT_ROWS[model.task])
    fitted, _ = _spaced(model, data.splits["train"], _TRAINING_ROWS)
    observed = observe(model.engine, len(model.labels), inputs, progress)
    reference = count_rows(model, observed, labels, name, choose_words(model, fitted))
    if observed.features is None or len(observed) < 2 or len(fitted) < 2:
        return reference
    trained = observe(model.engine, len(model.labels), fitted, progress).features
    moments = measure_moments(trained, observed.features, model.tensor)
    return replace(reference, features=moments)


def count_rows(
    model: ObservedModel, observed: Observation, labels: IntArray, split: str, words: Sequence[str]
) -> Reference:
    """Returns the reference of observed rows, without the moments of their features.

    Args:
        model: the loaded model.
        observed: its answers to the rows.
        labels: the classes of the rows ``[n]``.
        split: their split.
        words: the words to count in texts.
    """
    counts = count_words(observed, words, model.vocabulary)
    return Reference(
        task=model.task,
        labels=model.labels,
        rows=len(observed),
        split=split,
        class_counts=observed.class_counts(),
        confusion=count_confusion(labels, observed.answers, len(model.labels)),
        quantities={
            one: Histogram.of(observed.values[one], edges_of(one)) for one in QUANTITIES[model.task]
        },
        words=dict(zip(words, counts.tolist(), strict=True)),
    )


def choose_words(model: ObservedModel, texts: Sequence[RawInput]) -> list[str]:
    """Returns the words to count: those in most of the texts. None for images.

    The texts must be others than those that are counted, such as training rows.
    """
    if model.task != "text":
        return []
    rows = model.engine.prepare(texts)
    unanswered = np.zeros((len(texts), len(model.labels)), np.float32)
    return frequent_words(Observation(unanswered, {}, tuple(known_tokens(rows))), model.vocabulary)


def count_confusion(labels: IntArray, answers: IntArray, classes: int) -> IntArray:
    """Returns counts int64 ``[true, predicted]``."""
    cells = np.bincount(labels * classes + answers, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def _spaced(model: ObservedModel, split: Split, most: int) -> tuple[list[RawInput], IntArray]:
    """Returns evenly spaced rows as a client sends them, with their labels."""
    positions = evenly_spaced(len(split), most)
    return list(raw_inputs(split, positions, orient=model.orient)), split.labels[positions]
