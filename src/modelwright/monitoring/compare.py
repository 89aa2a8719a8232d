"""Compares new rows with the reference of a model: all tests, at one level together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.errors import DataError
from modelwright.monitoring.calibration import FAMILY_LEVEL
from modelwright.monitoring.count_shift import CLASSES, compare_classes, compare_quantity
from modelwright.monitoring.feature_shift import FEATURES, compare_features
from modelwright.monitoring.observation import Observation
from modelwright.monitoring.quantities import CONFIDENCE, QUANTITIES, UNKNOWN
from modelwright.monitoring.reference import Reference
from modelwright.monitoring.shift_test import ShiftTest
from modelwright.monitoring.word_shift import WORDS, compare_words

FEWEST_ROWS = 20
"""With fewer rows on either side, only differences that anybody sees exceed chance."""
_ONLY_HELD_OUT = (CLASSES, CONFIDENCE, UNKNOWN, FEATURES)
"""What a model gets from its training rows as it does not from others."""


@dataclass(frozen=True)
class Comparison:
    """The results of all tests, and why others were not done."""

    tests: tuple[ShiftTest, ...]
    untested: dict[str, str]

    @property
    def drifted(self) -> bool:
        """Whether any test found a difference."""
        return any(test.drifted for test in self.tests)


def compare(reference: Reference, new: Observation, vocabulary: Sequence[str] = ()) -> Comparison:
    """Compares new rows with a reference.

    Each of ``k`` tests has the level ``FAMILY_LEVEL / k`` (Bonferroni), so that all tests together
    give a false alarm at most that often.

    Args:
        reference: the reference of the model.
        new: the observation of the new rows.
        vocabulary: the tokens of the model by their ids.

    Raises:
        DataError: either side has fewer than ``FEWEST_ROWS`` rows.
    """
    check_rows(len(new), "the new data has")
    check_rows(reference.rows, "the reference has")
    untested = _untested(reference, new)
    known = (CLASSES, *QUANTITIES[reference.task], WORDS, FEATURES)
    names = [name for name in known if name not in untested and (name != WORDS or reference.words)]
    level = FAMILY_LEVEL / len(names)
    tests = [_compare_one(name, reference, new, vocabulary, level) for name in names]
    return Comparison(tuple(tests), untested)


def check_rows(rows: int, who: str) -> None:
    """Checks that there are enough rows for a comparison.

    Raises:
        DataError: there are fewer than ``FEWEST_ROWS``.
    """
    if rows < FEWEST_ROWS:
        raise DataError(
            f"{who} {rows} usable row{'' if rows == 1 else 's'}; expected at least {FEWEST_ROWS},"
            " and 200 or more to find small differences."
        )


def _compare_one(
    name: str, reference: Reference, new: Observation, vocabulary: Sequence[str], level: float
) -> ShiftTest:
    if name == CLASSES:
        return compare_classes(reference, new, level)
    if name == WORDS:
        return compare_words(reference, new, vocabulary, level)
    if name == FEATURES and reference.features is not None and new.features is not None:
        return compare_features(reference.features, reference.rows, new.features, level)
    return compare_quantity(name, reference, new, level)


def _untested(reference: Reference, new: Observation) -> dict[str, str]:
    """Returns why some tests cannot be done, by their names."""
    reasons = {}
    if reference.features is None:
        reasons[FEATURES] = "the network has no layer of features before the last one"
    elif new.features is None:
        reasons[FEATURES] = "the features need ONNX Runtime and the ONNX file of the servable"
    elif new.features.shape[1] != len(reference.features.mean):
        reasons[FEATURES] = "the reference has another number of features"
    if not reference.held_out:
        why = "no rows were held out, and a model answers the rows of its training differently"
        reasons |= dict.fromkeys(_ONLY_HELD_OUT, why)
    return reasons
