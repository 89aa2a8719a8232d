"""Distill: a teacher labels unlabeled texts softly, and a student learns from them.

The student is an ordinary run: it is evaluated, exported and served as every other, and needs the
teacher no more.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.cache import cache_folder
from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.files import explained_refusals
from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.core.types import Dataset, FloatArray, Progress, Rows, Split
from modelwright.data.digests import Digests
from modelwright.data.load import load_data
from modelwright.distillation.labeling import Labeling, label
from modelwright.distillation.outputs import Output, decide_output, order_columns
from modelwright.distillation.report import DistillReport, Measured, TeacherFigures
from modelwright.distillation.settings import check_distillable
from modelwright.distillation.stored_scores import Scores, score_texts
from modelwright.distillation.teacher import Teacher, TextFunction, open_teacher
from modelwright.runs.rows import held_out, reload_data
from modelwright.runs.run import load_run
from modelwright.training.extras import Extras
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.soft_labels import SoftLabels, SomeRows, text_digests
from modelwright.training.train import TrainReport, train


@dataclass(frozen=True)
class Distilling:
    """How the teacher is read, and what is measured."""

    output: Output = "auto"
    """What a function returns: class probabilities, or vectors for a logistic regression."""
    baseline: bool = True
    """Whether the same student is also trained from the labels alone, for comparison."""
    cache: Path | None = None
    """Folder of the stored scores; ``teachers`` in the cache of Modelwright by default."""


@dataclass(frozen=True)
class _Material:
    """The rows of a distillation, and the teacher's probabilities of them.

    Attributes:
        data: the labeled rows.
        unlabeled: the unlabeled texts that the student learns from.
        digests: their content hashes.
        measured: the held-out split with its name; None if nothing is held out.
        notes: what was left out.
    """

    data: Dataset
    unlabeled: Rows
    digests: Digests
    measured: tuple[str, Split] | None
    notes: tuple[str, ...]


def distill(
    teacher: Path | str | TextFunction,
    config: Config,
    *,
    options: Distilling | None = None,
    out: Path | str | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> DistillReport:
    """Trains a student on labeled rows, and on unlabeled texts with a teacher's probabilities.

    Args:
        teacher: a run, a servable, ``package.module:function``, or a function.
        config: the student's settings, with the unlabeled texts as ``data.unlabelled``.
        options: how the teacher is read, and what is measured.
        out: the student's run folder; ``runs/NAME-TIME`` by default.
        notes: decisions that led to the config, for the report.
        progress: called with each step.

    Raises:
        ConfigError: the teacher or the settings cannot be used.
        DataError: the data cannot be used.
        RunError: a run cannot be used, or the student's folder is not empty.
        ServableError: the servable cannot be used.
        WriteError: the scores or the run cannot be written.
    """
    # TensorFlow warns of several networks in one process, which is what is wanted here.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    options = options or Distilling()
    check_distillable(config)
    _check_folder(out)
    material = _load(config, progress)
    opened = open_teacher(teacher)
    if opened.labels is not None:
        order_columns(material.data.labels, opened.labels, opened.name)
    scores, texts = _score(opened, material, options, progress)
    labels = material.data.labels
    targets = material.data.splits["train"].labels
    labeling = label(opened, scores.values, texts, targets, labels, options.output)
    soft = SoftLabels(
        opened.name, material.digests, labeling.probabilities[-len(material.unlabeled) :]
    )
    report = train(
        config,
        out=out,
        extras=Extras(soft_labels=soft),
        notes=(*notes, *material.notes),
        progress=progress,
    )
    rows = _measure(report, config, material, labeling, options, progress)
    return DistillReport(
        run=report.run,
        status=report.status,
        teacher=TeacherFigures.of(opened, labeling),
        unlabeled=len(material.unlabeled),
        shares=_shares(soft.probabilities, labels),
        stored=scores.stored,
        split=material.measured[0] if material.measured else None,
        measured=rows,
        notes=(*report.notes, *([scores.note] if scores.note else [])),
        warnings=(
            *report.warnings,
            *_warnings(opened, labeling, material, rows, progress),
        ),
        next=report.next,
    )


def _check_folder(out: Path | str | None) -> None:
    """Refuses a folder that the training would refuse, before hours of scoring."""
    path = Path(out) if out else None
    if path and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(
            f"the run folder {path} exists and is not empty; choose another with --out. A student"
            f" whose training was stopped goes on with: modelwright train --resume {path}."
        )


def _load(config: Config, progress: Progress | None) -> _Material:
    data = load_data(config.data, progress=progress)
    if data.task != "text" or data.unlabelled is None:
        raise DataError(
            f"{data.source} holds {data.task}s; expected texts. Images cannot be distilled."
        )
    digests = text_digests(data.unlabelled)
    known = {row.tobytes() for row in text_digests(data.splits["train"].inputs)}
    fresh = np.array([row.tobytes() not in known for row in digests], np.bool_)
    notes: tuple[str, ...] = ()
    if not fresh.all():
        left = f"{int((~fresh).sum()):,} unlabeled texts are also labeled training rows, and are"
        notes = (f"{left} left out: their labels are known",)
    if not fresh.any():
        raise DataError(
            f"all {len(fresh):,} unlabeled texts are also labeled training rows; expected other"
            " texts. Give more with --unlabeled."
        )
    kept = SomeRows(data.unlabelled, np.flatnonzero(fresh))
    return _Material(data, kept, digests[fresh], held_out(data), notes)


def _score(
    teacher: Teacher, material: _Material, options: Distilling, progress: Progress | None
) -> tuple[Scores, list[str]]:
    """Returns the scores of all texts: labeled rows, held-out rows, unlabeled rows."""
    groups: list[Rows] = [material.data.splits["train"].inputs]
    if material.measured:
        groups.append(material.measured[1].inputs)
    groups.append(material.unlabeled)
    texts = [text for rows in groups for text in rows.take(np.arange(len(rows)))]
    digests = np.concatenate([text_digests(rows) for rows in groups])
    folder = options.cache or cache_folder() / "teachers"

    def check(scores: FloatArray) -> None:
        if teacher.labels is None:
            decide_output(scores, material.data.labels, options.output, teacher.name)

    with explained_refusals(folder):
        found = score_texts(teacher, texts, digests, folder, first=check, progress=progress)
    return found, texts


def _measure(
    report: TrainReport,
    config: Config,
    material: _Material,
    labeling: Labeling,
    options: Distilling,
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
    if options.baseline:
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


def _shares(probabilities: FloatArray, labels: Sequence[str]) -> dict[str, float]:
    """Returns the share of texts that the teacher puts into each class."""
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(labels))
    return {name: count / len(probabilities) for name, count in zip(labels, counts, strict=True)}


def _warnings(
    teacher: Teacher,
    labeling: Labeling,
    material: _Material,
    measured: Sequence[Measured],
    progress: Progress | None,
) -> list[str]:
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


def _seen_by_teacher(teacher: Teacher, material: _Material, progress: Progress | None) -> str:
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
