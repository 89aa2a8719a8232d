"""The running figures: those of the last rows of a window, whatever the size of the batches."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.types import FloatArray
from modelwright.monitoring.input_summary import InputSummary
from modelwright.monitoring.running_figures import RunningFigures
from monitoring.small_references import TEXT_VALUES, text_reference


def rows(
    positive: list[float], unknown: float = 0.0, length: float = 10.0
) -> tuple[FloatArray, InputSummary]:
    count = len(positive)
    probabilities = np.array([[1 - p, p] for p in positive], np.float32)
    return probabilities, {"unknown": np.full(count, unknown), "length": np.full(count, length)}


def test_figures_of_the_rows_of_the_reference_have_distance_0() -> None:
    figures = RunningFigures(text_reference(), 10)
    confidence = TEXT_VALUES["confidence"]
    probabilities = np.array([[c, 1 - c] if at == 0 else [1 - c, c]
                              for at, c in enumerate(confidence)], np.float32)  # fmt: skip
    figures.add(probabilities, {k: np.array(TEXT_VALUES[k]) for k in ("unknown", "length")})
    found = figures.figures()
    assert found["rows"] == 4
    assert found["classes_distance"] == found["unknown_distance"] == 0
    assert found["length_distance"] == 0
    assert found["unknown_mean"] == pytest.approx(0.0875)
    assert figures.class_shares() == {"neg": 0.25, "pos": 0.75}


def test_a_window_without_rows_has_no_figures() -> None:
    figures = RunningFigures(text_reference(), 3)
    figures.add(np.zeros((0, 2), np.float32), {"unknown": np.zeros(0), "length": np.zeros(0)})
    assert figures.figures() == {"rows": 0.0}
    assert figures.class_shares() == {"neg": 0.0, "pos": 0.0}


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 40])
def test_only_the_last_rows_count(batch: int) -> None:
    random = np.random.default_rng(0)
    positive = random.random(40).tolist()
    unknown, lengths = random.random(40), random.integers(1, 500, 40).astype(float)
    figures = RunningFigures(text_reference(), 7)
    for start in range(0, 40, batch):
        part = slice(start, start + batch)
        probabilities, _ = rows(positive[part])
        figures.add(probabilities, {"unknown": unknown[part], "length": lengths[part]})
    alone = RunningFigures(text_reference(), 100)
    alone.add(rows(positive[-7:])[0], {"unknown": unknown[-7:], "length": lengths[-7:]})
    assert figures.figures() == pytest.approx(alone.figures())
    assert figures.class_shares() == alone.class_shares()
    assert figures.figures()["unknown_mean"] == pytest.approx(unknown[-7:].mean())


def test_distances_are_those_that_a_person_computes() -> None:
    figures = RunningFigures(text_reference(), 10)
    figures.add(*rows([0.1, 0.1, 0.1, 0.1], unknown=0.5, length=10.0))
    found = figures.figures()
    assert found["classes_distance"] == pytest.approx(0.75)  # from one to four of four are "neg"
    assert found["unknown_distance"] == 1.0
    assert found["length_distance"] == 0.5


def test_a_window_of_no_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="window was given 0"):
        RunningFigures(text_reference(), 0)
