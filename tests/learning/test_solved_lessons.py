"""What the strategies do where a solver finds the weights, and the solver itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ngram_lessons
import numpy as np
import pytest
from ngram_lessons import lesson, texts
from scipy import sparse

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.answers import answers
from modelwright.learning.joined_rows import join
from modelwright.learning.lesson import Lesson, LessonRows, Strength
from modelwright.learning.registry import find_strategy
from modelwright.learning.solved import is_solved, kept_weight, solve_again
from modelwright.learning.warm_fit import Linear, curvature, fit_from, targets_of
from modelwright.models import pretrained
from modelwright.models.builders import build_network
from tiny_backbone import build_tiny

OLD, NEW = texts(0, 160), texts(1, 120)
HELD_OLD, HELD_NEW = texts(0, 300, seed=1), texts(1, 300, seed=1)


def right(network: Any, rows: LessonRows) -> float:
    return float((answers(network, rows).argmax(axis=1) == rows.labels).mean())


@pytest.fixture(scope="module")
def network() -> Any:
    return ngram_lessons.solved(OLD)


@pytest.fixture(scope="module")
def kept(network: Any) -> LessonRows:
    rows = LessonRows(type(OLD.inputs)(OLD.inputs.take(np.arange(16))), OLD.labels[:16])
    return replace(rows, outputs=answers(network, rows))


@pytest.mark.parametrize("columns", [1, 3])
def test_the_optimum_has_no_slope(columns: int) -> None:
    random = np.random.default_rng(0)
    dense = random.normal(size=(40, 6))
    labels = random.integers(0, max(2, columns), 40)
    start = Linear(random.normal(size=(6, columns)), random.normal(size=columns))
    hold = Linear(random.uniform(0.1, 2, (6, columns)), np.full(columns, 0.5))
    weights, targets = random.uniform(0.5, 2, 40), targets_of(labels, columns)
    found = fit_from(start, sparse.csr_array(dense), targets, weights, hold)
    errors = weights[:, None] * (found.probabilities(dense) - targets)
    slopes = dense.T @ errors + hold.kernel * (found.kernel - start.kernel)
    assert np.abs(slopes).max() < 0.02
    bias = errors.sum(axis=0) + hold.bias * (found.bias - start.bias)
    assert np.abs(bias).max() < 0.02
    again = fit_from(start, dense, targets, weights, hold)
    np.testing.assert_allclose(again.kernel, found.kernel, atol=1e-3)


def test_weights_that_are_held_firmly_stay() -> None:
    dense, labels = np.eye(4), np.array([0, 1, 0, 1])
    start = Linear(np.ones((4, 1)), np.zeros(1))
    hold = Linear(np.array([[1e6], [1e6], [0.01], [0.01]]), np.full(1, 1e6))
    found = fit_from(start, dense, targets_of(labels, 1), np.ones(4), hold)
    np.testing.assert_allclose(found.kernel[:2], 1, atol=1e-4)
    assert found.kernel[2, 0] < 0
    assert found.kernel[3, 0] > 2


def test_curvature_is_the_second_derivative_of_the_loss() -> None:
    random = np.random.default_rng(1)
    dense, kernel, bias = random.normal(size=(30, 3)), random.normal(size=(3, 1)), np.ones(1)
    found = curvature(Linear(kernel, bias).probabilities(dense), dense**2)

    def loss(weights: Any) -> float:
        return float(np.logaddexp(0, dense @ weights + bias).sum())

    for position in range(3):
        step = np.zeros((3, 1))
        step[position] = 1e-3
        second = (loss(kernel + step) - 2 * loss(kernel) + loss(kernel - step)) / 1e-6
        assert found.kernel[position, 0] == pytest.approx(second, rel=1e-4)


@pytest.mark.parametrize("name", ["naive", "replay", "der", "distill", "ewc"])
def test_a_strategy_learns_the_new_kind_and_keeps_the_old_one(
    name: str, network: Any, kept: LessonRows
) -> None:
    strategy = find_strategy(name)
    state = strategy.remember(lesson(network, OLD))
    one = lesson(network, NEW, kept=kept, state=state)
    strategy.learn(one)
    assert strategy.unfit(ngram_lessons.MODEL) == ""
    assert right(network, HELD_NEW) < 0.75
    assert right(one.network, HELD_NEW) > 0.8
    assert right(one.network, HELD_OLD) > right(network, HELD_OLD) - 0.05
    twice = lesson(network, NEW, kept=kept, state=state)
    strategy.learn(twice)
    np.testing.assert_array_equal(answers(one.network, OLD), answers(twice.network, OLD))


def test_contradicting_rows_move_the_weights_less_where_something_holds_them(
    network: Any, kept: LessonRows
) -> None:
    new = LessonRows(texts(0, 40).inputs, 1 - texts(0, 40).labels)
    scores = {}
    for name in ("naive", "replay", "distill", "ewc"):
        strategy = find_strategy(name)
        state = strategy.remember(lesson(network, OLD))
        one = lesson(network, new, kept=kept, state=state)
        strategy.learn(one)
        scores[name] = right(one.network, OLD)
    assert scores["naive"] < min(scores["replay"], scores["distill"], scores["ewc"])


def test_ewc_adds_up_over_lessons_and_a_stronger_penalty_holds_more(network: Any) -> None:
    ewc = find_strategy("ewc")
    first = ewc.remember(lesson(network, OLD))
    both = ewc.remember(lesson(network, NEW, state=first))
    anew = ewc.remember(lesson(network, join([OLD, NEW])))
    np.testing.assert_array_equal(both["buckets"], anew["buckets"])
    np.testing.assert_allclose(both["values"], anew["values"], rtol=1e-3, atol=1e-6)
    new = LessonRows(texts(0, 60).inputs, 1 - texts(0, 60).labels)
    shares = []
    for penalty in (1.0, 100.0, 1e5):
        one = lesson(network, new, state=first, strength=Strength(penalty=penalty))
        ewc.learn(one)
        shares.append(right(one.network, OLD))
    assert shares[0] < shares[1] <= shares[2]
    assert shares[2] == right(network, OLD)


def test_joint_is_the_solution_for_all_rows(network: Any) -> None:
    one = lesson(network, NEW, old=OLD)
    find_strategy("joint").learn(one)
    assert right(one.network, HELD_NEW) > 0.85
    assert right(one.network, HELD_OLD) > 0.85
    assert one.notes[0].startswith("solved anew on 280 rows: strength ")
    other = lesson(network, NEW)
    solve_again(other, join([OLD, NEW]))
    np.testing.assert_allclose(answers(other.network, OLD), answers(one.network, OLD), atol=1e-6)
    with pytest.raises(ConfigError, match="'joint' needs all old rows"):
        find_strategy("joint").learn(lesson(network, NEW))


def test_kept_rows_weigh_as_much_as_new_ones_up_to_a_limit(network: Any, kept: LessonRows) -> None:
    assert kept_weight(lesson(network, NEW, kept=kept)) == pytest.approx(120 / 16)
    few = LessonRows(kept.inputs, kept.labels[:2])
    assert kept_weight(lesson(network, NEW, kept=few)) == 10
    assert kept_weight(lesson(network, NEW, kept=OLD, strength=Strength(beta=0.5))) == 0.5


def test_rows_of_one_class_and_none_at_all(network: Any) -> None:
    good = NEW.labels == 1
    one_class = LessonRows(
        type(NEW.inputs)(NEW.inputs.take(np.flatnonzero(good))), NEW.labels[good]
    )
    one = lesson(network, one_class)
    find_strategy("naive").learn(one)
    assert np.isfinite(answers(one.network, OLD)).all()
    none = LessonRows(type(NEW.inputs)(NEW.inputs.take(np.arange(0))), NEW.labels[:0])
    with pytest.raises(ConfigError, match="no rows to learn"):
        find_strategy("naive").learn(lesson(network, none))


def test_which_networks_are_solved() -> None:
    assert is_solved(ngram_lessons.MODEL)
    assert not is_solved(ModelConfig(builder="ngrams", options={}))
    assert is_solved(ModelConfig(builder="pretrained", options={}))
    assert not is_solved(ModelConfig(builder="pretrained", options={"finetune": 2}))
    assert not is_solved(ModelConfig(builder="bilstm", options={}))


@pytest.mark.parametrize("name", ["naive", "head", "replay", "frozen", "joint", "closed-form"])
def test_the_head_of_a_pretrained_network_learns_without_steps(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    model = ModelConfig(builder="pretrained", options={"side": 32, "augment": "flip"})
    network = build_network(model, (16, 16, 3), 2)
    old, new = (_images(shift, 40) for shift in (0, 30))
    start = Lesson(network, lambda: network, model, TrainConfig(), old)
    solve_again(start, old)
    assert right(network, old) > 0.9
    backbone = [weight.numpy() for weight in network.weights[:-2]]
    strategy = find_strategy(name)
    state = strategy.remember(start)
    one = Lesson(network, lambda: network, model, TrainConfig(), new, old, old, state)
    strategy.learn(one)
    assert right(network, new) > 0.9
    for before, after in zip(backbone, network.weights[:-2], strict=True):
        np.testing.assert_array_equal(before, after.numpy())


class _Images:
    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def take(self, indices: Any) -> Any:
        return self.array[indices]


def _images(shift: int, rows: int) -> LessonRows:
    """Images of which the second class has more red."""
    random = np.random.default_rng(shift)
    labels = np.arange(rows) % 2
    images = random.integers(0, 60, (rows, 16, 16, 3)) + shift
    images[..., 0] += 90 * labels[:, None, None]
    return LessonRows(_Images(images.astype(np.uint8)), labels.astype(np.int64))  # type: ignore[arg-type]
