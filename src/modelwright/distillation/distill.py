"""Distill: a student learns a teacher's answers, to labeled rows and to unlabeled texts.

The student is an ordinary run: it is evaluated, exported and served as every other, and needs the
teacher no more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from modelwright.core.cache import cache_folder
from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.files import explained_refusals
from modelwright.core.types import FloatArray, Progress, Rows
from modelwright.distillation.comparison import Comparison, compare, find_warnings
from modelwright.distillation.encoder import EncoderOptions
from modelwright.distillation.image_answers import label_images
from modelwright.distillation.labeling import Labeling, label
from modelwright.distillation.material import Material, load_material
from modelwright.distillation.outputs import Output, decide_output, order_columns
from modelwright.distillation.report import DistillReport, TeacherFigures
from modelwright.distillation.settings import check_distillable
from modelwright.distillation.stored_scores import Scores, score_texts
from modelwright.distillation.teacher import Teacher, TextFunction, open_teacher
from modelwright.distillation.teaching import check_teacher, teach
from modelwright.training.soft_labels import text_digests
from modelwright.training.train import train


@dataclass(frozen=True)
class Distilling:
    """How the teacher is read, and what is measured."""

    output: Output = "auto"
    """What a function returns: class probabilities, or vectors for a logistic regression."""
    baseline: bool = True
    """Whether the same student is also trained from the labels alone, for comparison."""
    cache: Path | None = None
    """Folder of the stored scores; ``teachers`` in the cache of Modelwright by default."""
    encoder: EncoderOptions = field(default_factory=EncoderOptions)
    """How a sentence encoder is used; what its folder says by default."""
    weight: float | None = None
    """Share of the teacher's answers in what is learned of labeled rows, 0 to below 1."""
    temperature: float | None = None
    """Softens the answers of a network to images; both are divided by it before they compare."""
    seeds: int = 1
    """Trainings of the student, and of the same from labels alone, that are compared."""


def distill(
    teacher: Path | str | TextFunction,
    config: Config,
    *,
    options: Distilling | None = None,
    out: Path | str | None = None,
    notes: Sequence[str] = (),
    progress: Progress | None = None,
) -> DistillReport:
    """Trains a student on labels and on a teacher's answers.

    Args:
        teacher: a run, a servable, a sentence encoder, ``package.module:function``, or a function.
        config: the student's settings, with unlabeled texts as ``data.unlabelled``, if any.
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
    options = options or Distilling()
    _check_numbers(options)
    check_distillable(config)
    _check_folder(out)
    material = load_material(config, progress)
    with _quiet_tensorflow():
        opened = open_teacher(teacher, options.encoder, material.data.task)
        check_teacher(opened, material)
        if opened.labels is not None:
            order_columns(material.data.labels, opened.labels, opened.name)
        scores, labeling = _answer(opened, material, options, progress)
        teaching = teach(
            opened,
            config,
            material,
            labeling,
            weight=options.weight,
            temperature=options.temperature,
            progress=progress,
        )
        report = train(
            config,
            out=out,
            extras=teaching.extras,
            notes=(*notes, *material.notes, *opened.notes),
            progress=progress,
        )
        rows = compare(
            Comparison(opened, config, material, labeling, teaching.extras),
            report,
            seeds=options.seeds,
            baseline=options.baseline,
            progress=progress,
        )
        warnings = find_warnings(opened, labeling, material, rows, progress)
    theirs = labeling.probabilities[len(labeling.probabilities) - len(material.unlabeled) :]
    return DistillReport(
        run=report.run,
        status=report.status,
        teacher=TeacherFigures.of(opened, labeling),
        unlabeled=len(material.unlabeled),
        shares=_shares(theirs, material.data.labels) if len(theirs) else {},
        stored=scores.stored if scores else 0,
        split=material.measured[0] if material.measured else None,
        measured=rows,
        notes=(*report.notes, *([scores.note] if scores and scores.note else [])),
        warnings=(*report.warnings, *warnings),
        next=report.next,
        how=teaching.how,
    )


def _answer(
    teacher: Teacher, material: Material, options: Distilling, progress: Progress | None
) -> tuple[Scores | None, Labeling]:
    """Returns the teacher's answers to all rows; those to texts with how many were stored."""
    if material.data.task == "text":
        return _label(teacher, material, options, progress)
    if options.output == "vectors":
        raise ConfigError(
            "--output was given 'vectors', but a teacher of images must return class probabilities;"
            " expected 'probabilities' or 'auto'. Leave it out."
        )
    return None, label_images(teacher, material, progress)


@contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Silences TensorFlow's warnings of several networks in one process, which are wanted here."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _check_numbers(options: Distilling) -> None:
    """Refuses numbers that mean nothing."""
    checks = [
        ("weight", options.weight, "a number from 0 to below 1"),
        ("temperature", options.temperature, "a number above 0, up to 100"),
        ("seeds", options.seeds, "an integer from 1 to 20"),
    ]
    fits = (
        options.weight is None or 0 <= options.weight < 1,
        options.temperature is None or 0 < options.temperature <= 100,
        1 <= options.seeds <= 20,
    )
    for (name, value, expected), good in zip(checks, fits, strict=True):
        if not good:
            raise ConfigError(f"'{name}' was given {value}; expected {expected}.")


def _check_folder(out: Path | str | None) -> None:
    """Refuses a folder that the training would refuse, before hours of scoring."""
    path = Path(out) if out else None
    if path and path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(
            f"the run folder {path} exists and is not empty; choose another with --out. A student"
            f" whose training was stopped goes on with: modelwright train --resume {path}."
        )


def _label(
    teacher: Teacher, material: Material, options: Distilling, progress: Progress | None
) -> tuple[Scores, Labeling]:
    """Scores and labels all texts: labeled rows, held-out rows, unlabeled rows."""
    groups: list[Rows] = [material.data.splits["train"].inputs]
    if material.measured:
        groups.append(material.measured[1].inputs)
    groups.append(material.unlabeled)
    texts = [text for rows in groups for text in rows.take(np.arange(len(rows)))]
    digests = np.concatenate([text_digests(rows) for rows in groups])
    folder = options.cache or cache_folder() / "teachers"
    output = _read_as(teacher, options.output)

    def check(scores: FloatArray) -> None:
        if teacher.labels is None:
            decide_output(scores, material.data.labels, output, teacher.name)

    with explained_refusals(folder):
        found = score_texts(teacher, texts, digests, folder, first=check, progress=progress)
    targets, labels = material.data.splits["train"].labels, material.data.labels
    return found, label(teacher, found.values, texts, targets, labels, output)


def _read_as(teacher: Teacher, output: Output) -> Output:
    """Returns what a teacher's scores are: those of a sentence encoder are vectors."""
    if teacher.kind != "encoder":
        return output
    if output == "probabilities":
        raise ConfigError(
            f"--output was given 'probabilities', but the teacher {teacher.name} is a sentence"
            " encoder, which gives vectors; expected 'vectors' or 'auto'. Leave it out."
        )
    return "vectors"


def _shares(probabilities: FloatArray, labels: Sequence[str]) -> dict[str, float]:
    """Returns the share of texts that the teacher puts into each class."""
    counts = np.bincount(probabilities.argmax(axis=1), minlength=len(labels))
    return {name: count / len(probabilities) for name, count in zip(labels, counts, strict=True)}
