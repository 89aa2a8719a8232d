"""A tiny network and two tasks that disagree, so that forgetting and holding on can be measured."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.training.batches import TokenIds

MODEL = ModelConfig(builder="custom", options={"function": "tiny_tasks:build", "length": 4})
TRAIN = TrainConfig(epochs=20, batch_size=32, learning_rate=0.02)
TOKENS = 12


def build(shape: tuple[int, ...], classes: int, vocabulary: int = TOKENS) -> keras.Model:
    """A network with an embedding, batch normalization, a hidden and a last layer."""
    inputs = keras.Input(shape, dtype="int32")
    x = keras.layers.Embedding(TOKENS, 8, name="embedding")(inputs)
    x = keras.layers.Conv1D(8, 2, padding="same", name="features")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalMaxPooling1D()(x)
    x = keras.layers.Dense(8, "relu", name="hidden")(x)
    units = 1 if classes == 2 else classes
    activation = "sigmoid" if classes == 2 else "softmax"
    return keras.Model(inputs, keras.layers.Dense(units, activation, name="answer")(x))


def task(number: int, rows: int = 192, classes: int = 2) -> LessonRows:
    """Rows of a task: its own tokens say the class; those of task 1 contradict those of task 0.

    All rows have tokens of one range for the subject, which both tasks share, and a token for the
    task. So a network that learns only task 1 overwrites what it knew about task 0.
    """
    random = np.random.default_rng(number)
    labels = random.integers(0, classes, rows)
    ids = random.integers(8, TOKENS, (rows, 4)).astype(np.int32)
    ids[:, 0] = 2 + number
    ids[:, 1] = 4 + (labels + number) % classes
    return LessonRows(TokenIds(ids), labels.astype(np.int64))


def learned(classes: int = 2) -> Any:
    """A network that knows task 0."""
    from modelwright.learning.steps import take_steps

    keras.utils.set_random_seed(1)
    network = build((4,), classes)
    start = Lesson(network, lambda: network, MODEL, TRAIN, task(0, classes=classes))
    take_steps(start, start.new)
    return network


def copy_of(network: Any) -> Any:
    """A copy of a network with weights of its own."""
    copied = build((4,), max(2, network.output_shape[-1]))
    copied.set_weights(network.get_weights())
    return copied


def lesson(network: Any, **changes: Any) -> Lesson:
    """A lesson in which a copy of a network learns task 1."""
    given = {"train": TRAIN, "new": task(1), **changes}
    return Lesson(copy_of(network), lambda: copy_of(network), MODEL, **given)


def accuracy(network: Any, rows: LessonRows) -> float:
    """The share of rows that a network answers rightly."""
    from modelwright.learning.answers import answers

    return float((answers(network, rows).argmax(axis=1) == rows.labels).mean())
