"""Each strategy does what its paper says, on two tiny tasks that contradict each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tiny_tasks

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.answers import answers
from modelwright.learning.der import logit_distance
from modelwright.learning.distill import SoftenedDivergence
from modelwright.learning.ewc import Penalty
from modelwright.learning.fisher import diagonal_fisher, grown
from modelwright.learning.lesson import Lesson, LessonRows, Strength
from modelwright.learning.registry import find_strategy
from modelwright.training.batches import TokenIds

OLD, NEW = tiny_tasks.task(0), tiny_tasks.task(1)
SHORT = tiny_tasks.TRAIN.model_copy(update={"epochs": 1})


@pytest.fixture(scope="module")
def network() -> Any:
    return tiny_tasks.learned()


@pytest.fixture(scope="module")
def kept(network: Any) -> LessonRows:
    rows = tiny_tasks.task(0, 24)
    return replace(rows, outputs=answers(network, rows))


def learn(name: str, network: Any, **given: Any) -> Lesson:
    lesson = tiny_tasks.lesson(network, **given)
    find_strategy(name).learn(lesson)
    return lesson


@pytest.fixture(scope="module")
def naive(network: Any) -> Lesson:
    return learn("naive", network)


def changed(before: Any, after: Any) -> set[str]:
    return {
        one.name
        for one, two in zip(before.layers, after.layers, strict=True)
        if any(
            not np.array_equal(*pair)
            for pair in zip(one.get_weights(), two.get_weights(), strict=True)
        )
    }


def test_naive_learns_the_new_task_and_forgets_the_old_one(network: Any, naive: Lesson) -> None:
    assert tiny_tasks.accuracy(network, OLD) == 1
    assert tiny_tasks.accuracy(network, NEW) < 0.5
    assert tiny_tasks.accuracy(naive.network, NEW) == 1
    assert tiny_tasks.accuracy(naive.network, OLD) < 0.6


def test_replay_prevents_forgetting(network: Any, kept: LessonRows) -> None:
    lesson = learn("replay", network, kept=kept)
    assert tiny_tasks.accuracy(lesson.network, NEW) > 0.95
    assert tiny_tasks.accuracy(lesson.network, OLD) > 0.95


def test_head_changes_only_the_dense_layers(network: Any) -> None:
    lesson = learn("head", network, train=SHORT)
    assert changed(network, lesson.network) == {"hidden", "answer"}
    assert lesson.notes == ["head: only hidden, answer learned"]


def test_frozen_changes_only_the_last_layer(network: Any, kept: LessonRows) -> None:
    lesson = learn("frozen", network, train=SHORT, kept=kept)
    assert changed(network, lesson.network) == {"answer"}
    assert lesson.notes == ["frozen: only answer learned"]


def test_der_holds_recorded_answers_that_labels_contradict(network: Any, kept: LessonRows) -> None:
    flipped = replace(kept, labels=1 - kept.labels)
    held = learn("der", network, kept=flipped, strength=Strength(alpha=100.0))
    assert tiny_tasks.accuracy(held.network, OLD) > 0.9
    assert tiny_tasks.accuracy(held.network, kept) > 0.9


def test_the_distance_of_logits_is_known_and_leaves_absent_classes_out() -> None:
    now = np.log(np.float32([[0.2, 0.2, 0.6], [0.1, 0.8, 0.1]]))
    then = np.log(np.float32([[0.5, 0.5, 1], [0.1, 0.9, 1]]))
    then[:, 2] = -1e9
    # Less their means, logits of two classes are plus and minus half their log-odds.
    second = (np.log(8) - np.log(9)) / 2
    for recorded in (then, then[:, :2]):
        assert np.allclose(logit_distance(now, recorded), [0, second**2], atol=1e-6)


def test_the_softened_divergence_is_known_and_leaves_absent_classes_out() -> None:
    now = np.log(np.float32([[0.2, 0.2, 0.6], [0.09, 0.01, 0.9]]))
    then = np.log(np.float32([[0.5, 0.5, 1], [0.5, 0.5, 1]]))
    then[:, 2] = -1e9
    # At temperature 2 the odds 9 become 3.
    second = 4 * (0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))
    for recorded in (then, then[:, :2]):
        assert np.allclose(SoftenedDivergence(2.0)(now, recorded), [0, second], atol=1e-5)


@pytest.mark.slow
def test_distill_with_a_large_weight_keeps_the_answers_before(network: Any, naive: Lesson) -> None:
    before = answers(network, NEW)
    held = learn("distill", network, strength=Strength(distillation=1e4))
    assert np.abs(answers(held.network, NEW) - before).mean() < 0.1
    assert np.abs(answers(naive.network, NEW) - before).mean() > 0.5
    assert tiny_tasks.accuracy(held.network, OLD) > tiny_tasks.accuracy(naive.network, OLD)


@pytest.mark.slow
def test_distill_leaves_a_new_class_free() -> None:
    before = tiny_tasks.learned()
    grown = tiny_tasks.build((4,), 3)
    for old, new in zip(before.layers, grown.layers, strict=True):
        if old.name != "answer":
            new.set_weights(old.get_weights())
    kernel, bias = before.get_layer("answer").get_weights()
    zero = np.zeros_like(kernel)
    answer = [np.concatenate([zero, kernel, zero], axis=1), np.array([0, bias[0], 0])]
    grown.get_layer("answer").set_weights(answer)
    third = replace(NEW, labels=np.full(len(NEW), 2, np.int64))
    lesson = Lesson(
        grown,
        lambda: tiny_tasks.copy_of(before),
        tiny_tasks.MODEL,
        tiny_tasks.TRAIN,
        third,
        strength=Strength(distillation=100.0),
    )
    find_strategy("distill").learn(lesson)
    now = answers(grown, NEW)
    assert (now.argmax(axis=1) == 2).mean() > 0.95
    shares = now[:, :2] / now[:, :2].sum(axis=1, keepdims=True)
    assert np.abs(shares - answers(before, NEW)).mean() < 0.1


def test_lessons_without_what_a_strategy_needs_are_refused(network: Any) -> None:
    for name in ("replay", "der", "frozen"):
        with pytest.raises(ConfigError, match=f"'{name}' needs examples of the old rows"):
            learn(name, network)
    with pytest.raises(ConfigError, match="nothing was remembered"):
        learn("ewc", network)
    with pytest.raises(ConfigError, match="'der' needs the recorded answers"):
        learn("der", network, kept=OLD)


def test_networks_that_a_strategy_does_not_fit_are_named() -> None:
    ngrams = ModelConfig(builder="ngrams", options={})
    assert "one layer only" in find_strategy("head").unfit(ngrams)
    assert "no features to freeze" in find_strategy("frozen").unfit(ngrams)
    for name in ("naive", "replay", "der", "distill", "head", "frozen"):
        strategy = find_strategy(name)
        assert strategy.unfit(ModelConfig(builder="bilstm", options={})) == ""
        assert strategy.remember(tiny_tasks.lesson(tiny_tasks.build((4,), 2))) == {}


@pytest.fixture(scope="module")
def remembered(network: Any) -> Any:
    lesson = tiny_tasks.lesson(network, new=OLD)
    return find_strategy("ewc").remember(lesson)


def test_ewc_forgets_less_than_naive(network: Any, remembered: Any, naive: Lesson) -> None:
    lesson = learn("ewc", network, state=remembered, strength=Strength(penalty=1e6))
    assert tiny_tasks.accuracy(lesson.network, OLD) > tiny_tasks.accuracy(naive.network, OLD) + 0.2


def test_the_penalty_of_ewc_is_known(network: Any) -> None:
    fisher = {"answer/bias": np.float32([3]), "hidden/bias": np.arange(8, dtype=np.float32)}
    moved = tiny_tasks.copy_of(network)
    penalty = Penalty(moved, fisher, weight=10.0)
    assert float(penalty(moved, None, None, None)) == 0
    moved.get_layer("answer").bias.assign_add([0.5])
    moved.get_layer("hidden").bias.assign_add([0.0, 0.0, 2.0, *[0.0] * 5])
    moved.get_layer("hidden").kernel.assign_add(np.ones((8, 8)))  # of which nothing is known
    assert float(penalty(moved, None, None, None)) == pytest.approx(5 * (3 * 0.25 + 2 * 4))


def test_the_fisher_information_of_a_logistic_unit_is_known() -> None:
    """For a sigmoid p of w * x it is the mean of p (1 - p) x squared."""
    inputs = keras.Input((1,), dtype="int32")
    units = keras.layers.Dense(1, "sigmoid", name="answer")(keras.layers.Rescaling(1.0)(inputs))
    unit = keras.Model(inputs, units)
    unit.get_layer("answer").set_weights([np.array([[0.4]]), np.array([-0.5])])
    x = np.random.default_rng(0).integers(-2, 3, (20_000, 1)).astype(np.int32)
    rows = LessonRows(TokenIds(x), np.zeros(len(x), np.int64))
    found = diagonal_fisher(unit, rows, seed=0)
    p = 1 / (1 + np.exp(-(0.4 * x - 0.5)))
    assert found["answer/kernel"].item() == pytest.approx((p * (1 - p) * x**2).mean(), rel=0.2)
    assert found["answer/bias"].item() == pytest.approx((p * (1 - p)).mean(), rel=0.2)
    assert unit.get_layer("answer").kernel.numpy().item() == np.float32(0.4)


@pytest.mark.slow
def test_ewc_adds_up_lessons_and_knows_nothing_of_new_weights(
    network: Any, remembered: Any
) -> None:
    summed = find_strategy("ewc").remember(tiny_tasks.lesson(network, new=OLD, state=remembered))
    assert summed.keys() == remembered.keys()
    for name, value in summed.items():
        assert np.allclose(value, 2 * remembered[name], rtol=1e-5)
    smaller = (
        remembered
        | {
            "embedding/embeddings": remembered["embedding/embeddings"][:10],  # two tokens are new
            "hidden/kernel": remembered["hidden/kernel"][:, :5],  # as classes grow
            "features/kernel": remembered["features/kernel"][:1],  # nothing grows so
            "other": np.ones(3),
        }
    )
    padded = grown(smaller, network)
    assert remembered.keys() - padded.keys() == {"features/kernel"}
    for name, known in (("embedding/embeddings", np.s_[:10]), ("hidden/kernel", np.s_[:, :5])):
        assert np.array_equal(padded[name][known], remembered[name][known])
        assert padded[name].sum() == pytest.approx(remembered[name][known].sum())
    single = {"answer/kernel": remembered["answer/kernel"]}
    assert grown(single, tiny_tasks.build((4,), 3)) == {}
    smaller = dict(remembered)
    del smaller["hidden/bias"]
    lesson = learn("ewc", network, train=SHORT, state=smaller)
    assert lesson.notes == ["ewc: nothing was known of hidden/bias, so they are free"]
