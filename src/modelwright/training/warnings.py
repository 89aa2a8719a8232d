"""What a finished training warns of: figures of the validation rows that should not be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from modelwright.core.metrics import ClassificationMetrics
from modelwright.core.terminal import percent
from modelwright.training.early_stopping import EarlyStopping, History

MOST_FREQUENT = "always predicting the most frequent class"
FEW_ROWS = 100
"""With fewer validation rows, one row is more than a point: as much as epochs usually differ."""
_SHOWN = 5


def training_warnings(
    history: History,
    rule: EarlyStopping,
    labels: Sequence[str],
    train: ClassificationMetrics,
    val: ClassificationMetrics | None,
    steps: int,
    comparison: str | None = None,
) -> tuple[str, ...]:
    """Returns what a reader of the figures of a training must know, a sentence each.

    Args:
        history: the metrics of each epoch.
        rule: the rule that chose the best epoch, or took the last one.
        labels: names of the classes.
        train: the metrics of the best weights on the training rows.
        val: the same on the validation rows; None without such rows.
        steps: number of all steps of the training.
        comparison: the warning of a comparison with the strongest baseline.
    """
    if val is None:
        found = [*_classes(labels, train, "training", steps)]
    else:
        found = [*_classes(labels, val, "validation", steps), *_baseline(val)]
    found += _learned_nothing(train, steps)
    if comparison and not (MOST_FREQUENT in comparison and MOST_FREQUENT in "".join(found)):
        found.append(comparison)
    if len(history) > 1 and rule.chooses:
        found += [*_ties(history, rule), *_few_rows(val)]
    return tuple(found)


def _classes(
    labels: Sequence[str], metrics: ClassificationMetrics, kind: str, steps: int
) -> Iterator[str]:
    chosen = metrics.confusion.sum(axis=0)
    predicted = np.flatnonzero(chosen).tolist()
    if len(predicted) == 1 and len(labels) > 1:
        advice = "Train for more epochs, try another learning rate or" if steps else "Try another"
        yield (
            f"the model predicts '{labels[predicted[0]]}' for each of the {metrics.rows:,}"
            f" {kind} rows: it tells nothing apart. {advice} recipe, or check the labels"
        )
        return
    never = [
        name
        for name, n, rows in zip(labels, chosen, metrics.support, strict=True)
        if rows and not n
    ]
    if never:
        shown = ", ".join(f"'{name}'" for name in never[:_SHOWN])
        more = f" and {len(never) - _SHOWN:,} more" if len(never) > _SHOWN else ""
        yield f"of the {kind} rows the model predicts none as {shown}{more}"


def _baseline(val: ClassificationMetrics) -> Iterator[str]:
    low, high = val.accuracy_interval
    if low <= val.majority_accuracy:
        yield (
            f"the validation accuracy of {percent(val.accuracy)} (95 %: {percent(low)} to"
            f" {percent(high)}) is not shown to be better than {percent(val.majority_accuracy)},"
            f" which {MOST_FREQUENT} gives"
        )


def _learned_nothing(train: ClassificationMetrics, steps: int) -> Iterator[str]:
    low, _ = train.accuracy_interval
    if low <= train.majority_accuracy < 1:
        begin = f"after {steps:,} step{'s' if steps != 1 else ''} " if steps else ""
        end = (
            "the network has learned nothing yet. Train for more steps (train.min_steps or"
            " train.epochs), or try another learning rate or recipe"
            if steps
            else "the network finds nothing that tells the classes apart. Check the rows and their"
            " labels, or try another recipe"
        )
        yield (
            f"{begin}the accuracy on the training rows themselves, {percent(train.accuracy)}, is"
            f" not shown to be better than {percent(train.majority_accuracy)}, which always"
            f" predicting the most frequent class gives: {end}"
        )


def _ties(history: History, rule: EarlyStopping) -> Iterator[str]:
    tied, best = rule.tied(history), rule.best(history)
    if len(tied) < 2 or best is None:
        return
    numbers = ", ".join(str(position + 1) for position in tied[:10])
    numbers += ", …" if len(tied) > 10 else ""
    figure = rule.monitor.replace("val_", "validation ").replace("_", " ")
    value = history[best][rule.monitor]
    reason = "the lowest loss of them" if rule.monitor.endswith("accuracy") else "the first of them"
    yield (
        f"epochs {numbers} tie with a {figure} of {value:.4f}; number {best + 1} was taken,"
        f" {reason}"
    )


def _few_rows(val: ClassificationMetrics | None) -> Iterator[str]:
    if val is None:
        yield (
            "there are no validation rows, so the best epoch was chosen on the training rows, which"
            " favors overfitting; hold some out with data.val"
        )
    elif val.rows < FEW_ROWS:
        yield (
            f"the best epoch was chosen on {val.rows:,} validation rows, where one row is"
            f" {100 / val.rows:.1f} points, so the choice may be chance; hold out more with"
            " data.val, or add rows"
        )
