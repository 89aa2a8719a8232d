"""A small n-gram network and texts of two kinds, for tests of what its strategies do."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import build_network, solve_network
from modelwright.training.batches import TokenIds

TOKENS = 40
MODEL = ModelConfig(
    builder="ngrams",
    options={"vocabulary": TOKENS, "length": 8, "buckets": 4096, "min_count": 2, "fit": "solver"},
)


def texts(kind: int, rows: int, classes: int = 2, seed: int = 0) -> LessonRows:
    """Texts of a kind: its words tell the class; a few words are shared, and some mean nothing."""
    random = np.random.default_rng([kind, seed])
    labels = random.integers(0, classes, rows)
    ids = random.integers(30, TOKENS, (rows, 8)).astype(np.int32)
    own = 2 + 10 * kind + labels * 3 + random.integers(0, 3, rows)
    ids[:, 1] = np.where(random.random(rows) < 0.9, own, ids[:, 1])
    ids[:, 5] = np.where(random.random(rows) < 0.3, 22 + labels, ids[:, 5])
    ids[::4, 6:] = 0
    return LessonRows(TokenIds(ids), labels.astype(np.int64))


def solved(rows: LessonRows, classes: int = 2, model: ModelConfig = MODEL) -> Any:
    """A network that was solved for rows."""
    network = build_network(model, (8,), classes)
    solve_network(model, network, AdaptationData(rows.inputs, rows.labels), 0)
    return network


def lesson(network: Any, new: LessonRows, model: ModelConfig = MODEL, **given: Any) -> Lesson:
    """A lesson for a copy of a network."""
    classes = max(2, network.output_shape[-1])

    def copied() -> Any:
        again = build_network(model, (8,), classes)
        again.set_weights(network.get_weights())
        return again

    return Lesson(copied(), copied, model, TrainConfig(), new, tokens_before=TOKENS, **given)
