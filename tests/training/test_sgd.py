from __future__ import annotations

import keras
import numpy as np
import pytest

from modelwright.core.config import TrainConfig
from modelwright.training.optimizers import Triangle, build_optimizer
from modelwright.training.sgd import Sgd


def variable(name: str, value: float) -> keras.Variable:
    return keras.Variable(np.float32(value), name=name)


def test_without_its_additions_it_is_keras_own() -> None:
    ours, theirs = variable("kernel", 1.0), variable("kernel", 1.0)
    options = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}
    one = Sgd(1.0, 0, 10, **options)
    two = keras.optimizers.SGD(nesterov=True, **options)
    for step in range(5):
        gradient = keras.ops.convert_to_tensor(np.float32(step - 1.5))
        one.apply([gradient], [ours])
        two.apply([gradient], [theirs])
    assert float(ours) == float(theirs) != 1.0


@pytest.mark.parametrize("name", ["bias", "beta"])
def test_biases_learn_at_their_own_rate(name: str) -> None:
    bias, kernel = variable(name, 0.0), variable("kernel", 0.0)
    one = Sgd(64.0, 0, 10, learning_rate=0.1, momentum=0.0)
    gradient = keras.ops.convert_to_tensor(np.float32(1))
    one.apply([gradient, gradient], [bias, kernel])
    assert float(kernel) == pytest.approx(-0.1)
    assert float(bias) == pytest.approx(-6.4)


def test_look_ahead_pulls_to_the_average_of_before_as_computed_by_hand() -> None:
    """Plain steps of -1; every second step the weight and its average meet."""
    total, every, weight = 10, 2, variable("kernel", 0.0)
    one = Sgd(1.0, every, total, learning_rate=1.0, momentum=0.0)
    fast, slow, expected, given = 0.0, 0.0, [], []
    for step in range(1, total + 1):
        one.apply([keras.ops.convert_to_tensor(np.float32(1))], [weight])
        given.append(float(weight))
        fast -= 1.0
        if step % every == 0:
            keep = 0.95**5 * (step / total) ** 3 if step > every else 0.0
            fast = slow = keep * slow + (1 - keep) * fast
        expected.append(fast)
    np.testing.assert_allclose(given, expected, rtol=1e-5)
    assert given[-1] > -total  # it was held back


def test_the_triangle_climbs_and_falls_and_wastes_no_step() -> None:
    schedule = Triangle(2.0, 4, 10)
    rates = [float(schedule(step)) for step in range(11)]
    np.testing.assert_allclose(rates[:4], [0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(np.diff(rates[4:]), -2 / 7, rtol=1e-5)
    assert rates[9] > 0
    assert rates[10] == 0


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_schedules_start_without_warmup_at_the_top(schedule: str) -> None:
    made = build_optimizer(TrainConfig(schedule=schedule, learning_rate=0.5, epochs=2), 10)
    assert float(made.learning_rate) == pytest.approx(0.5, rel=0.06)


def test_the_settings_of_sgd_reach_it() -> None:
    table = TrainConfig(optimizer="sgd", momentum=0.5, bias_rate=8.0, lookahead=5, epochs=3)
    made = build_optimizer(table, 7)
    assert (made.momentum, made.bias_rate, made.lookahead, made.total) == (0.5, 8.0, 5, 21)
