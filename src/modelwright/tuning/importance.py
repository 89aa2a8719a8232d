"""How much each dimension of a search decides about the order of its trials, and how sure that is.

A forest predicts the rank of trials that it did not see. A dimension matters as far as these
predictions become worse when it gets the value of another trial (permutation importance: Breiman
2001, Random Forests). Half of that, over the variance of ranks, is the share of the variance that
the dimension decides alone or with others (Gregorutti, Michel and Saint-Pierre 2015, Grouped
variable importance with random forests). The interval is over trials. Shares that always sum to
one, as fANOVA's do, cannot tell an effect from chance: shuffled objectives get shares too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import MissingDependencyError
from modelwright.core.statistics import BoolArray
from modelwright.trials.trial_result import JsonRecord
from modelwright.tuning.dimension import Dimension
from modelwright.tuning.trial_record import TrialRecord

FloatArray = npt.NDArray[np.float64]
FEWEST = 8
"""Trials below which nothing is measured: their order says nothing about a dimension."""
_REPEATS, _FOLDS, _TREES, _DRAWS = 4, 5, 30, 8
_QUANTILE = 0.975


class DimensionImportance(JsonRecord):
    """What one dimension decides.

    Attributes:
        key: the setting.
        value: the share of the variance of ranks that it decides, alone or with others; about 0
            for a dimension without effect, and below 0 by chance.
        low: the lower end of a 95 % interval over trials.
        high: the upper end.
        trials: the trials in which it had a value, over which it is measured.
    """

    key: str
    value: float
    low: float
    high: float
    trials: int

    @property
    def sure(self) -> bool:
        """Whether the interval is above 0."""
        return self.low > 0


class SearchImportance(JsonRecord):
    """The importance of all dimensions, the largest first.

    Attributes:
        dimensions: those that were measured; empty with a ``reason``.
        finished: number of finished trials it is measured on.
        pruned: number of pruned trials, which count with the best of their epochs.
        explained: the share of the variance of ranks that the settings predict, for trials that
            the forest did not see; 0 or less if they predict nothing.
        reason: why nothing was measured; empty if something was.
    """

    dimensions: tuple[DimensionImportance, ...] = ()
    finished: int = 0
    pruned: int = 0
    explained: float | None = None
    reason: str = "not measured yet."


def measure_importance(
    dimensions: Sequence[Dimension], records: Sequence[TrialRecord], *, higher_is_better: bool
) -> SearchImportance:
    """Returns the importance of each dimension. The same records give the same result.

    Args:
        dimensions: the space.
        records: the trials; those without an objective are left out.
        higher_is_better: whether a higher objective is better.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    used = [one for one in records if one.objective is not None and one.state != "running"]
    counts = {
        "finished": sum(one.state == "finished" for one in used),
        "pruned": sum(one.state == "pruned" for one in used),
    }
    if len(used) < FEWEST:
        return SearchImportance(
            **counts, reason=f"{len(used)} trials have an objective; expected at least {FEWEST}."
        )
    ranks = _ranks([one.objective or 0.0 for one in used], higher_is_better=higher_is_better)
    if ranks.std() == 0:
        return SearchImportance(**counts, reason="all trials have the same objective.")
    columns = [_columns(one, used) for one in dimensions]
    in_force = [_in_force(one, used) for one in dimensions]
    errors, increases = _held_out_errors(columns, in_force, ranks)
    variance = float(ranks.var())
    found = [
        _importance(one.key, increase[rows] / (2 * variance))
        for one, rows, increase in zip(dimensions, in_force, increases, strict=True)
        if rows.sum() >= FEWEST
    ]
    return SearchImportance(
        **counts,
        dimensions=tuple(sorted(found, key=lambda one: (-one.value, one.key))),
        explained=round(float(1 - errors.mean() / variance), 4),
        reason="",
    )


def _ranks(objectives: Sequence[float], *, higher_is_better: bool) -> FloatArray:
    """Returns the rank of each trial from 0 to 1, the best last; what is not finite is worst.

    Ranks, because one diverged trial would be most of the variance of the objective.
    """
    values = np.array(objectives, np.float64) * (1 if higher_is_better else -1)
    values[~np.isfinite(values)] = -np.inf
    _, first, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: FloatArray = ((last - counts + last - 1) / 2)[first] / max(1, len(values) - 1)
    return ranks


def _columns(dimension: Dimension, records: Sequence[TrialRecord]) -> FloatArray:
    """Returns the values of a dimension as numbers, float64 ``[trials, columns]``.

    A choice has one column for each of its values. A trial in which the dimension has no effect
    has zeros there, or a number below all others.
    """
    values = [one.values.get(dimension.key) for one in records]
    if dimension.kind == "choice":
        return np.array(
            [
                [float(type(value) is type(one) and value == one) for one in dimension.choices]
                for value in values
            ]
        )
    below = dimension.low - (dimension.high - dimension.low)
    return np.array([[below if value is None else float(value)] for value in values])


def _in_force(dimension: Dimension, records: Sequence[TrialRecord]) -> BoolArray:
    return np.array([dimension.key in one.values for one in records], bool)


def _held_out_errors(
    columns: Sequence[FloatArray], in_force: Sequence[BoolArray], ranks: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Returns squared errors of held-out predictions, and their increase without each dimension.

    Returns:
        float64 ``[trials]`` and ``[dimensions, trials]``.
    """
    try:
        from sklearn.ensemble import ExtraTreesRegressor
        from sklearn.model_selection import KFold
    except ImportError as error:
        raise MissingDependencyError(
            "the importance of settings needs scikit-learn, which is missing; run"
            " pip install 'modelwright[train]'."
        ) from error
    rows, random = np.concatenate(columns, axis=1), np.random.default_rng(0)
    errors, increases = np.zeros(len(rows)), np.zeros((len(columns), len(rows)))
    for repeat in range(_REPEATS):
        folds = KFold(_FOLDS, shuffle=True, random_state=repeat)
        for seen, held in folds.split(rows):
            forest = ExtraTreesRegressor(_TREES, random_state=repeat).fit(rows[seen], ranks[seen])
            asked = [rows[held], *_exchanged(rows, held, columns, in_force, random)]
            predicted = forest.predict(np.concatenate(asked)).reshape(-1, len(held))
            wrong = (predicted - ranks[held]) ** 2
            errors[held] += wrong[0] / _REPEATS
            by_dimension = wrong[1:].reshape(len(columns), _DRAWS, len(held)).mean(axis=1)
            increases[:, held] += (by_dimension - wrong[0]) / _REPEATS
    return errors, increases


def _exchanged(
    rows: FloatArray,
    held: npt.NDArray[np.int64],
    columns: Sequence[FloatArray],
    in_force: Sequence[BoolArray],
    random: np.random.Generator,
) -> Iterator[FloatArray]:
    """Yields the held-out rows with values of other trials, ``_DRAWS`` times per dimension."""
    start = 0
    for own, possible in zip(columns, in_force, strict=True):
        end = start + own.shape[1]
        others = np.flatnonzero(possible)
        for _ in range(_DRAWS):
            copy = rows[held].copy()
            if len(others):
                copy[:, start:end] = rows[random.choice(others, size=len(held)), start:end]
            yield copy
        start = end


def _importance(key: str, increases: FloatArray) -> DimensionImportance:
    """Returns the mean over trials with its interval by Student's t."""
    from scipy.stats import t as student

    mean, count = float(increases.mean()), len(increases)
    half = float(student.ppf(_QUANTILE, count - 1) * increases.std(ddof=1) / np.sqrt(count))
    return DimensionImportance(
        key=key, value=round(mean, 4), low=round(mean - half, 4), high=round(mean + half, 4),
        trials=count,
    )  # fmt: skip
