"""How a student is taught: what it learns of its teacher's answers, and how strongly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.types import Progress
from modelwright.distillation.calibration import calibrate
from modelwright.distillation.labeling import Labeling
from modelwright.distillation.material import Material
from modelwright.distillation.teacher import Teacher
from modelwright.models.builders import check_options
from modelwright.training.extras import Extras
from modelwright.training.soft_labels import SoftLabels, row_digests
from modelwright.training.teacher_loss import TeacherLoss

TEXT_WEIGHT = 0.5
IMAGE_WEIGHT = 0.9
TEMPERATURE = 4.0


@dataclass(frozen=True)
class Teaching:
    """What a training gets of the teacher, and the sentence that says so."""

    extras: Extras
    how: str


def check_teacher(teacher: Teacher, material: Material) -> None:
    """Checks that a teacher takes images like those of the data.

    Raises:
        ConfigError: it does not.
    """
    here = material.data.shape
    if teacher.shape and here and tuple(teacher.shape) != tuple(here):
        side = teacher.shape[0]
        way = ""
        if side == teacher.shape[1] and teacher.shape[2] == here[2]:
            way = f" Resize them with --set data.image_size={side}."
        raise ConfigError(
            f"the teacher {teacher.name} takes images of the shape {tuple(teacher.shape)}, but"
            f" those of {material.data.source} have {tuple(here)}; expected the same.{way}"
        )


def teach(
    teacher: Teacher,
    config: Config,
    material: Material,
    labeling: Labeling,
    *,
    weight: float | None = None,
    temperature: float | None = None,
    progress: Progress | None = None,
) -> Teaching:
    """Returns what the student's training gets.

    Args:
        teacher: the teacher.
        config: the student's settings.
        material: the rows.
        labeling: the teacher's answers to them.
        weight: share of the teacher in what is learned of labeled rows, 0 to below 1; 0.5 by
            default, and 0.9 where the teacher answers each batch.
        temperature: softens both answers where the teacher answers each batch.
        progress: called while the teacher answers validation images.

    Raises:
        ConfigError: a setting has no effect.
    """
    images, network = material.data.task == "image", teacher.place is not None
    options = check_options(config.model)
    if getattr(options, "solved", False):
        if weight or temperature:
            raise ConfigError(
                f"the recipe '{config.recipe}' is solved: it learns the labels of labeled rows, and"
                " the teacher's most probable class of unlabeled texts, so a weight and a"
                " temperature have no effect; leave them out."
            )
        return Teaching(Extras(soft_labels=_soft_labels(teacher, material, labeling)), "")
    if temperature and not (images and network):
        raise ConfigError(
            "a temperature was given, but it softens the answers of a run or a servable to images;"
            " here the teacher's probabilities are learned as they are. Leave it out."
        )
    if images and network and teacher.place:
        share = IMAGE_WEIGHT if weight is None else weight
        softened = temperature or TEMPERATURE
        own = calibrate(teacher, material, progress)
        loss = TeacherLoss(
            teacher.place,
            material.data.labels,
            weight=share,
            temperature=softened,
            calibration=own or 1.0,
        )
        fitted = (
            "no validation rows say whether its probabilities are right"
            if own is None
            else f"its probabilities are calibrated on validation rows first ({own:.2f})"
        )
        return Teaching(
            Extras(extra_loss=loss),
            f"the teacher answers each augmented batch; its answers count {share:g}, the labels"
            f" {1 - share:g}, temperature {softened:g}; {fitted}",
        )
    share = TEXT_WEIGHT if weight is None else weight
    labels = _soft_labels(teacher, material, labeling, share)
    return Teaching(
        Extras(soft_labels=labels),
        f"of labeled rows, the teacher's probabilities count {share:g} and the labels"
        f" {1 - share:g}",
    )


def _soft_labels(
    teacher: Teacher, material: Material, labeling: Labeling, weight: float = 0.0
) -> SoftLabels:
    train = material.data.splits["train"]
    theirs = labeling.probabilities[len(labeling.probabilities) - len(material.unlabeled) :]
    own = None
    if weight:
        # The answers are float32 already where the teacher is a network.
        answers = np.asarray(labeling.probabilities[: len(train)], np.float32)
        own = SoftLabels(teacher.name, row_digests(train), answers)
    return SoftLabels(teacher.name, material.digests, theirs, own, weight)
