from __future__ import annotations

import keras
import numpy as np
import pytest

from modelwright.core.config import TrainConfig
from modelwright.training.optimizers import Triangle, build_optimizer
from modelwright.training.sgd import Sgd


def variable(name: str, value: float) -> keras.Variable:
    return keras.Variable(np.float32(value), name=name)


def test_without_its_additions_it_equals_the_sgd_of_keras() -> None:
    own, reference = variable("kernel", 1.0), variable("kernel", 1.0)
    options = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    one = Sgd(1.0, 0, 10, **options)
    two = keras.optimizers.SGD(nesterov=True, **options)
    for step in range(5):
        gradient = keras.ops.convert_to_tensor(np.float32(step - 1.5))
        one.apply([gradient], [own])
        two.apply([gradient], [reference])
    assert float(own) == float(reference) != 1.0


@pytest.mark.parametrize("name", ["bias", "beta"])
def test_biases_have_their_own_learning_rate(name: str) -> None:
    bias, kernel = variable(name, 0.0), variable("kernel", 0.0)
    one = Sgd(64.0, 0, 10, learning_rate=0.1, momentum=0.0)
    gradient = keras.ops.convert_to_tensor(np.float32(1))
    one.apply([gradient, gradient], [bias, kernel])
    assert float(kernel) == pytest.approx(-0.1)
    assert float(bias) == pytest.approx(-6.4)


def test_lookahead_pulls_to_the_average_as_computed_by_hand() -> None:
    """Plain steps of -1. Every second step the weight becomes the average."""
    total, every, weight = 10, 2, variable("kernel", 0.0)
    one = Sgd(1.0, every, total, learning_rate=1.0, momentum=0.0)
    fast, slow, expected, values = 0.0, 0.0, [], []
    for step in range(1, total + 1):
        one.apply([keras.ops.convert_to_tensor(np.float32(1))], [weight])
        values.append(float(weight))
        fast -= 1.0
        if step % every == 0:
            average_weight = 0.95**5 * (step / total) ** 3 if step > every else 0.0
            fast = slow = average_weight * slow + (1 - average_weight) * fast
        expected.append(fast)
    np.testing.assert_allclose(values, expected, rtol=1e-5)
    assert values[-1] > -total  # the average lags behind


def test_the_triangle_rises_and_falls_and_has_no_step_of_rate_zero() -> None:
    schedule = Triangle(2.0, 4, 10)
    rates = [float(schedule(step)) for step in range(11)]
    np.testing.assert_allclose(rates[:4], [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(np.diff(rates[4:]), -2 / 7, rtol=1e-5)
    assert rates[9] > 0
    assert rates[10] == 0


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_without_warmup_start_at_the_peak(schedule: str) -> None:
    optimizer = build_optimizer(TrainConfig(schedule=schedule, learning_rate=0.5, epochs=2), 10)
    assert float(optimizer.learning_rate) == pytest.approx(0.5, rel=0.06)


def test_the_settings_of_sgd_reach_the_optimizer() -> None:
    table = TrainConfig(optimizer="sgd", momentum=0.5, bias_rate=8.0, lookahead=5, epochs=3)
    optimizer = build_optimizer(table, 7)
    assert (optimizer.momentum, optimizer.bias_rate) == (0.5, 8.0)
    assert (optimizer.lookahead, optimizer.total) == (5, 21)
