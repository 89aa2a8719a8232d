"""The figures of baselines: what a report shows of simple models."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.statistics import BoolArray
from modelwright.core.terminal import percent
from modelwright.core.types import IntArray, Task

MAJORITY = "majority class"
LOGISTIC_REGRESSION = {
    "text": "TF-IDF + logistic regression",
    "image": "logistic regression on pixels",
}


@dataclass(frozen=True)
class Baseline:
    """A simple model, and its figures on measured rows.

    Attributes:
        name: what it is.
        accuracy: from 0 to 1; None if it could not be fitted.
        macro_f1: the same.
        interval: 95 % interval of the accuracy over the rows.
        rows: number of measured rows.
        fitted_rows: number of rows that it was fitted on.
        note: why it is missing, or what was left out for speed.
        right: whether each measured row is right; None if it could not be fitted.
    """

    name: str
    accuracy: float | None = None
    macro_f1: float | None = None
    interval: tuple[float, float] | None = None
    rows: int | None = None
    fitted_rows: int | None = None
    note: str | None = None
    right: BoolArray | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns the figures in a form that JSON can hold."""
        return {
            "name": self.name,
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "interval": list(self.interval) if self.interval else None,
            "rows": self.rows,
            "fitted_rows": self.fitted_rows,
            "note": self.note,
        }

    def fact(self, *, folded: bool) -> tuple[str, object]:
        """Returns the line of a report."""
        label = "majority-class baseline" if self.name == MAJORITY else self.name
        if self.accuracy is None or self.interval is None:
            return label, f"not measured: {self.note}"
        low, high = self.interval
        told = f"{percent(self.accuracy)}  (95 %: {percent(low)} to {percent(high)})"
        if folded:
            told += f", out of fold on {self.rows:,} training rows"
        return label, f"{told}; {self.note}" if self.note else told


@dataclass(frozen=True)
class Baselines:
    """The baselines of one measurement.

    Attributes:
        models: the baselines; none if they were not asked for.
        positions: the measured rows, int64 ``[n]``, to which ``Baseline.right`` belongs.
        folded: whether the rows are the training rows, each predicted by a model that was fitted
            without it.
    """

    models: tuple[Baseline, ...] = ()
    positions: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    folded: bool = False

    def to_list(self) -> list[dict[str, Any]]:
        """Returns the figures in a form that JSON can hold."""
        return [one.to_dict() for one in self.models]

    def facts(self) -> Iterator[tuple[str, object]]:
        """Yields the lines of a report."""
        reasons = {one.note for one in self.models}
        if len(reasons) == 1 and not any(one.rows for one in self.models):
            yield "baselines", f"not measured: {reasons.pop()}"
            return
        for one in self.models:
            yield one.fact(folded=self.folded)


def unmeasured(task: Task, reason: str) -> Baselines:
    """Returns the baselines of a task without figures, each with the reason."""
    names = (MAJORITY, LOGISTIC_REGRESSION[task])
    return Baselines(tuple(Baseline(name, note=reason) for name in names))
