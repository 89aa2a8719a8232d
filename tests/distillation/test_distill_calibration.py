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


def test_answers_that_are_never_wrong_are_made_as_sure_as_the_bound_allows() -> None:
    answers = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert fit_temperature(answers, np.array([0, 1])) == pytest.approx(0.1, rel=0.01)
