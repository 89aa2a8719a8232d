"""Each strategy does what its paper says, on two tiny tasks that contradict each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny_tasks

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.answers import answers
from modelwright.learning.lesson import Lesson, LessonRows, Strength
from modelwright.learning.registry import find_strategy

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


@pytest.mark.parametrize("name", ["replay", "der"])
def test_kept_rows_prevent_forgetting(
    name: str, network: Any, kept: LessonRows, naive: Lesson
) -> None:
    lesson = learn(name, network, kept=kept)
    assert tiny_tasks.accuracy(lesson.network, NEW) > 0.95
    assert tiny_tasks.accuracy(lesson.network, OLD) > 0.95


def test_head_changes_only_the_dense_layers(network: Any) -> None:
    lesson = learn("head", network, train=SHORT)
    assert changed(network, lesson.network) == {"hidden", "answer"}
    assert lesson.notes == ["head: only hidden, answer learned"]


def test_frozen_changes_only_the_last_layer_and_learns_from_kept_rows(
    network: Any, kept: LessonRows
) -> None:
    lesson = learn("frozen", network, train=SHORT, kept=kept)
    assert changed(network, lesson.network) == {"answer"}
    other = learn("frozen", network, train=SHORT, kept=replace(kept, labels=1 - kept.labels))
    assert changed(lesson.network, other.network) == {"answer"}


def test_der_holds_recorded_answers_that_labels_contradict(network: Any, kept: LessonRows) -> None:
    flipped = replace(kept, labels=1 - kept.labels)
    labels_only = learn("der", network, kept=flipped, strength=Strength(alpha=0.0))
    held = learn("der", network, kept=flipped, strength=Strength(alpha=100.0))
    assert tiny_tasks.accuracy(labels_only.network, kept) < 0.2
    assert tiny_tasks.accuracy(held.network, kept) > 0.9


def test_der_compares_only_the_classes_of_the_record() -> None:
    network = tiny_tasks.learned(classes=3)
    rows = tiny_tasks.task(0, 24, classes=3)
    seen = answers(network, rows)
    two = replace(rows, outputs=seen[:, :2] / seen[:, :2].sum(axis=1, keepdims=True))
    lesson = learn("der", network, kept=two, strength=Strength(alpha=100.0, beta=0.0))
    now = answers(lesson.network, rows)
    shares = now[:, :2] / now[:, :2].sum(axis=1, keepdims=True)
    assert (shares.argmax(axis=1) == two.outputs.argmax(axis=1)).mean() > 0.9


def test_distill_with_a_large_weight_keeps_the_answers_before(network: Any, naive: Lesson) -> None:
    before = answers(network, NEW)
    held = learn("distill", network, strength=Strength(distillation=1e4))
    assert np.abs(answers(held.network, NEW) - before).mean() < 0.1
    assert np.abs(answers(naive.network, NEW) - before).mean() > 0.5
    assert tiny_tasks.accuracy(held.network, OLD) > tiny_tasks.accuracy(naive.network, OLD)


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
