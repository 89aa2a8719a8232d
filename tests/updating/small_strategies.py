"""Strategies for tests: they take a few large steps, or do harm on purpose."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import RunError
from modelwright.learning.lesson import Lesson, LessonRows, State
from modelwright.learning.strategy import Needs


class Fitted:
    """Fits new rows, together with the kept ones if it needs them."""

    summary = "for tests"

    def __init__(
        self, name: str, needs: Needs = "kept", cost: float = 1.0, epochs: int = 8
    ) -> None:
        self.name, self.needs, self.cost, self.epochs = name, needs, cost, epochs
        self.learned = 0

    def unfit(self, model: ModelConfig) -> str:
        return ""

    def learn(self, lesson: Lesson) -> None:
        self.learned += 1
        parts = [lesson.new, *([lesson.kept] if self.needs == "kept" and lesson.kept else [])]
        inputs = np.concatenate([taken(part) for part in parts])
        labels = np.concatenate([part.labels for part in parts])
        network: Any = lesson.network
        if network.output_shape[-1] == 1:
            loss, labels = "binary_crossentropy", labels[:, None]
        else:
            loss = "sparse_categorical_crossentropy"
        network.compile(keras.optimizers.Adam(0.02), loss)
        network.fit(inputs, labels, epochs=self.epochs, batch_size=32, verbose=0)
        lesson.notes.append(f"{self.name} saw {len(labels)} rows")

    def remember(self, lesson: Lesson) -> State:
        return {}


class Counting(Fitted):
    """Remembers how many rows it has seen, and needs to know it."""

    def __init__(self, name: str) -> None:
        super().__init__(name, needs="state")

    def learn(self, lesson: Lesson) -> None:
        if "rows" not in lesson.state:
            raise RunError("the count of rows is missing.")
        lesson.notes.append(f"{int(lesson.state['rows'])} rows before")
        super().learn(lesson)

    def remember(self, lesson: Lesson) -> State:
        before = int(lesson.state.get("rows", np.zeros(()))[()])
        return {"rows": np.array(before + len(lesson.new))}


class Useless(Fitted):
    """Changes nothing."""

    def learn(self, lesson: Lesson) -> None:
        self.learned += 1


def taken(rows: LessonRows) -> Any:
    return rows.inputs.take(np.arange(len(rows)))


FITTED = Fitted("fitted")
FORGETFUL = Fitted("forgetful", needs="new", cost=0.5)
COUNTING = Counting("counting")
USELESS = Useless("useless", needs="new", cost=0.1)
