"""The comparison of a teacher and its student on held-out rows, and what it warns of."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import Progress, Split
from modelwright.distillation.labeling import Labeling
from modelwright.distillation.material import Material
from modelwright.distillation.report import Measured
from modelwright.distillation.teacher import Teacher, open_teacher
from modelwright.runs.rows import reload_data
from modelwright.runs.run import load_run
from modelwright.training.extras import Extras
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.soft_labels import row_digests
from modelwright.training.train import train
from modelwright.training.train_report import TrainReport

_WARM_UP, _TIMED = 3, 15


@dataclass(frozen=True)
class Comparison:
    """What a comparison needs to train the student again: with other seeds, and from labels alone.

    Attributes:
        teacher: the teacher.
        config: the student's settings.
        material: the rows.
        labeling: the teacher's answers.
        extras: what the student's training got of the teacher.
    """

    teacher: Teacher
    config: Config
    material: Material
    labeling: Labeling
    extras: Extras


def compare(
    setup: Comparison,
    report: TrainReport,
    *,
    seeds: int,
    baseline: bool,
    progress: Progress | None,
) -> tuple[Measured, ...]:
    """Measures teacher, student, and the student from labels alone, on the same held-out rows.

    Args:
        setup: what was trained.
        report: the report of the student's training, whose seed is the first one.
        seeds: trainings of each student.
        baseline: whether the student from labels alone is trained.
        progress: called with each step.
    """
    if not setup.material.measured or report.status != "finished":
        return ()
    rows = setup.material.measured[1]
    start = len(setup.material.data.splits["train"])
    theirs = compute_metrics(setup.labeling.probabilities[start : start + len(rows)], rows.labels)
    found = [measured_model("teacher", setup.teacher, [theirs], rows)]
    others = range(1, seeds)
    with tempfile.TemporaryDirectory(prefix="modelwright-") as temporary:
        folder = Path(temporary)

        def again(name: str, config: Config, extras: Extras | None, seed: int) -> Path:
            if progress:
                progress(f"training {name}, for comparison", 0, 0)
            more = train(
                _with_seed(config, seed),
                out=folder / f"{name}-{seed}".replace(" ", "-"),
                extras=extras,
                baselines=False,
                progress=progress,
            )
            if more.status != "finished":
                raise KeyboardInterrupt
            return more.run

        name = "the student"
        runs = [report.run, *(again(name, setup.config, setup.extras, seed) for seed in others)]
        found.append(_measure("student", runs, rows, progress))
        if baseline:
            alone, name = _labels_alone(setup.config), "on the labels alone"
            runs = [again(name, alone, None, seed) for seed in range(seeds)]
            found.append(_measure("the same from labels alone", runs, rows, progress))
    return tuple(found)


def measured_model(
    name: str, model: Teacher, metrics: Sequence[ClassificationMetrics], rows: Split
) -> Measured:
    """Returns the figures of a model with its size and its latency."""
    return Measured(
        name, metrics[0], tuple(metrics), model.parameters, model.size, _latency(model, rows)
    )


def _measure(name: str, runs: Sequence[Path], rows: Split, progress: Progress | None) -> Measured:
    metrics = [_run_metrics(run, rows, progress) for run in runs]
    return measured_model(name, open_teacher(runs[0]), metrics, rows)


def _latency(model: Teacher, rows: Split) -> float | None:
    """Returns the median milliseconds of single rows; None for a function, which may cost money."""
    if model.kind == "function" or not len(rows):
        return None
    spent = []
    for number in range(_WARM_UP + _TIMED):
        row = rows.inputs.take(np.array([number % len(rows)]))
        started = time.perf_counter()
        (model.answer_one or model.score)(row)
        spent.append(1000 * (time.perf_counter() - started))
    return float(np.median(spent[_WARM_UP:]))


def _with_seed(config: Config, more: int) -> Config:
    seed = config.train.seed + more
    train = config.train.model_copy(update={"seed": seed, "tensorboard": False})
    return config.model_copy(update={"train": train})


def _labels_alone(config: Config) -> Config:
    return config.model_copy(update={"data": config.data.model_copy(update={"unlabelled": []})})


def _run_metrics(path: Path, rows: Split, progress: Progress | None) -> ClassificationMetrics:
    run = load_run(path)
    classifier = NetworkClassifier(run.network(), run.tokenizer())
    return compute_metrics(classifier.classify_rows(rows.inputs, progress), rows.labels)


def find_warnings(
    teacher: Teacher,
    labeling: Labeling,
    material: Material,
    measured: Sequence[Measured],
    progress: Progress | None,
) -> list[str]:
    """Returns what the figures do not show of themselves."""
    found = []
    if labeling.labeled.accuracy <= labeling.labeled.majority_accuracy:
        order = (
            ""
            if teacher.labels or labeling.output == "vectors"
            else f" Are its columns in the order {', '.join(material.data.labels)}?"
        )
        found.append(
            "the teacher is no better on the labeled rows than always naming their most frequent"
            f" class.{order}"
        )
    by_name = {one.name: one.accuracy for one in measured}
    alone = by_name.get("the same from labels alone")
    if alone is not None and by_name["student"] < alone:
        found.append(
            "the student is worse on the held-out rows than the same recipe trained on the labels"
            " alone"
        )
    if reason := _seen_by_teacher(teacher, material, progress):
        found.append(reason)
    return found


def _seen_by_teacher(teacher: Teacher, material: Material, progress: Progress | None) -> str:
    """Returns a warning if held-out rows are training rows of the teacher."""
    if teacher.config is None or teacher.place is None or material.measured is None:
        return ""
    try:
        theirs = reload_data(teacher.config.data, teacher.data, teacher.place, progress)
    except (ConfigError, DataError) as error:
        return f"whether the teacher was trained on held-out rows is not checked: {error}"
    known = {row.tobytes() for row in row_digests(theirs.splits["train"])}
    rows = material.measured[1]
    seen = sum(row.tobytes() in known for row in row_digests(rows))
    if not seen:
        return ""
    return (
        f"the teacher was trained on {seen:,} of the {len(rows):,} held-out rows, so the figures"
        " of teacher and student are too high; hold out other rows"
    )
