"""The comparison of a teacher and its student on held-out rows, and what it warns of."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import Progress, Split
from modelwright.distillation.labeling import Labeling
from modelwright.distillation.material import Material
from modelwright.distillation.report import Measured
from modelwright.distillation.teacher import Teacher
from modelwright.runs.rows import reload_data
from modelwright.runs.run import load_run
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.soft_labels import text_digests
from modelwright.training.train import train
from modelwright.training.train_report import TrainReport


def compare(
    report: TrainReport,
    config: Config,
    material: Material,
    labeling: Labeling,
    *,
    baseline: bool,
    progress: Progress | None,
) -> tuple[Measured, ...]:
    """Measures teacher, student, and the student from labels alone, on the same held-out rows."""
    if not material.measured or report.status != "finished":
        return ()
    rows = material.measured[1]
    start = len(material.data.splits["train"])
    theirs = labeling.probabilities[start : start + len(rows)]
    found = [
        Measured("teacher", compute_metrics(theirs, rows.labels)),
        Measured("student", _run_metrics(report.run, rows, progress)),
    ]
    if baseline:
        with tempfile.TemporaryDirectory(prefix="modelwright-") as temporary:
            alone = _labels_alone(config)
            if progress:
                progress("training on the labels alone, for comparison", 0, 0)
            other = train(alone, out=Path(temporary) / "run", progress=progress)
            if other.status != "finished":
                raise KeyboardInterrupt
            found.append(
                Measured("the same from labels alone", _run_metrics(other.run, rows, progress))
            )
    return tuple(found)


def _labels_alone(config: Config) -> Config:
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"unlabelled": []}),
            "train": config.train.model_copy(update={"tensorboard": False}),
        }
    )


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
    by_name = {one.name: one.metrics.accuracy for one in measured}
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
    known = {row.tobytes() for row in text_digests(theirs.splits["train"].inputs)}
    rows = material.measured[1]
    seen = sum(row.tobytes() in known for row in text_digests(rows.inputs))
    if not seen:
        return ""
    return (
        f"the teacher was trained on {seen:,} of the {len(rows):,} held-out rows, so the figures"
        " of teacher and student are too high; hold out other rows"
    )
