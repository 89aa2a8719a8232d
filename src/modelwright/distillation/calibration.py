"""How far a teacher's probabilities are from the truth, so that the student learns better ones."""

from __future__ import annotations

import numpy as np

from modelwright.core.types import FloatArray, IntArray, Progress
from modelwright.distillation.image_answers import answer_images
from modelwright.distillation.material import Material
from modelwright.distillation.teacher import Teacher

_BOUNDS = (0.1, 10.0)
_SMALLEST = 1e-7
_SPREAD = 0.5
"""Standard deviation of the log of a temperature, as far as no row says anything about it."""


def calibrate(teacher: Teacher, material: Material, progress: Progress | None) -> float | None:
    """Returns the temperature of a teacher of images on the validation rows; None without any."""
    rows = material.data.splits.get("val")
    if rows is None or not len(rows):
        return None
    probabilities, _ = answer_images(teacher, rows.inputs, material.data.labels, progress)
    return fit_temperature(probabilities, rows.labels)


def fit_temperature(probabilities: FloatArray, labels: IntArray) -> float:
    """Returns the most probable temperature, from 0.1 to 10; near 1 if there are few rows.

    Log-probabilities are divided by it: below 1 for a network that is surer than it says, such as
    one that was trained with label smoothing. Guo et al., "On Calibration of Modern Neural
    Networks" (arXiv:1706.04599).

    Args:
        probabilities: ``[n, classes]``.
        labels: class of each row, ``[n]``.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logs = np.log(np.maximum(probabilities.astype(np.float64), _SMALLEST))
    at = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logs / np.exp(log_temperature), axis=1)
        return float(0.5 * (log_temperature / _SPREAD) ** 2 - scaled[at, labels].sum())

    low, high = np.log(_BOUNDS)
    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded").x))
