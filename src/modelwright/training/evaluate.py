"""Evaluation: measures a run's best weights on held-out rows and writes the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from modelwright.core.config import DataConfig
from modelwright.core.measure import measure
from modelwright.core.types import FloatArray, IntArray, Progress, Split, SplitName
from modelwright.data.load import LoadedRows, load_split
from modelwright.runs.rows import reload_data, split_of
from modelwright.runs.run import Run, load_run
from modelwright.training.evaluation_files import write_evaluation
from modelwright.training.evaluation_report import EvaluateReport, Mistake
from modelwright.training.negation import measure_negation
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.runtime import make_deterministic

_WORST = 20


def evaluate(
    path: Path | str,
    *,
    data: DataConfig | str | Path | None = None,
    split: SplitName = "test",
    tta: bool = False,
    progress: Progress | None = None,
) -> EvaluateReport:
    """Measures a run's best weights, and writes the result to its ``evaluations`` folder.

    Args:
        path: the run's folder.
        data: other rows than the run's, all of which are measured. Columns are found as in the
            run.
        split: the split of the run's rows to measure, without ``data``.
        tta: whether to use test-time augmentation: the mean prediction over mirrored and shifted
            copies.
        progress: called with each step.

    Raises:
        RunError: the run cannot be used.
        DataError: the rows cannot be used, or have labels that the model does not know.
        ConfigError: ``tta`` is set for a model that was not trained on mirrored images.
    """
    run = load_run(path)
    make_deterministic(run.config.train.seed)
    network = run.network(tta=tta)
    loaded, source = _load_rows(run, data, split, progress)
    rows = loaded.split
    tokenizer = run.tokenizer()
    measured = measure(NetworkClassifier(network, tokenizer), rows, progress)
    # Other data never gets the name of a split, so it never replaces the run's own results.
    name = split if data is None else f"data-{Path(source).stem}"
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
        slices=measure_negation(run.labels, network, tokenizer, rows),
    )
    write_evaluation(report, rows, measured.probabilities, worst)
    return report


def _load_rows(
    run: Run, data: DataConfig | str | Path | None, split: SplitName, progress: Progress | None
) -> tuple[LoadedRows, str]:
    """Returns the rows to measure, and the name of their source."""
    if data is None:
        dataset = reload_data(run.config.data, run.data, run.path, progress)
        return LoadedRows(split_of(dataset, split), (), ()), f"{dataset.source}, {split}"
    if not isinstance(data, DataConfig):
        # The folders that the settings name are those of the source that the run was trained on.
        folders: dict[str, list[str]] = {
            key: [] for key in ("train_folder", "val_folder", "test_folder", "skip")
        }
        update = {"source": str(data), "limit": None, **folders}
        data = run.config.data.model_copy(update=update)
    rows = load_split(data, labels=run.labels, shape=run.shape, task=run.task, progress=progress)
    return rows, str(data.source)


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
