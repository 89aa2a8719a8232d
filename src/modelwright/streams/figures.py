"""What a model gained and forgot, from its figures after each step on each domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from modelwright.core.types import FloatArray, IntArray

Matrix = npt.NDArray[np.float64]
"""Figures ``[steps, domains]``: after step i, on the test rows of the domain of step j."""


@dataclass(frozen=True)
class StreamFigures:
    """The figures of one line of networks. All are shares, from -1 to 1.

    Attributes:
        average: mean over all domains at the end.
        learned: mean over all domains right after each was learned.
        forgetting: mean over the domains but the last: the best figure from when the domain was
            learned until before the last step, minus that at the end (Chaudhry et al. 2018).
        backward: mean over the domains but the last: the figure at the end minus that right after
            the domain was learned (Lopez-Paz and Ranzato 2017).
        forward: mean over the domains but the first: the figure right before the domain is learned
            minus that of the most frequent class (Lopez-Paz and Ranzato 2017, with the most
            frequent class in place of a network that learned nothing).
        decay: what is lost of the figures right after learning, ``-backward``.
    """

    average: float
    learned: float
    forgetting: float
    backward: float
    forward: float

    @property
    def decay(self) -> float:
        """What is lost of the figures right after learning."""
        return -self.backward


def stream_figures(matrix: Matrix, uninformed: npt.NDArray[np.float64]) -> StreamFigures:
    """Returns the figures of a matrix of at least two steps.

    Args:
        matrix: ``[steps, domains]``; the domains are in the order in which they were learned.
        uninformed: the figure of the most frequent class on each domain ``[domains]``.
    """
    steps = len(matrix)
    last, learned = matrix[-1, :-1], np.diag(matrix)[:-1]
    best = [matrix[step : steps - 1, step].max() for step in range(steps - 1)]
    before = np.array([matrix[step - 1, step] for step in range(1, steps)])
    return StreamFigures(
        average=float(matrix[-1].mean()),
        learned=float(np.diag(matrix).mean()),
        forgetting=float(np.mean(best - last)),
        backward=float(np.mean(last - learned)),
        forward=float(np.mean(before - uninformed[1:])),
    )


def macro_f1_present(labels: IntArray, predicted: IntArray) -> float:
    """Returns the mean F1 of the classes that occur among the labels.

    A class that is only predicted counts against the precision of none of them, but each row that
    gets it is missing from the recall of its own class. With all classes present this is the usual
    macro-F1.
    """
    classes = int(max(labels.max(), predicted.max())) + 1
    hits = np.bincount(labels[labels == predicted], minlength=classes)
    both = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    present = np.unique(labels)
    return float(np.mean(2 * hits[present] / both[present]))


def measure_domains(
    probabilities: FloatArray, labels: IntArray, steps: IntArray
) -> tuple[list[float], list[float]]:
    """Returns macro-F1 and accuracy on the rows of each domain, in the order of the steps.

    Args:
        probabilities: the answers to the test rows of all domains ``[n, known classes]``.
        labels: classes of the rows, which the network may not know yet.
        steps: the step that brings the domain of each row.
    """
    predicted = probabilities.argmax(axis=1)
    groups = [np.flatnonzero(steps == step) for step in range(int(steps.max()) + 1)]
    f1 = [macro_f1_present(labels[rows], predicted[rows]) for rows in groups]
    return f1, [float((labels[rows] == predicted[rows]).mean()) for rows in groups]


def uninformed_f1(labels: IntArray, steps: IntArray) -> list[float]:
    """Returns the macro-F1 of the most frequent class on the rows of each domain."""
    found = []
    for step in range(int(steps.max()) + 1):
        own = labels[steps == step]
        most = np.full(len(own), np.bincount(own).argmax())
        found.append(macro_f1_present(own, most))
    return found
