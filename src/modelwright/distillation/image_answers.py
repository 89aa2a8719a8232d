"""A teacher's answers to labeled images, in the order of the data's classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.metrics import compute_metrics
from modelwright.core.types import FloatArray, Progress, Rows
from modelwright.distillation.labeling import Labeling
from modelwright.distillation.material import Material
from modelwright.distillation.outputs import check_probabilities, check_scores, order_columns
from modelwright.distillation.teacher import Teacher

_BATCH = 256


def label_images(teacher: Teacher, material: Material, progress: Progress | None) -> Labeling:
    """Returns the answers to the training images, then to the held-out ones.

    Raises:
        ConfigError: the answers are not probabilities of the data's classes.
    """
    train, labels = material.data.splits["train"], material.data.labels
    groups: list[Rows] = [train.inputs]
    if material.measured:
        groups.append(material.measured[1].inputs)
    answers = [answer_images(teacher, rows, labels, progress) for rows in groups]
    probabilities = np.concatenate([found for found, _ in answers])
    figures = compute_metrics(probabilities[: len(train)], train.labels)
    return Labeling("probabilities", probabilities, figures, False, answers[0][1])


def answer_images(
    teacher: Teacher, rows: Rows, labels: Sequence[str], progress: Progress | None
) -> tuple[FloatArray, str]:
    """Returns the probabilities of the data's classes ``[n, classes]``, and how they were made.

    Raises:
        ConfigError: the answers are not probabilities of the data's classes.
    """
    found = _answers(teacher, rows, progress)
    names = [f"image {row + 1}" for row in range(len(found))]
    if teacher.labels is not None:
        found = found[:, order_columns(labels, teacher.labels, teacher.name)]
        how = "its own probabilities"
    else:
        how = f"its own probabilities, columns taken as {', '.join(labels)}"
    if found.shape[1] != len(labels):
        raise ConfigError(
            f"the teacher '{teacher.name}' returned {found.shape[1]} columns, but the data has"
            f" {len(labels)} classes ({', '.join(labels)}); expected one probability for each"
            " class, in this order."
        )
    return check_probabilities(found, names, teacher.name), how


def _answers(teacher: Teacher, rows: Rows, progress: Progress | None) -> FloatArray:
    found = []
    for start in range(0, len(rows), _BATCH):
        images = rows.take(np.arange(start, min(start + _BATCH, len(rows))))
        names = [rows.origin(start + row) for row in range(len(images))]
        found.append(check_scores(teacher.score(images), names, teacher.name, "image"))
        if progress:
            progress("the teacher answers images", start + len(images), len(rows))
    return np.concatenate(found)
