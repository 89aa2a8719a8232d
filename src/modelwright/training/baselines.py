"""Baselines: what simple models reach that are fitted on the training rows of a network.

A reader would try them first: always the most frequent class, and logistic regression on TF-IDF or
on pixels. They are measured in passing. One that cannot be fitted is listed with the reason and
ends nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelwright.core.errors import ModelwrightError
from modelwright.core.folds import assign_folds, number_copies, stratified_order
from modelwright.core.metrics import macro_f1
from modelwright.core.statistics import wilson_interval
from modelwright.core.types import IntArray, Progress, Split, Task
from modelwright.training.baseline_features import (
    LONGEST,
    count_columns,
    count_ngrams,
    find_side,
    is_cheap,
    lengths_in_ngrams,
    read_pixels,
    weigh_ngrams,
)
from modelwright.training.baseline_figures import (
    LOGISTIC_REGRESSION,
    MAJORITY,
    Baseline,
    Baselines,
    unmeasured,
)

MOST_ROWS = {"text": 10_000, "image": 5_000}
"""Rows that are fitted, and rows that are measured, at most."""
MOST_NGRAMS = 16_000_000
"""N-grams of all fitted texts, times the columns of the classifier, at most."""
MOST_WEIGHTS = 4_000_000
FOLDED_ROWS = 5_000
"""With more rows, one fold of five is predicted instead of all five."""
FOLDS = 5
_C = {"text": 10.0, "image": 0.1}
"""On small pixels of CIFAR-10 a C of 0.01 gives up to 4 points more, on digits up to 33 less."""
_ITERATIONS = 200

Predicted = tuple[IntArray, str | None]
"""Predicted labels, and a note of what was left out."""


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
    fewer = None
    if len(positions) < len(rows):
        fewer = f"measured on {len(positions):,} of {len(rows):,} rows"

    def predict() -> Predicted:
        cut = None
        if task == "text":
            texts, asked = trained.inputs.take(fitted), rows.inputs.take(positions)
            pair, cut = count_ngrams(texts, asked), _cut(texts, asked)
        else:
            side = find_side(len(fitted), count_columns(labels))
            pair = (
                read_pixels(trained.inputs, fitted, side),
                read_pixels(rows.inputs, positions, side),
            )
        return _logistic_regression(task, pair[0], labels, pair[1]), cut

    majority = np.full(len(held), np.bincount(trained.labels).argmax())
    models = (
        _measure(MAJORITY, held, majority, len(trained), fewer),
        _attempt(task, held, predict, len(fitted), _join(note, fewer), progress),
    )
    return Baselines(models, positions)


def cross_validate_baselines(
    task: Task, trained: Split, *, seed: int = 0, progress: Progress | None = None
) -> Baselines:
    """Measures baselines on training rows, each predicted by a model fitted without its fold.

    Up to ``FOLDED_ROWS`` rows, all of five stratified folds are predicted; above, one of them. The
    row of a class with one row is always fitted and never measured.

    Args:
        task: the kind of rows.
        trained: the training rows.
        seed: random seed of the folds.
        progress: called once for each baseline.
    """
    chosen, note = _affordable(task, trained, seed)
    fold = assign_folds(trained.labels, FOLDS, seed, number_copies(trained.digests))[chosen]
    few = len(chosen) <= FOLDED_ROWS
    if task == "image":
        few = few and is_cheap(len(chosen) * FOLDS, count_columns(trained.labels))
    folds = range(FOLDS if few else 1)
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

    def predict() -> Predicted:
        cut = None
        if task == "text":
            texts = trained.inputs.take(chosen)
            features, cut = count_ngrams(texts)[0], _cut(texts)
        else:
            side = find_side(len(chosen), count_columns(labels))
            features = read_pixels(trained.inputs, chosen, side)
        found = folded(
            lambda rest, held: _logistic_regression(
                task, features[rest], labels[rest], features[held]
            )
        )
        return found, cut

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
        total = np.cumsum(lengths_in_ngrams(rows.inputs, order)) * count_columns(rows.labels)
        order = order[: max(1, int(np.searchsorted(total, MOST_NGRAMS, side="right")))]
    if len(order) == len(rows):
        return np.arange(len(rows)), None
    return np.sort(order), f"fitted on {len(order):,} of {len(rows):,} training rows, for speed"


def _attempt(
    task: Task,
    labels: IntArray,
    predict: Callable[[], Predicted],
    fitted: int,
    note: str | None,
    progress: Progress | None,
) -> Baseline:
    """Returns the measured logistic regression, or the reason why there is none."""
    name = LOGISTIC_REGRESSION[task]
    if progress:
        progress(f"fitting a baseline, {name}", 0, 0)
    try:
        predicted, cut = predict()
        return _measure(name, labels, predicted, fitted, _join(note, cut))
    except KeyboardInterrupt:
        reason = "interrupted"
    except ImportError:
        reason = "scikit-learn is not installed; install modelwright[train]"
    except (ModelwrightError, ValueError, ArithmeticError, MemoryError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
    return Baseline(name, note=reason)


def _cut(*groups: Sequence[str]) -> str | None:
    """Returns a note of texts that are not read to their end."""
    longer = sum(len(text) > LONGEST for texts in groups for text in texts)
    if not longer:
        return None
    return f"of {longer:,} long text{'s' if longer > 1 else ''} the first {LONGEST:,} characters"


def _join(*notes: str | None) -> str | None:
    return "; ".join(note for note in notes if note) or None


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
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:
        raise ValueError("the training rows are of one class")
    if task == "text":
        fitted, asked = weigh_ngrams(fitted, asked, MOST_WEIGHTS // count_columns(labels))
    # Many threads make products of small matrices slower.
    with threadpool_limits(1), warnings.catch_warnings():
        # That the solver was stopped early says nothing to a reader of an accuracy.
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=_C[task], max_iter=_ITERATIONS).fit(fitted, labels)
        return np.asarray(model.predict(asked), np.int64)
