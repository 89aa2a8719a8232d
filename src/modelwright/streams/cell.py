"""One cell of a study: one strategy learns one order of domains, from one first network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.config import TrainConfig
from modelwright.core.types import FloatArray, IntArray, Progress
from modelwright.learning.growth import grow_network
from modelwright.learning.lesson import Lesson, State, Strength
from modelwright.learning.strategy import Strategy
from modelwright.streams.figures import measure_domains
from modelwright.streams.material import Material, choose, lesson_rows
from modelwright.streams.memory import Memory, empty_memory, remembered, row_limit, select
from modelwright.streams.networks import GrowingNetwork, Weights
from modelwright.training.network_classifier import NetworkClassifier


@dataclass(frozen=True)
class EncodedStep:
    """All rows of a stream as the network reads them after a step.

    Attributes:
        train: the training rows.
        test: the test rows.
        tokens: number of token ids; 0 for images.
    """

    train: Any
    test: Any
    tokens: int


@dataclass(frozen=True)
class CellSettings:
    """How a strategy learns.

    Attributes:
        train: the settings of the steps.
        keep: share of the rows seen that may be kept, below 1, or a number of rows.
        seed: random seed.
        strength: how strongly a strategy holds on.
    """

    train: TrainConfig
    keep: float | int
    seed: int
    strength: Strength


@dataclass
class CellFigures:
    """What one cell measured.

    Attributes:
        macro_f1: after each step, on each domain, ``[steps, domains]``.
        accuracy: the same for accuracy.
        seconds: time of each lesson, with what is remembered; 0 for the first step.
        rows_kept: rows of earlier lessons that the last lesson could read.
        bytes_kept: bytes of those rows' contents and recorded answers, and of the state.
        notes: decisions of the strategy.
    """

    macro_f1: list[list[float]] = field(default_factory=list)
    accuracy: list[list[float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    rows_kept: int = 0
    bytes_kept: int = 0
    notes: list[str] = field(default_factory=list)


class Cell:
    """A line of networks: the first one, and one after each lesson."""

    def __init__(
        self,
        strategy: Strategy,
        material: Material,
        encoded: Callable[[int], EncodedStep],
        line: GrowingNetwork,
        settings: CellSettings,
        progress: Progress | None = None,
    ) -> None:
        """Takes what a strategy learns from.

        Args:
            strategy: the strategy.
            material: the rows of the order.
            encoded: returns the rows as the network reads them after a step.
            line: the network of the first step.
            settings: how the strategy learns.
            progress: called with each step.
        """
        self._strategy, self._material, self._encoded = strategy, material, encoded
        self._line, self._settings, self._progress = line, settings, progress
        self._memory: Memory = empty_memory()
        self._state: State = {}
        self.figures = CellFigures()

    def run(self) -> CellFigures:
        """Learns all steps and returns what was measured after each.

        Raises:
            ConfigError: a lesson lacks what the strategy needs.
            RunError: the loss is no longer a number.
        """
        self._remember(0, self._lesson(0))
        self.figures.seconds.append(0.0)
        self._measure(0)
        for step in range(1, len(self._material.order.steps)):
            started = time.monotonic()
            self._learn(step)
            self.figures.seconds.append(time.monotonic() - started)
            self._measure(step)
        return self.figures

    def _learn(self, step: int) -> None:
        lesson = self._lesson(step)
        self._count(lesson, step)
        self._strategy.learn(lesson)
        self._remember(step, lesson)

    def _lesson(self, step: int) -> Lesson:
        """Returns the lesson of a step; the first one is only remembered."""
        line, rows, settings = self._line, self._material.train, self._settings
        encoded = self._encoded(step)
        before, classes, tokens = line.network, line.classes, line.tokens
        weights: Weights = before.get_weights()
        model_before = line.model
        if step:
            self._grow(step, encoded.tokens)
        old = np.flatnonzero(rows.steps < step)
        needs = self._strategy.needs
        kept = needs == "kept" and len(self._memory)
        return Lesson(
            network=line.network,
            before=lambda: line.copy_of(weights, model_before, classes),
            model=line.model,
            train=settings.train,
            new=lesson_rows(encoded.train, rows.labels, rows.of_step(step)),
            kept=self._kept(encoded.train, classes) if kept else None,
            old=lesson_rows(encoded.train, rows.labels, old) if step and needs == "old" else None,
            state=self._state,
            classes_before=classes,
            tokens_before=tokens,
            seed=settings.seed,
            strength=settings.strength,
            progress=self._progress,
            notes=self.figures.notes,
        )

    def _grow(self, step: int, tokens: int) -> None:
        line, classes = self._line, self._material.classes
        known = classes.known[step]
        if known == line.classes and tokens == line.tokens:
            return
        grown = grow_network(
            line.network,
            line.model,
            labels_before=classes.names[: line.classes],
            labels=classes.names[:known],
            tokens_before=line.tokens,
            tokens=tokens,
        )
        self.figures.notes += grown.notes
        line.replace(grown.network, grown.model, known, tokens)

    def _kept(self, inputs: Any, classes: int) -> Any:
        memory = self._memory
        outputs = np.full((len(memory), classes), np.nan, np.float32)
        outputs[:, : memory.outputs.shape[1]] = memory.outputs
        return lesson_rows(inputs, self._material.train.labels, memory.chosen, outputs)

    def _remember(self, step: int, lesson: Lesson) -> None:
        self._state = self._strategy.remember(lesson)
        if self._strategy.needs != "kept":
            return
        rows, settings = self._material.train, self._settings
        limit = row_limit(settings.keep, int((rows.steps <= step).sum()))
        new = rows.of_step(step)
        chosen = select(self._memory, new, rows.labels, rows.steps, limit, settings.seed)
        kept_new = np.intersect1d(chosen, new)
        self._memory = remembered(
            self._memory, chosen, kept_new, self._answers(self._encoded(step).train, kept_new)
        )

    def _count(self, lesson: Lesson, step: int) -> None:
        """Records how many rows of earlier lessons this one can read, and their bytes."""
        rows, found = self._material.train, np.empty(0, np.int64)
        if lesson.old is not None:
            found = np.flatnonzero(rows.steps < step)
        elif lesson.kept is not None:
            found = self._memory.chosen
        size = rows.content_bytes(found) if len(found) else 0
        if lesson.kept is not None and lesson.kept.outputs is not None:
            size += lesson.kept.outputs.nbytes
        size += sum(array.nbytes for array in lesson.state.values())
        self.figures.rows_kept, self.figures.bytes_kept = len(found), size

    def _answers(self, inputs: Any, chosen: IntArray) -> FloatArray:
        if not len(chosen):
            return np.empty((0, self._line.classes), np.float32)
        return NetworkClassifier(self._line.network).classify_rows(choose(inputs, chosen))

    def _measure(self, step: int) -> None:
        test = self._material.test
        probabilities = NetworkClassifier(self._line.network).classify_rows(
            self._encoded(step).test
        )
        f1, accuracy = measure_domains(probabilities, test.labels, test.steps)
        self.figures.macro_f1.append(f1)
        self.figures.accuracy.append(accuracy)
