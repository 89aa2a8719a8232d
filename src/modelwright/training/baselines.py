"""Baselines: what simple models reach that are fitted on the training rows of a network.

A reader would try them first: always the most frequent class, and logistic regression on TF-IDF or
on pixels. They are measured in passing. One that cannot be fitted is listed with the reason and
ends nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import ModelwrightError
from modelwright.core.folds import assign_folds, number_copies, stratified_order
from modelwright.core.metrics import macro_f1
from modelwright.core.statistics import BoolArray, wilson_interval
from modelwright.core.terminal import percent
from modelwright.core.types import IntArray, Progress, Split, Task
from modelwright.training.baseline_features import (
    count_ngrams,
    lengths_in_ngrams,
    read_pixels,
    weigh_ngrams,
)

MAJORITY = "majority class"
LOGISTIC_REGRESSION = {
    "text": "TF-IDF + logistic regression",
    "image": "logistic regression on pixels",
}
MOST_ROWS = {"text": 25_000, "image": 5_000}
"""Rows that are fitted, and rows that are measured, at most."""
MOST_NGRAMS = 16_000_000
"""N-grams of all fitted texts, times the columns of the classifier, at most."""
MOST_WEIGHTS = 4_000_000
FOLDED_ROWS = 5_000
"""With more rows, one fold of five is predicted instead of all five."""
FOLDS = 5
_C = {"text": 10.0, "image": 0.1}
_ITERATIONS = 200


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

    def fact(self) -> tuple[str, object]:
        """Returns the line of a report."""
        label = "majority-class baseline" if self.name == MAJORITY else self.name
        if self.accuracy is None or self.interval is None:
            return label, f"not measured: {self.note}"
        low, high = self.interval
        told = f"{percent(self.accuracy)}  (95 %: {percent(low)} to {percent(high)})"
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
            label, told = one.fact()
            if self.folded and one.rows is not None:
                told = f"{told}, out of fold on {one.rows:,} training rows"
            yield label, told


def unmeasured(task: Task, reason: str) -> Baselines:
    """Returns the baselines of a task without figures, each with the reason."""
    names = (MAJORITY, LOGISTIC_REGRESSION[task])
    return Baselines(tuple(Baseline(name, note=reason) for name in names))


def measure_baselines(
    task: Task, trained: Split, rows: Split, *, seed: int = 0, progress: Progress | None = None
) -> Baselines:
    """Fits baselines on training rows and measures them on other rows.

    Args:
        task: the kind of rows.
        trained: the training rows.
        rows: at least one row to measure, with labels as in ``trained``.
        seed: random seed of the choice where rows are left out for speed.
        progress: called once for each baseline.
    """
    fitted, note = _affordable(task, trained, seed)
    positions = np.sort(stratified_order(rows.labels, seed)[: MOST_ROWS[task]])
    labels, held = trained.labels[fitted], rows.labels[positions]

    def predict() -> IntArray:
        if task == "text":
            pair = count_ngrams(trained.inputs.take(fitted), rows.inputs.take(positions))
        else:
            pair = read_pixels(trained.inputs, fitted), read_pixels(rows.inputs, positions)
        return _logistic_regression(task, pair[0], labels, pair[1])

    majority = np.full(len(held), np.bincount(trained.labels).argmax())
    models = (
        _measure(MAJORITY, held, majority, len(trained)),
        _attempt(task, held, predict, len(fitted), note, progress),
    )
    return Baselines(models, positions)


def cross_validate_baselines(
    task: Task, trained: Split, *, seed: int = 0, progress: Progress | None = None
) -> Baselines:
    """Measures baselines on training rows, each predicted by a model fitted without its fold.

    Up to ``FOLDED_ROWS`` rows, all of five stratified folds are predicted; above, one of them.

    Args:
        task: the kind of rows.
        trained: the training rows.
        seed: random seed of the folds.
        progress: called once for each baseline.
    """
    chosen, note = _affordable(task, trained, seed)
    fold = assign_folds(trained.labels, FOLDS, seed, number_copies(trained.digests))[chosen]
    folds = range(FOLDS if len(chosen) <= FOLDED_ROWS else 1)
    tested = [number for number in folds if 0 < (fold == number).sum() < len(fold)]
    if not tested:
        return unmeasured(task, "there are too few training rows for folds")
    measured = np.flatnonzero(np.isin(fold, tested))
    labels = trained.labels[chosen]

    def folded(predict: Callable[[IntArray, IntArray], IntArray]) -> IntArray:
        found = np.zeros(len(fold), np.int64)
        for number in tested:
            held = np.flatnonzero(fold == number)
            found[held] = predict(np.flatnonzero(fold != number), held)
        return np.asarray(found[measured])

    def predict() -> IntArray:
        if task == "text":
            features, _ = count_ngrams(trained.inputs.take(chosen))
        else:
            features = read_pixels(trained.inputs, chosen)
        return folded(
            lambda rest, held: _logistic_regression(
                task, features[rest], labels[rest], features[held]
            )
        )

    majority = folded(lambda rest, held: np.full(len(held), np.bincount(labels[rest]).argmax()))
    fitted = len(fold) - len(fold) // FOLDS
    models = (
        _measure(MAJORITY, labels[measured], majority, fitted),
        _attempt(task, labels[measured], predict, fitted, note, progress),
    )
    return Baselines(models, chosen[measured], folded=True)


def _affordable(task: Task, rows: Split, seed: int) -> tuple[IntArray, str | None]:
    """Returns the rows to fit, and a note if they are not all."""
    order = stratified_order(rows.labels, seed)[: MOST_ROWS[task]]
    if task == "text":
        classes = len(np.unique(rows.labels))
        total = np.cumsum(lengths_in_ngrams(rows.inputs, order)) * (1 if classes < 3 else classes)
        order = order[: max(1, int(np.searchsorted(total, MOST_NGRAMS, side="right")))]
    if len(order) == len(rows):
        return np.arange(len(rows)), None
    return np.sort(order), f"fitted on {len(order):,} of {len(rows):,} training rows, for speed"


def _attempt(
    task: Task,
    labels: IntArray,
    predict: Callable[[], IntArray],
    fitted: int,
    note: str | None,
    progress: Progress | None,
) -> Baseline:
    """Returns the measured logistic regression, or the reason why there is none."""
    name = LOGISTIC_REGRESSION[task]
    if progress:
        progress(f"fitting a baseline, {name}", 0, 0)
    try:
        return _measure(name, labels, predict(), fitted, note)
    except KeyboardInterrupt:
        reason = "interrupted"
    except ImportError:
        reason = "scikit-learn is not installed; install modelwright[train]"
    except (ModelwrightError, ValueError, ArithmeticError, MemoryError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    return Baseline(name, note=reason)


def _measure(
    name: str, labels: IntArray, predicted: IntArray, fitted: int, note: str | None = None
) -> Baseline:
    classes = int(max(labels.max(), predicted.max())) + 1
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2)
    right = np.asarray(labels == predicted)
    hits = int(right.sum())
    return Baseline(
        name=name,
        accuracy=hits / len(labels),
        macro_f1=float(macro_f1(confusion.reshape(classes, classes))),
        interval=wilson_interval(hits, len(labels)),
        rows=len(labels),
        fitted_rows=fitted,
        note=note,
        right=right,
    )


def _logistic_regression(task: Task, fitted: Any, labels: IntArray, asked: Any) -> IntArray:
    """Fits features and returns the predicted labels of others.

    Raises:
        ValueError: the labels are of one class, or no n-gram is left.
    """
    from sklearn.linear_model import LogisticRegression

    classes = len(np.unique(labels))
    if classes < 2:
        raise ValueError("the training rows are of one class")
    if task == "text":
        fitted, asked = weigh_ngrams(fitted, asked, MOST_WEIGHTS // (1 if classes < 3 else classes))
    with warnings.catch_warnings():
        # That the solver was stopped early says nothing to a reader of an accuracy.
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=_C[task], max_iter=_ITERATIONS).fit(fitted, labels)
        return np.asarray(model.predict(asked), np.int64)
