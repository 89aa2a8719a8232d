"""Measures the reference of a model on rows of its data."""

from __future__ import annotations

import numpy as np

from modelwright.core.types import Dataset, IntArray, Progress, RawInput, Split, Task
from modelwright.monitoring.features import measure_moments
from modelwright.monitoring.observation import Observation, known_tokens, observe
from modelwright.monitoring.observed_model import ObservedModel
from modelwright.monitoring.quantities import QUANTITIES, edges_of
from modelwright.monitoring.reference import FeatureMoments, Histogram, Reference
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
    observed = observe(model.engine, len(model.labels), inputs, progress)
    fitted, _ = _spaced(model, data.splits["train"], _TRAINING_ROWS)
    words = _words(model, fitted)
    return Reference(
        task=model.task,
        labels=model.labels,
        rows=len(observed),
        split=name,
        class_counts=observed.class_counts(),
        confusion=count_confusion(labels, observed.answers, len(model.labels)),
        quantities={
            one: Histogram.of(observed.values[one], edges_of(one)) for one in QUANTITIES[model.task]
        },
        words=dict(
            zip(words, count_words(observed, words, model.vocabulary).tolist(), strict=True)
        ),
        features=_moments(model, observed, fitted, progress),
    )


def count_confusion(labels: IntArray, answers: IntArray, classes: int) -> IntArray:
    """Returns counts int64 ``[true, predicted]``."""
    cells = np.bincount(labels * classes + answers, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def _spaced(model: ObservedModel, split: Split, most: int) -> tuple[list[RawInput], IntArray]:
    """Returns evenly spaced rows as a client sends them, with their labels."""
    positions = evenly_spaced(len(split), most)
    return list(raw_inputs(split, positions, orient=model.orient)), split.labels[positions]


def _words(model: ObservedModel, fitted: list[RawInput]) -> list[str]:
    """Returns the words to count: those in most training texts, chosen without held-out ones."""
    if model.task != "text":
        return []
    rows = model.engine.prepare(fitted)
    unanswered = np.zeros((len(fitted), len(model.labels)), np.float32)
    texts = Observation(unanswered, {}, tuple(known_tokens(rows)))
    return frequent_words(texts, model.vocabulary)


def _moments(
    model: ObservedModel,
    observed: Observation,
    fitted: list[RawInput],
    progress: Progress | None,
) -> FeatureMoments | None:
    if observed.features is None or len(observed) < 2 or len(fitted) < 2:
        return None
    trained = observe(model.engine, len(model.labels), fitted, progress).features
    if trained is None:
        return None
    return measure_moments(
        trained.astype(np.float64), observed.features.astype(np.float64), model.tensor
    )
