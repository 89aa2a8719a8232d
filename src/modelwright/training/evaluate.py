"""Evaluation: measures a run's best weights on held-out rows and writes the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import DataConfig, check_table
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.files import explained_refusals
from modelwright.core.measure import measure
from modelwright.core.types import FloatArray, IntArray, Progress, Split, SplitName
from modelwright.data.load import LoadedRows, load_split
from modelwright.models.builders import augment_network
from modelwright.runs.rows import reload_data, split_of
from modelwright.runs.run import Run, load_run
from modelwright.training.baseline_comparison import warn_on_same_rows
from modelwright.training.baseline_figures import Baselines, unmeasured
from modelwright.training.baselines import measure_baselines
from modelwright.training.evaluation_files import write_evaluation
from modelwright.training.evaluation_log import log_evaluation
from modelwright.training.evaluation_report import EvaluateReport, Mistake
from modelwright.training.measuring import MeasuredTraining
from modelwright.training.negation import measure_negation
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.overlap import find_overlap, find_trained_rows
from modelwright.training.runtime import make_deterministic

_WORST = 20


@dataclass(frozen=True)
class EvaluatedRows:
    """Which rows an evaluation measures. ``evaluate`` explains the fields."""

    data: DataConfig | str | Path | None = None
    settings: Mapping[str, Any] | None = None
    split: SplitName = "test"
    data_root: Path | str | None = None


@dataclass(frozen=True)
class EvaluationParts:
    """What an evaluation makes besides its figures, predictions and worst mistakes."""

    baselines: bool = True
    """Simple models that are fitted on the run's training rows."""
    slices: bool = True
    """The negation check."""
    plots: bool = True


ALL_PARTS = EvaluationParts()


def evaluate(
    path: Path | str,
    *,
    data: DataConfig | str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    split: SplitName = "test",
    tta: bool = False,
    data_root: Path | str | None = None,
    progress: Progress | None = None,
) -> EvaluateReport:
    """Measures a run's best weights, and writes the result to its ``evaluations`` folder.

    Args:
        path: the run's folder.
        data: other rows than the run's, all of which are measured. Columns are found as in the
            run.
        settings: keys of ``[data]`` for ``data`` that differ from the run's, such as ``text``.
        split: the split of the run's rows to measure, without ``data``.
        tta: whether to use test-time augmentation: the mean prediction over mirrored and shifted
            copies.
        data_root: where the run's data is now, if it was moved.
        progress: called with each step.

    Raises:
        RunError: the run cannot be used.
        DataError: the rows cannot be used, or have labels that the model does not know.
        ConfigError: ``tta`` is set for a model that was not trained on mirrored images, or
            ``settings`` cannot be used.
    """
    chosen = EvaluatedRows(data, settings, split, data_root)
    return evaluate_rows(path, chosen, tta=tta, progress=progress)


def evaluate_rows(
    path: Path | str,
    chosen: EvaluatedRows,
    *,
    tta: bool = False,
    parts: EvaluationParts = ALL_PARTS,
    training: MeasuredTraining | None = None,
    progress: Progress | None = None,
) -> EvaluateReport:
    """Does what ``evaluate`` does, or parts of it.

    Args:
        path: the run's folder.
        chosen: the rows to measure.
        tta: whether to use test-time augmentation.
        parts: what to make besides the figures.
        training: the training of the run, if it has just finished in this process.
        progress: called with each step.

    Raises:
        ModelwrightError: the errors of ``evaluate``.
    """
    run = load_run(path)
    make_deterministic(run.config.train.seed)
    network = _network(run, training, tta=tta)
    if chosen.data is None:
        trained: Split | str
        loaded, trained, source = _own_rows(run, chosen, training, progress)
    else:
        loaded, source = _other_rows(run, chosen.data, chosen.settings, progress)
        trained = _training_rows(run, chosen.data_root, progress)
    rows = loaded.split
    tokenizer = run.tokenizer()
    known = training.known(chosen.split) if training and chosen.data is None and not tta else None
    measured = known or measure(NetworkClassifier(network, tokenizer), rows, progress)
    # Other data never gets the name of a split, so it never replaces the run's own results.
    name = chosen.split if chosen.data is None else f"data-{Path(source).stem}"
    simple, warning = Baselines(), None
    if parts.baselines:
        simple = _baselines(run, trained, rows, progress)
        warning = _compare(simple, trained, rows, measured.probabilities)
    worst = _worst_mistakes(rows, measured.probabilities)
    report = EvaluateReport(
        run=run.path,
        folder=run.path / "evaluations" / (f"{name}-tta" if tta else name),
        source=source,
        labels=run.labels,
        metrics=measured.metrics,
        train_accuracy=run.metrics["train_accuracy"],
        mistakes=tuple(_mistake(rows, measured.probabilities, int(i), run) for i in worst),
        rejected=loaded.rejected,
        notes=loaded.notes,
        slices=measure_negation(run.labels, network, tokenizer, rows) if parts.slices else (),
        overlap=None if trained is rows else find_overlap(rows, trained, measured.probabilities),
        baselines=simple,
        warnings=(warning,) if warning else (),
        left_out=tuple(name for name, made in vars(parts).items() if not made),
    )
    with explained_refusals(report.folder):
        write_evaluation(report, rows, measured.probabilities, worst, plots=parts.plots)
        if run.config.train.tensorboard:
            log_evaluation(report, run.path / "tensorboard", run.metrics.get("best_epoch", 1) - 1)
    return report


def _network(run: Run, training: MeasuredTraining | None, *, tta: bool) -> Any:
    """Returns the network of a run, which may still be in memory after its training."""
    if training is None:
        return run.network(tta=tta)
    return augment_network(run.model, training.network) if tta else training.network


def _own_rows(
    run: Run,
    chosen: EvaluatedRows,
    training: MeasuredTraining | None,
    progress: Progress | None,
) -> tuple[LoadedRows, Split, str]:
    """Returns a split of the run's data, its training rows, and the name of the source."""
    if chosen.settings:
        raise ConfigError(
            f"data.{next(iter(chosen.settings))} was given without other data; the run's own rows"
            " are read with the settings of the run. Give the other rows with --data."
        )
    dataset = (
        training.data
        if training
        else reload_data(run.config.data, run.data, run.path, progress, root=chosen.data_root)
    )
    rows = LoadedRows(split_of(dataset, chosen.split), (), ())
    return rows, dataset.splits["train"], f"{dataset.source}, {chosen.split}"


def _other_rows(
    run: Run,
    data: DataConfig | str | Path,
    settings: Mapping[str, Any] | None,
    progress: Progress | None,
) -> tuple[LoadedRows, str]:
    """Returns all rows of other data, and the name of its source."""
    if not isinstance(data, DataConfig):
        # The folders that the settings name are those of the source that the run was trained on.
        folders: dict[str, list[str]] = {
            key: [] for key in ("train_folder", "val_folder", "test_folder", "skip")
        }
        update = {"source": str(data), "limit": None, **folders}
        data = run.reading.model_copy(update=update)
    if settings:
        data = check_table(DataConfig, {**data.model_dump(), **settings}, "data")
    rows = load_split(data, labels=run.labels, shape=run.shape, task=run.task, progress=progress)
    return rows, str(data.source)


def _training_rows(run: Run, root: Path | str | None, progress: Progress | None) -> Split | str:
    """Returns the rows that a run was trained on, or why they cannot be had."""
    try:
        data = reload_data(run.config.data, run.data, run.path, progress, root=root)
    except DataError as error:
        return str(error)
    return data.splits["train"]


def _baselines(run: Run, trained: Split | str, rows: Split, progress: Progress | None) -> Baselines:
    """Returns the baselines of a run on the measured rows."""
    if isinstance(trained, str):
        return unmeasured(run.task, f"the training rows cannot be had: {trained}")
    if trained is rows:
        return unmeasured(run.task, "the measured rows are the training rows")
    return measure_baselines(run.task, trained, rows, seed=run.config.train.seed, progress=progress)


def _compare(
    simple: Baselines, trained: Split | str, rows: Split, probabilities: FloatArray
) -> str | None:
    """Returns a warning if the network is not better than the baselines on new rows."""
    seen = None if isinstance(trained, str) else find_trained_rows(rows, trained)
    right = np.asarray(probabilities.argmax(axis=1) == rows.labels)
    return warn_on_same_rows(simple, right, seen)


def _worst_mistakes(rows: Split, probabilities: FloatArray) -> IntArray:
    """Returns positions of wrong predictions, by falling probability."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != rows.labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:_WORST]


def _mistake(rows: Split, probabilities: FloatArray, position: int, run: Run) -> Mistake:
    return Mistake(
        origin=rows.inputs.origin(position),
        label=run.labels[rows.labels[position]],
        predicted=run.labels[probabilities[position].argmax()],
        probability=float(probabilities[position].max()),
        text=str(rows.inputs.raw(position)) if run.task == "text" else None,
    )
