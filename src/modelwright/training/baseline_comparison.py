"""The comparison of a model with its baselines: the one sentence that a reader must not miss."""

from __future__ import annotations

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
from modelwright.training.baselines import (
    MAJORITY,
    Baseline,
    Baselines,
    cross_validate_baselines,
    measure_baselines,
)
from modelwright.training.warnings import FEW_ROWS, MOST_FREQUENT

_CERTAIN = 0.05


def strongest(baselines: Baselines) -> Baseline | None:
    """Returns the baseline with the highest accuracy; None if none could be measured."""
    measured = [one for one in baselines.models if one.accuracy is not None]
    return max(measured, key=lambda one: one.accuracy or 0.0, default=None)


def compare_training(
    data: Dataset,
    val: Measurement | None,
    *,
    out_of_fold: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[Baselines, str | None]:
    """Compares the model of a training with baselines of the same training rows.

    They are compared on the validation rows. If those are few or none, the baselines are measured
    out of fold inside the training rows.

    Args:
        data: the rows of the training.
        val: the model's answers to the validation rows; None without such rows.
        out_of_fold: the model's own out-of-fold accuracy on the training rows, if it has one.
        seed: random seed of the folds.
        progress: called once for each baseline.

    Returns:
        The baselines, and a warning unless the model is better than all of them.
    """
    train = data.splits["train"]
    if val and val.metrics.rows >= FEW_ROWS:
        rows = data.splits["val"]
        simple = measure_baselines(data.task, train, rows, seed=seed, progress=progress)
        right = np.asarray(val.probabilities.argmax(axis=1) == rows.labels)
        return simple, warn_on_same_rows(simple, right)
    simple = cross_validate_baselines(data.task, train, seed=seed, progress=progress)
    if out_of_fold is not None:
        return simple, warn_on_other_rows(
            simple, out_of_fold, len(train), "training rows out of fold"
        )
    if val:
        figures = val.metrics
        return simple, warn_on_other_rows(simple, figures.accuracy, figures.rows, "validation rows")
    return simple, None


def warn_on_same_rows(
    baselines: Baselines, right: BoolArray, left_out: BoolArray | None = None
) -> str | None:
    """Returns a warning unless the model is better than its strongest baseline.

    The test is McNemar's exact test: both answered the same rows.

    Args:
        baselines: those measured on rows that the model answered too.
        right: whether the model is right, for each row of the split.
        left_out: rows of the split that say nothing, since both were trained on them.
    """
    best = strongest(baselines)
    if best is None or best.right is None:
        return None
    kept = np.ones(len(baselines.positions), bool)
    if left_out is not None:
        kept = ~left_out[baselines.positions]
    model, baseline = right[baselines.positions][kept], best.right[kept]
    if not len(model):
        return None
    differences = model.astype(np.int64) - baseline.astype(np.int64)
    return _sentence(
        best,
        (float(model.mean()), float(baseline.mean())),
        f"on the same {len(model):,} rows",
        bonett_price_interval(differences),
        certain=sign_flip_p_value(differences) < _CERTAIN,
    )


def warn_on_other_rows(
    baselines: Baselines, accuracy: float, rows: int, measured: str
) -> str | None:
    """Returns the warning of ``warn_on_same_rows`` where only a share of right rows is known.

    Args:
        baselines: those measured on other rows, or in other folds.
        accuracy: that of the model.
        rows: how many rows the model was measured on.
        measured: what these rows are, in words, such as "validation rows".
    """
    best = strongest(baselines)
    if best is None or best.accuracy is None or best.rows is None:
        return None
    low, high = newcombe_interval(
        round(accuracy * rows), rows, round(best.accuracy * best.rows), best.rows
    )
    return _sentence(
        best,
        (accuracy, best.accuracy),
        f"on {rows:,} {measured}, the baseline out of fold on {best.rows:,} training rows",
        (low, high),
        certain=low > 0 or high < 0,
    )


def _sentence(
    best: Baseline,
    accuracies: tuple[float, float],
    where: str,
    interval: tuple[float, float],
    *,
    certain: bool,
) -> str | None:
    model, baseline = accuracies
    if certain and model > baseline:
        return None
    verdict = "loses to" if certain else "is not shown to be better than"
    name = MOST_FREQUENT if best.name == MAJORITY else best.name
    low, high = interval
    return (
        f"the model {verdict} {name}, fitted on the same training rows: {percent(model)} against"
        f" {percent(baseline)} {where}; the difference is {100 * (model - baseline):+.2f} points"
        f" (95 %: {100 * low:+.2f} to {100 * high:+.2f})"
    )
