"""Compares methods of explanation on the rows of a model: are they better than random segments?

It runs on whatever answers masked rows, and reads no model and no data.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import DataError, MissingDependencyError
from modelwright.core.statistics import student_interval
from modelwright.core.types import FloatArray, Progress
from modelwright.explaining.faithfulness import (
    FIGURES,
    gain,
    measure_orders,
    order_segments,
    random_orders,
    top_overlap,
)
from modelwright.explaining.method import MaskableRow, Method, Weights

DECIDES = "comprehensiveness"
"""The figure that decides whether a method is better than random."""
SEEDS = (0, 1, 2)
BETTER, WORSE, NOT_SHOWN = "better than random", "worse than random", "not shown"


@dataclass(frozen=True)
class ExplainedRow:
    """A row that is explained: its segments, and the position of the explained label."""

    row: MaskableRow
    label: int


@dataclass(frozen=True)
class MeanOverRows:
    """A mean over rows and its 95 % interval by Student's t. One row has no interval."""

    mean: float
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Returns the fields as JSON can hold them."""
        return dict(vars(self))


@dataclass(frozen=True)
class EvaluatedMethod:
    """What was measured of one method.

    Attributes:
        name: the method.
        figures: each of ``FIGURES``.
        gains: how much better than random orders of the same rows each figure is; above 0 is
            better, whichever direction the figure has.
        stability: the overlap of the top five segments over three seeds; None for a method that
            draws nothing.
        fidelity: the mean of the method's own fidelity; None if it has none.
        milliseconds: median time of an explanation.
        processor_milliseconds: median processor time of an explanation, of all threads.
    """

    name: str
    figures: Mapping[str, MeanOverRows]
    gains: Mapping[str, MeanOverRows]
    stability: float | None
    fidelity: float | None
    milliseconds: float
    processor_milliseconds: float

    @property
    def verdict(self) -> str:
        """Whether its comprehensiveness is better than that of random segments, at 95 %."""
        found = self.gains[DECIDES]
        if found.low is None or found.high is None:
            return NOT_SHOWN
        return BETTER if found.low > 0 else WORSE if found.high < 0 else NOT_SHOWN

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "method": self.name,
            **{name: figure.to_dict() for name, figure in self.figures.items()},
            "better_than_random_by": {name: one.to_dict() for name, one in self.gains.items()},
            "stability": self.stability,
            "fidelity": self.fidelity,
            "ms": self.milliseconds,
            "processor_ms": self.processor_milliseconds,
            "verdict": self.verdict,
        }


@dataclass(frozen=True)
class MethodComparison:
    """Methods on the same rows, and random orders of the same segments.

    Attributes:
        rows: number of rows that were explained.
        left_out: number of rows with fewer than two segments. They have no order.
        segments: median number of segments of a row.
        methods: the methods, in the order in which they were given.
        random: the figures of random orders.
    """

    rows: int
    left_out: int
    segments: float
    methods: tuple[EvaluatedMethod, ...]
    random: Mapping[str, MeanOverRows]

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "rows": self.rows,
            "left_out": self.left_out,
            "segments": self.segments,
            "methods": [one.to_dict() for one in self.methods],
            "random": {name: figure.to_dict() for name, figure in self.random.items()},
        }


@dataclass
class _Measured:
    """What one method gave on each row."""

    figures: list[FloatArray]
    overlaps: list[float]
    fidelities: list[float]
    seconds: list[float]
    processor: list[float]


def evaluate_methods(
    rows: Sequence[ExplainedRow],
    methods: Sequence[Method],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> MethodComparison:
    """Measures methods of explanation on the same rows, next to random orders.

    Args:
        rows: the rows. One with fewer than two segments is left out and counted.
        methods: the methods, each name once.
        seed: decides the random orders.
        progress: called with each row.

    Raises:
        DataError: no row has two segments.
        MissingDependencyError: scipy, which computes the intervals, is not installed.
    """
    _check_scipy()
    usable = [one for one in rows if len(one.row.segments) > 1]
    if not usable:
        raise DataError(
            f"none of {len(rows)} rows has two segments or more, so there is no order to measure;"
            " give longer texts, or other rows."
        )
    measured = {method.name: _Measured([], [], [], [], []) for method in methods}
    by_chance = []
    usable[0].row.answer(np.ones((1, len(usable[0].row.segments)), bool))  # engines start slowly
    for number, one in enumerate(usable):
        orders = [
            order_segments(_explain(one, method, measured[method.name]).values, seed + number)
            for method in methods
        ]
        drawn = random_orders(len(one.row.segments), seed + number)
        figures = measure_orders(one.row, one.label, [*orders, *drawn])
        by_chance.append(figures[len(methods) :].mean(axis=0))
        for method, found in zip(methods, figures, strict=False):
            measured[method.name].figures.append(found)
        if progress:
            progress("explaining", number + 1, len(usable))
    random = np.stack(by_chance)
    return MethodComparison(
        rows=len(usable),
        left_out=len(rows) - len(usable),
        segments=statistics.median(len(one.row.segments) for one in usable),
        methods=tuple(_summary(name, found, random) for name, found in measured.items()),
        random=_means(random),
    )


def _explain(one: ExplainedRow, method: Method, measured: _Measured) -> Weights:
    """Returns a row's weights with the first seed, and records what they took and how stable they
    are."""
    wall, processor = time.perf_counter(), time.process_time()
    weights = method.weigh(one.row, one.label, SEEDS[0])
    measured.seconds.append(time.perf_counter() - wall)
    measured.processor.append(time.process_time() - processor)
    if weights.fidelity is not None:
        measured.fidelities.append(weights.fidelity)
    if method.random:
        others = [method.weigh(one.row, one.label, seed).values for seed in SEEDS[1:]]
        measured.overlaps.append(top_overlap([weights.values, *others]))
    return weights


def _summary(name: str, measured: _Measured, random: FloatArray) -> EvaluatedMethod:
    figures = np.stack(measured.figures)
    gains = np.stack(
        [gain(one, figures[:, at], random[:, at]) for at, one in enumerate(FIGURES)], axis=1
    )
    return EvaluatedMethod(
        name=name,
        figures=_means(figures),
        gains=_means(gains),
        stability=_mean(measured.overlaps),
        fidelity=_mean(measured.fidelities),
        milliseconds=1000 * statistics.median(measured.seconds),
        processor_milliseconds=1000 * statistics.median(measured.processor),
    )


def mean_over_rows(values: Sequence[float]) -> MeanOverRows:
    """Returns the mean of values of at least one row, with its interval."""
    if len(values) < 2:
        return MeanOverRows(float(values[0]), None, None)
    return MeanOverRows(*student_interval(values))


def _means(values: FloatArray) -> dict[str, MeanOverRows]:
    """Returns the mean of each column of ``[rows, FIGURES]``."""
    return {name: mean_over_rows(values[:, at].tolist()) for at, name in enumerate(FIGURES)}


def _mean(values: Sequence[float]) -> float | None:
    return statistics.fmean(values) if values else None


def _check_scipy() -> None:
    if importlib.util.find_spec("scipy") is None:
        raise MissingDependencyError(
            "the intervals of an evaluation need scipy, which is not installed; install with: pip"
            " install 'modelwright[explain]'."
        )
