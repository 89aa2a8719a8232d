"""The best accuracy over processor seconds, and how much sooner one side has the other's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

_GRID = 2000
_DRAWS = 2000
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """The best accuracy of one search over time.

    Attributes:
        seconds: the processor seconds of the whole search.
        points: the second and the value of each improvement.
        trials: the number of trials.
        finished: the number of trials that were trained to their end.
        held_out: the accuracy of the best trial that was trained to its end, on rows that the
            search has not seen; None if there is none.
    """

    seconds: float
    points: list[tuple[float, float]] = field(default_factory=list)
    trials: int = 0
    finished: int = 0
    held_out: float | None = None

    @property
    def best(self) -> float:
        """The best accuracy; 0 if there is none."""
        return self.points[-1][1] if self.points else 0.0

    def at(self, grid: Values) -> Values:
        """Returns the best accuracy at each second of a grid; 0 before the first."""
        times = np.array([second for second, _ in self.points])
        values = np.array([0.0, *(value for _, value in self.points)])
        found: Values = values[np.searchsorted(times, grid, side="right")]
        return found


def compare(random: Sequence[Curve], ours: Sequence[Curve]) -> dict[str, Any]:
    """Returns when the mean of our curves reaches the mean that random search ends with.

    Args:
        random: the curves of random search, one for each seed.
        ours: our curves, with the same budgets.

    Returns:
        The final means in percent, the seconds until random's final mean, and how much sooner it
        is reached than the random trials end; these with the 2.5 and 97.5 % quantiles over draws
        of the seeds. None stands for never within the budget. For the held-out rows, how many
        points ours is better, with Student's interval of the mean over the seeds.
    """
    grid = np.linspace(0, max(one.seconds for one in (*random, *ours)), _GRID)
    table = {side: np.array([one.at(grid) for one in curves])
             for side, curves in (("random", random), ("ours", ours))}  # fmt: skip
    ends = np.array([one.seconds for one in random])
    draws = np.random.default_rng(0)
    drawn = [
        _reached(table["random"][one], table["ours"][two], ends[one], grid)
        for one, two in (
            (
                draws.integers(len(random), size=len(random)),
                draws.integers(len(ours), size=len(ours)),
            )
            for _ in range(_DRAWS)
        )
    ]
    value = _reached(table["random"], table["ours"], ends, grid)
    worst = {"seconds until it": np.inf, "times sooner": 0.0, "points better at the end": np.nan}
    found = {
        name: _spread(value[number], [one[number] for one in drawn], never)
        for number, (name, never) in enumerate(worst.items())
    }
    return {
        "random's final mean in %": 100 * float(np.mean([one.best for one in random])),
        "our final mean in %": 100 * float(np.mean([one.best for one in ours])),
        "seconds of the random trials": float(ends.mean()),
        **found,
        **_compare_held_out(random, ours),
    }


def _compare_held_out(random: Sequence[Curve], ours: Sequence[Curve]) -> dict[str, Any]:
    """Returns the differences on held-out rows; nothing with fewer than two seeds."""
    pairs = [(one.held_out, two.held_out) for one, two in zip(random, ours, strict=True)]
    known = [(one, two) for one, two in pairs if one is not None and two is not None]
    if len(known) < 2:
        return {}
    from modelwright.core.statistics import student_interval

    gains = student_interval([100 * (two - one) for one, two in known])
    return {
        "random's mean on held-out rows in %": 100 * float(np.mean([one for one, _ in known])),
        "our mean on held-out rows in %": 100 * float(np.mean([two for _, two in known])),
        "points better on held-out rows": dict(zip(("value", "low", "high"), gains, strict=True)),
    }


def _reached(
    random: Values, ours: Values, ends: Values, grid: Values
) -> tuple[float | None, float | None, float]:
    """Returns the seconds, the ratio and the difference for some seeds."""
    target = random[:, -1].mean()
    mean = ours.mean(axis=0)
    gain = 100 * float(mean[-1] - target)
    positions = np.flatnonzero(mean >= target - 1e-12)
    if not len(positions):
        return None, None, gain
    seconds = float(grid[positions[0]])
    return seconds, float(ends.mean() / seconds), gain


def _spread(
    value: float | None, drawn: Sequence[float | None], never: float
) -> dict[str, float | None]:
    """Returns a value with the quantiles of the draws, in which None counts as ``never``."""
    low, high = np.quantile([never if one is None else one for one in drawn], [0.025, 0.975],
                            method="nearest")  # fmt: skip
    ends = (None if one == never else float(one) for one in (low, high))
    return dict(zip(("value", "low", "high"), (value, *ends), strict=True))
