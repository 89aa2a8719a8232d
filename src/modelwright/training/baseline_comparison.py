"""The comparison of a model with its baselines: the one sentence that a reader must not miss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.measure import Measurement
from modelwright.core.statistics import (
    BoolArray,
    bonett_price_interval,
    newcombe_interval,
    sign_flip_p_value,
)
from modelwright.core.terminal import percent
from modelwright.core.types import Dataset, Progress
from modelwright.training.baseline_figures import MAJORITY, Baselines
from modelwright.training.baselines import cross_validate_baselines, measure_baselines
from modelwright.training.warnings import FEW_ROWS, MOST_FREQUENT

_CERTAIN = 0.05


@dataclass(frozen=True)
class Difference:
    """The accuracies of a model and of a baseline, and what is known of their difference.

    Attributes:
        name: what the baseline is.
        model: accuracy of the model.
        baseline: accuracy of the baseline.
        interval: 95 % interval of the first minus the second.
        certain: whether the difference is significant at 5 %.
    """

    name: str
    model: float
    baseline: float
    interval: tuple[float, float]
    certain: bool


def compare_training(
    data: Dataset,
    val: Measurement | None,
    *,
    out_of_fold: tuple[int, int] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Baselines, str | None]:
    """Compares the model of a training with baselines of the same training rows.

    They are compared on the validation rows. If those are few or none, the baselines are measured
    out of fold inside the training rows.

    Args:
        data: the rows of the training.
        val: the model's answers to the validation rows; None without such rows.
        out_of_fold: how many training rows the model got right out of fold, and of how many; None
            if it was not cross-validated.
        seed: random seed of the folds.
        progress: called once for each baseline.

    Returns:
        The baselines, and a warning as from ``warn_on_same_rows``.
    """
    train = data.splits["train"]
    if val and val.metrics.rows >= FEW_ROWS:
        rows = data.splits["val"]
        simple = measure_baselines(data.task, train, rows, seed=seed, progress=progress)
        right = np.asarray(val.probabilities.argmax(axis=1) == rows.labels)
        return simple, warn_on_same_rows(simple, right)
    simple = cross_validate_baselines(data.task, train, seed=seed, progress=progress)
    if out_of_fold is not None and out_of_fold[1]:
        return simple, warn_on_other_rows(simple, *out_of_fold, "training rows out of fold")
    if val:
        right = np.asarray(val.probabilities.argmax(axis=1) == data.splits["val"].labels)
        return simple, warn_on_other_rows(simple, int(right.sum()), len(right), "validation rows")
    return simple, None


def warn_on_same_rows(
    baselines: Baselines, right: BoolArray, left_out: BoolArray | None = None
) -> str | None:
    """Returns a warning if a baseline is better, or the majority class may be as good.

    The test is McNemar's exact test: both answered the same rows.

    Args:
        baselines: those measured on rows that the model answered too.
        right: whether the model is right, for each row of the split.
        left_out: rows of the split that say nothing, since both were trained on them.
    """
    kept = np.ones(len(baselines.positions), bool)
    if left_out is not None:
        kept = ~left_out[baselines.positions]
    model = right[baselines.positions][kept]
    if not len(model):
        return None
    found = []
    for one in baselines.models:
        if one.right is None:
            continue
        baseline = one.right[kept]
        differences = model.astype(np.int64) - baseline.astype(np.int64)
        found.append(
            Difference(
                one.name,
                float(model.mean()),
                float(baseline.mean()),
                bonett_price_interval(differences),
                certain=sign_flip_p_value(differences) < _CERTAIN,
            )
        )
    rows = f"{len(model):,} rows" if len(model) > 1 else "row"
    return _warn(found, f"on the same {rows}")


def warn_on_other_rows(baselines: Baselines, correct: int, rows: int, measured: str) -> str | None:
    """Returns the warning of ``warn_on_same_rows`` where the rows are not the same.

    Args:
        baselines: those measured on other rows, or in other folds.
        correct: how many rows the model got right.
        rows: how many rows the model was measured on.
        measured: what these rows are, in words, such as "validation rows".
    """
    found, others = [], 0
    for one in baselines.models:
        if one.right is None:
            continue
        others = len(one.right)
        low, high = newcombe_interval(correct, rows, int(one.right.sum()), others)
        found.append(
            Difference(
                one.name,
                correct / rows,
                float(one.right.mean()),
                (low, high),
                certain=low > 0 or high < 0,
            )
        )
    where = f"on {rows:,} {measured}"
    if measured != "training rows out of fold" or others != rows:
        where += f", the baseline out of fold on {others:,} training rows"
    return _warn(found, where)


def _warn(found: Sequence[Difference], where: str) -> str | None:
    """Returns the warning of the strongest baseline; that of the majority class in a tie."""
    if not found:
        return None
    best = max(found, key=lambda one: one.baseline)
    if best.model < best.baseline:
        return _sentence(best, "loses to" if best.certain else "is behind", where)
    for one in found:
        if one.name == MAJORITY and not one.certain:
            return _sentence(one, "is not shown to be better than", where)
    return None


def _sentence(one: Difference, verdict: str, where: str) -> str:
    name = f"{one.name}, fitted on the same training rows"
    if one.name == MAJORITY:
        name = f"{MOST_FREQUENT} of the training rows"
    low, high = one.interval
    chance = "" if one.certain else "; this may be chance"
    return (
        f"the model {verdict} {name}: {percent(one.model)} against {percent(one.baseline)} {where};"
        f" the difference is {100 * (one.model - one.baseline):+.2f} points (95 %:"
        f" {100 * low:+.2f} to {100 * high:+.2f}){chance}. Try another recipe ('modelwright"
        " recipes' lists them), or add rows"
    )
