"""The gate: whether new weights are good enough to go live, judged on held-out rows.

Both models answer the same rows, so the rows are resampled in pairs (a paired bootstrap, Efron
1979). Only counts of (label, answer before, answer after) matter, so a resample is one draw from a
multinomial distribution. Two rows are added to what is drawn from, one won and one lost: without
them, a few rows that all keep their answers would have an interval of width 0 (Bonett and Price
2012 do so for proportions). Nothing here knows networks, files or strategies.

Macro-F1 is averaged over the classes that have rows. An answer of another class counts as a
mistake. So the figures of the old classes stay comparable after a new class has come.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray, IntArray

MAX_DROP = 0.5
"""Points of macro-F1 that old rows may lose, the end of the interval included."""
MAX_CLASS_DROP = 3.0
"""Points of F1 that one class of the old rows may lose."""
ERROR_RATE = 0.05
_RESAMPLES = 4000
_AT_ONCE = 500
_POINTS = 100.0
_NO_CLASS = -1

Answers = npt.NDArray[np.int64]
"""The predicted class of each row, ``[n]``."""


@dataclass(frozen=True)
class Limits:
    """What an update may cost.

    Attributes:
        max_drop: points of macro-F1 that old rows may lose, the interval's end included.
        max_class_drop: points of F1 that a single old class may lose.
    """

    max_drop: float = MAX_DROP
    max_class_drop: float = MAX_CLASS_DROP


@dataclass(frozen=True)
class Change:
    """Macro-F1 before and after on the same rows.

    Attributes:
        rows: number of rows.
        before: macro-F1 before, 0 to 1.
        after: macro-F1 after, 0 to 1.
        interval: interval of after minus before.
        level: its level, such as 0.95.
        classes: F1 before, F1 after, and the upper end of the difference, of each class that has
            rows, by its position.
    """

    rows: int
    before: float
    after: float
    interval: tuple[float, float]
    level: float
    classes: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them, without those of single classes."""
        return {
            "rows": self.rows,
            "before": self.before,
            "after": self.after,
            "interval": list(self.interval),
            "level": self.level,
        }


@dataclass(frozen=True)
class Verdict:
    """Whether an update may go live, and why not. ``reasons`` is empty if it may."""

    old: Change
    new: Change
    reasons: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the update may go live."""
        return not self.reasons


def judged_level(candidates: int) -> float:
    """Returns the level of each interval if so many candidates are judged on the same rows.

    Bonferroni: with k candidates, 5 % / k each, so that all together err in 5 % of cases.
    """
    return 1 - ERROR_RATE / max(1, candidates)


def compare_answers(
    labels: IntArray, before: Answers, after: Answers, *, level: float = 0.95
) -> Change:
    """Returns macro-F1 before and after, with the bootstrap interval of the difference.

    Args:
        labels: class of each row ``[n]``, at least one row.
        before: answers of the model before ``[n]``.
        after: answers of the model after ``[n]``.
        level: level of the interval.
    """
    triples = np.stack([labels, before, after], axis=1)
    cells, counts = np.unique(triples, axis=0, return_counts=True)
    classes, sizes = np.unique(labels, return_counts=True)
    cells, shares = _with_a_win_and_a_loss(cells, counts, classes, sizes)
    counts = np.append(counts, np.zeros(2 * len(classes), np.int64))
    actual = cells[:, :1] == classes
    measured = [_F1(actual, cells[:, side : side + 1] == classes) for side in (1, 2)]
    first, second = (one.of(counts[None])[0] for one in measured)
    differences = []
    random = np.random.default_rng(0)
    for _ in range(_RESAMPLES // _AT_ONCE):
        drawn = random.multinomial(len(labels), shares, _AT_ONCE)
        differences.append(measured[1].of(drawn) - measured[0].of(drawn))
    by_class = np.concatenate(differences)
    outside = 100 * (1 - level) / 2
    low, high = np.percentile(by_class.mean(axis=1), (outside, 100 - outside))
    upper = np.percentile(by_class, 100 - outside, axis=0)
    figures = zip(classes.tolist(), first.tolist(), second.tolist(), upper.tolist(), strict=True)
    return Change(
        rows=len(labels),
        before=float(first.mean()),
        after=float(second.mean()),
        interval=(float(low), float(high)),
        level=level,
        classes={name: (one, two, end) for name, one, two, end in figures},
    )


def judge(old: Change, new: Change, limits: Limits, names: Sequence[str]) -> Verdict:
    """Returns whether an update may go live.

    The new rows must gain: the lower end of their interval is above 0. The old rows may lose at
    most ``max_drop``, with the lower end of their interval. No old class may lose more than
    ``max_class_drop``, where the loss is more than chance at the interval's level.

    Args:
        old: the held-out rows of all that was learned before.
        new: the held-out rows of the new data.
        limits: what the update may cost.
        names: the names of the classes.
    """
    found = [_gain_reason(new), _drop_reason(old, limits.max_drop)]
    found += [
        f"'{names[at]}' loses {_points(before - after)} points of F1 on old rows, from"
        f" {before:.4f} to {after:.4f}; at most {limits.max_class_drop:g} are allowed"
        " (--max-class-drop)"
        for at, (before, after, upper) in old.classes.items()
        if _POINTS * (before - after) > limits.max_class_drop and upper < 0
    ]
    return Verdict(old, new, tuple(filter(None, found)))


def predicted(probabilities: FloatArray) -> Answers:
    """Returns the class with the highest probability of each row ``[n, classes]``."""
    return np.asarray(probabilities.argmax(axis=1), np.int64)


@dataclass(frozen=True)
class _F1:
    """Which cells of a table of counts are of a class, and answered as it: ``[cells, classes]``."""

    actual: npt.NDArray[np.bool_]
    answered: npt.NDArray[np.bool_]

    def of(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Returns the F1 of each class ``[draws, classes]`` of counts ``[draws, cells]``."""
        numbers = counts.astype(np.float64)
        hits = numbers @ (self.actual & self.answered).astype(np.float64)
        both = numbers @ (self.actual.astype(np.float64) + self.answered)
        return np.asarray(2 * hits / np.maximum(both, 1))


def _with_a_win_and_a_loss(
    cells: IntArray, counts: IntArray, classes: IntArray, sizes: IntArray
) -> tuple[IntArray, npt.NDArray[np.float64]]:
    """Returns the cells with those of two more rows, and the share of each cell in the draws.

    The two rows are spread over the classes by their sizes.
    """
    lost = np.stack([classes, classes, np.full(len(classes), _NO_CLASS)], axis=1)
    more = np.concatenate([lost, lost[:, [0, 2, 1]]])
    weights = np.concatenate([counts, sizes / sizes.sum(), sizes / sizes.sum()])
    return np.concatenate([cells, more]), weights / weights.sum()


def _gain_reason(new: Change) -> str:
    low, high = new.interval
    if low > 0:
        return ""
    gain = new.difference
    said = (
        f"no gain is shown: on {new.rows:,} new held-out rows macro-F1 goes from"
        f" {new.before:.4f} to {new.after:.4f}, and the"
        f" {_level(new)} interval of the change, {_range(low, high)} points, does not lie"
        " above 0"
    )
    if gain <= 0:
        return f"{said}: the new rows teach it nothing that helps on others like them"
    needed = _rows_needed(new, gain)
    return f"{said}; if the gain is real, about {needed:,} such rows would show it"


def _drop_reason(old: Change, allowed: float) -> str:
    low, high = old.interval
    if -low * _POINTS <= allowed:
        return ""
    said = (
        f"too large a drop cannot be ruled out: on {old.rows:,} old held-out rows macro-F1 goes"
        f" from {old.before:.4f} to {old.after:.4f}, and the"
        f" {_level(old)} interval of the change, {_range(low, high)}"
        f" points, reaches below the allowed -{allowed:g}"
    )
    room = old.difference + allowed / _POINTS
    shown = math.ceil(-low * 1000) / 10
    if room <= 0:
        return said
    needed = _rows_needed(old, room)
    return (
        f"{said}; about {needed:,} old held-out rows would show a drop of at most {allowed:g}, and"
        f" these show one of at most {shown:g} (--max-drop {shown:g})"
    )


def _rows_needed(change: Change, room: float) -> int:
    """Returns the rows with which the interval's lower half is as wide as ``room``.

    The width of an interval falls with the square root of the number of rows.
    """
    half = change.difference - change.interval[0]
    needed = change.rows * (half / room) ** 2
    step: int = 10 ** max(0, len(str(int(needed))) - 2)
    return math.ceil(needed / step) * step


def _points(share: float) -> str:
    return f"{_POINTS * share:.2f}"


def _range(low: float, high: float) -> str:
    return f"{_POINTS * low:+.2f} to {_POINTS * high:+.2f}"


def _level(change: Change) -> str:
    return f"{_POINTS * change.level:.4g} %"
