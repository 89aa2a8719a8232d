"""Strategies made by hand: what they do to a network is known, so nothing has to be trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import RunError
from modelwright.learning.lesson import Lesson, State
from modelwright.learning.strategy import Needs


@dataclass
class Recorded:
    """A strategy that writes down its lessons and leaves the network as it is.

    Attributes:
        lessons: what it was given, lesson by lesson.
        remembered: the same for what it was asked to remember.
    """

    name: str
    needs: Needs = "new"
    summary: str = "does nothing"
    cost: float = 1.0
    lessons: list[dict[str, Any]] = field(default_factory=list)
    remembered: list[dict[str, Any]] = field(default_factory=list)

    def unfit(self, model: ModelConfig) -> str:
        """Returns nothing: it fits every network."""
        return ""

    def learn(self, lesson: Lesson) -> None:
        """Writes the lesson down."""
        self.lessons.append(describe(lesson))
        lesson.notes.append("nothing was learned")

    def remember(self, lesson: Lesson) -> State:
        """Remembers the number of rows so far."""
        self.remembered.append(describe(lesson))
        before = int(lesson.state["rows"][0]) if lesson.state else 0
        return {"rows": np.array([before + len(lesson.new)])}


class Failing(Recorded):
    """A strategy that fails at its second lesson."""

    def learn(self, lesson: Lesson) -> None:
        """Fails."""
        super().learn(lesson)
        if len(self.lessons) > 1:
            raise RunError("the loss became nan; try a smaller learning rate.")


class Unfit(Recorded):
    """A strategy that fits no network."""

    def unfit(self, model: ModelConfig) -> str:
        """Returns a reason."""
        return "it was made for something else"


class Forgetful(Recorded):
    """A strategy after whose lessons the network knows nothing: all its weights are zero."""

    def learn(self, lesson: Lesson) -> None:
        """Sets the weights to zero."""
        super().learn(lesson)
        lesson.network.set_weights([np.zeros_like(one) for one in lesson.network.get_weights()])


def describe(lesson: Lesson) -> dict[str, Any]:
    """Returns what a lesson holds, as plain arrays."""
    old, kept = lesson.old, lesson.kept
    return {
        "new": lesson.new.labels,
        "inputs": lesson.new.inputs.take(np.arange(len(lesson.new))),
        "old": None if old is None else old.labels,
        "kept": None if kept is None else kept.labels,
        "outputs": None if kept is None else kept.outputs,
        "kept_inputs": None if kept is None else kept.inputs.take(np.arange(len(kept))),
        "classes": lesson.network.output_shape[-1],
        "classes_before": lesson.classes_before,
        "tokens_before": lesson.tokens_before,
        "before": lesson.before().get_weights(),
        "weights": lesson.network.get_weights(),
        "state": {name: array.tolist() for name, array in lesson.state.items()},
        "seed": lesson.seed,
        "epochs": lesson.train.epochs,
    }


NAIVE = Forgetful("naive")
"""The lower bound of the tests."""
EXACT = Recorded("exact", "kept")
"""A strategy that forgets nothing, and keeps rows."""
ALL = Recorded("all", "old")
FAILING = Failing("failing")
UNFIT = Unfit("unfit")
EVERY: tuple[Recorded, ...] = (NAIVE, EXACT, ALL, FAILING, UNFIT)
REGISTRY = {one.name: f"stream_strategies:{one.name.upper()}" for one in EVERY}


def forget() -> None:
    """Empties what the strategies wrote down."""
    for one in EVERY:
        one.lessons.clear()
        one.remembered.clear()
