"""Tests of what was counted: the classes of the answers, and the histogram of each quantity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from modelwright.core.terminal import percent
from modelwright.monitoring.calibration import exchange_counts
from modelwright.monitoring.distances import largest_gap, total_variation
from modelwright.monitoring.observation import Observation
from modelwright.monitoring.quantities import (
    BRIGHTNESS,
    CONFIDENCE,
    CONTRAST,
    LENGTH,
    SIZE,
    UNKNOWN,
    count_values,
)
from modelwright.monitoring.reference import Reference
from modelwright.monitoring.shift_test import ShiftTest

CLASSES = "classes"
_SHOWN_CLASSES = 3
_GAP = "largest difference between shares of rows below a value"
_WORDS: dict[str, tuple[str, tuple[str, str], Callable[[float], str]]] = {
    CONFIDENCE: ("the model is {} sure", ("more", "less"), "{:.3f}".format),
    UNKNOWN: ("{} of the tokens are unknown", ("more", "fewer"), partial(percent, digits=1)),
    LENGTH: ("the texts are {}", ("longer", "shorter"), "{:,.0f} characters".format),
    BRIGHTNESS: ("the images are {}", ("brighter", "darker"), "{:.0f} of 255".format),
    CONTRAST: ("the images have {} contrast", ("more", "less"), "{:.0f} of 255".format),
    SIZE: ("the image files are {}", ("larger", "smaller"), "a side of {:.0f} pixels".format),
}
_SAME = {
    CONFIDENCE: "the model is as sure as before",
    UNKNOWN: "as many tokens are unknown",
    LENGTH: "the texts are as long",
    BRIGHTNESS: "the images are as bright",
    CONTRAST: "the images have the same contrast",
    SIZE: "the image files have the same sizes",
}


def compare_classes(reference: Reference, new: Observation, level: float) -> ShiftTest:
    """Compares how often each class is the answer.

    Where only the mix of classes changed, this is the test of black-box shift detection (Lipton et
    al. 2018, Rabanser et al. 2019).
    """
    counts = new.class_counts()
    result = exchange_counts(reference.class_counts, counts, total_variation, level)
    before, after = reference.class_shares, counts / len(new)
    order = np.argsort(-np.abs(after - before), kind="stable")[:_SHOWN_CLASSES]
    shown = ", ".join(
        f"'{reference.labels[at]}' {percent(after[at], 1)} (reference {percent(before[at], 1)})"
        for at in order
    )
    if result.exceeded:
        words = f"{percent(result.statistic, 1)} of the answers moved to other classes: {shown}"
    else:
        words = f"the answers have the same mix of classes: {shown}"
    return ShiftTest(CLASSES, "share of answers that moved", result, words)


def compare_quantity(name: str, reference: Reference, new: Observation, level: float) -> ShiftTest:
    """Compares the histogram of one quantity by the Kolmogorov-Smirnov distance."""
    before, values = reference.quantities[name], new.values[name]
    result = exchange_counts(before.counts, count_values(values, before.edges), largest_gap, level)
    mean = float(values.mean())
    sentence, (more, less), number = _WORDS[name]
    figures = f"{number(mean)} on average, reference {number(before.mean)}"
    if not result.exceeded:
        said = _SAME[name]
    elif number(mean) == number(before.mean):
        said = "the mean is the same, but not the spread"
    else:
        said = sentence.format(more if mean > before.mean else less)
    return ShiftTest(name, _GAP, result, f"{said}: {figures}")
