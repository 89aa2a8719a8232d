"""What a search improves: the objective of a trial, its error, the best trial, the Pareto front.

All figures come from validation rows. No function here reads a file or a test row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from modelwright.core.errors import RunError
from modelwright.trials.trial_result import TrialMetrics
from modelwright.tuning.search_settings import ObjectiveName, SearchSettings
from modelwright.tuning.trial_record import TrialRecord

BYTES_PER_WEIGHT = 4
_MIB = 2**20


def epoch_objective(name: ObjectiveName, values: Mapping[str, float]) -> float | None:
    """Returns what a pruner compares after an epoch; None if the epoch has no such figure.

    An epoch measures no F1 score. With that objective it is the validation accuracy.
    """
    return values.get("val_loss" if name == "val_loss" else "val_accuracy")


def trial_objective(name: ObjectiveName, metrics: TrialMetrics, epochs: Sequence[float]) -> float:
    """Returns the objective of a finished trial.

    Accuracy and macro F1 are those of the best epoch's weights in float32 on the validation rows.
    The loss is that of the best epoch, as the training measured it.

    Args:
        name: the objective.
        metrics: the measurement on the validation rows.
        epochs: the objective after each epoch.

    Raises:
        RunError: the training reported no such loss.
    """
    if name == "val_accuracy":
        return metrics.accuracy
    if name == "macro_f1":
        return metrics.macro_f1
    if not 1 <= metrics.best_epoch <= len(epochs):
        raise RunError(
            f"the training reported no val_loss of its best epoch {metrics.best_epoch}; expected"
            " a training in epochs. Choose the objective val_accuracy."
        )
    return epochs[metrics.best_epoch - 1]


def trial_figures(metrics: TrialMetrics) -> dict[str, float]:
    """Returns the further figures of a finished trial, as its record keeps them."""
    return {
        "accuracy": metrics.accuracy,
        "macro_f1": metrics.macro_f1,
        "train_accuracy": metrics.train_accuracy,
        "rows": metrics.rows,
        "best_epoch": metrics.best_epoch,
        "minutes": metrics.minutes,
        "parameters": metrics.parameters,
        "size_mib": metrics.parameters * BYTES_PER_WEIGHT / _MIB,
    }


def objective_error(name: ObjectiveName, record: TrialRecord) -> float | None:
    """Returns the standard error of a trial's objective over the validation rows.

    None for objectives other than accuracy: a record does not keep the rows that they need.
    """
    return accuracy_error(record) if name == "val_accuracy" else None


def accuracy_error(record: TrialRecord) -> float | None:
    """Returns the standard error of a trial's validation accuracy; None before its end.

    It is that of a proportion, with one right and one wrong row added (Agresti and Coull 1998), so
    that no accuracy has an error of 0.
    """
    rows, accuracy = record.figures.get("rows"), record.figures.get("accuracy")
    if not rows or accuracy is None:
        return None
    share = (accuracy * rows + 1) / (rows + 2)
    return math.sqrt(share * (1 - share) / (rows + 2))


def ranked_trials(records: Sequence[TrialRecord], search: SearchSettings) -> list[TrialRecord]:
    """Returns the trials that can be the best one, best first.

    These are finished and within the limits. A pruned trial cannot be the best one: it was
    measured after fewer epochs, in the precision of the training, and early figures are those
    with the most noise. Of equal trials the earlier one is better.
    """
    sign = -1 if search.higher_is_better else 1
    eligible = [
        (sign * one.objective, one.number, one)
        for one in records
        if one.state == "finished" and one.objective is not None and within_limits(one, search)
    ]
    return [one for _, _, one in sorted(eligible, key=lambda entry: entry[:2])]


def within_limits(record: TrialRecord, search: SearchSettings) -> bool:
    """Returns whether a finished trial is within the limits of latency and size."""
    limits = (("latency_ms", search.max_latency), ("size_mib", search.max_size))
    return all(
        limit is None or record.figures.get(figure, math.inf) <= limit for figure, limit in limits
    )


def pareto_front(records: Sequence[TrialRecord], search: SearchSettings) -> tuple[int, ...]:
    """Returns the trials that no other beats in all of objective, size and latency.

    The best objective comes first. Without limits the front is empty.
    """
    measured = {
        "size_mib": search.max_size is not None,
        "latency_ms": search.max_latency is not None,
    }
    figures = [figure for figure, used in measured.items() if used]
    if not figures:
        return ()
    sign = -1 if search.higher_is_better else 1
    points = {
        one.number: (sign * one.objective, *(one.figures[figure] for figure in figures))
        for one in records
        if one.state == "finished"
        and one.objective is not None
        and all(figure in one.figures for figure in figures)
    }
    front = [number for number, point in points.items() if not _beaten(point, points.values())]
    return tuple(sorted(front, key=lambda number: (points[number], number)))


def _beaten(point: tuple[float, ...], others: Iterable[tuple[float, ...]]) -> bool:
    return any(
        other != point and all(a <= b for a, b in zip(other, point, strict=True))
        for other in others
    )
