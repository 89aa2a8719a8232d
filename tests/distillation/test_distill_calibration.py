"""The temperature at which a teacher's probabilities are right."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.distillation.calibration import fit_temperature


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_of_answers_with_known_truth_is_found(temperature: float) -> None:
    generator = np.random.default_rng(0)
    true = generator.dirichlet(np.full(5, 0.4), 20_000)
    labels = (true.cumsum(axis=1) > generator.random((20_000, 1))).argmax(axis=1)
    given = np.maximum(true, 1e-7) ** temperature  # what divides by the temperature undoes
    given /= given.sum(axis=1, keepdims=True)
    assert fit_temperature(given.astype(np.float32), labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize(("rows", "low", "high"), [(2, 0.8, 1.0), (30, 0.3, 0.8), (5000, 0.1, 0.3)])
def test_a_few_right_answers_change_little(rows: int, low: float, high: float) -> None:
    answers = np.tile(np.array([[0.8, 0.2]], np.float32), (rows, 1))
    assert low < fit_temperature(answers, np.zeros(rows, np.int64)) < high
