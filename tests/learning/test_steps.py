"""The shared training by steps: what it repeats, what it leaves as it is, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tiny_tasks
from keras import ops

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError, RunError
from modelwright.learning.answers import answers, answers_before
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.learning.lesson_batches import ABSENT, Kept, LessonBatches, Targets
from modelwright.learning.parts import named_weights
from modelwright.learning.steps import _reset_random_states, take_steps
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, build_network
from modelwright.training.augmentation import Augmentation
from modelwright.training.batches import TokenIds
from modelwright.training.epoch_plan import plan_epochs

SHORT = tiny_tasks.TRAIN.model_copy(update={"epochs": 1})


@pytest.fixture(scope="module")
def network() -> Any:
    return tiny_tasks.learned()


def values(network: Any) -> list[np.ndarray]:
    return [np.array(one) for one in network.get_weights()]


def test_a_lesson_repeats_by_its_seed_and_reports_each_step(network: Any) -> None:
    seen: list[tuple[str, int, int]] = []
    results = []
    for seed in (0, 1, 0):
        lesson = tiny_tasks.lesson(
            network, train=SHORT, seed=seed, progress=lambda *s: seen.append(s)
        )
        take_steps(lesson, lesson.new)
        results.append(np.concatenate([one.ravel() for one in values(lesson.network)]))
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])
    assert seen == [("learning", step, 6) for step in range(1, 7)] * 3


def test_random_layers_begin_anew_in_each_lesson() -> None:
    model = ModelConfig(builder="textcnn", options={"vocabulary": 12, "length": 4, "filters": 4})
    network = build_network(model, (None,), 2)
    network(np.ones((2, 4), np.int32), training=True)  # moves the states of both dropouts
    _reset_random_states(network, 3)
    states = [one for one in network.variables if "seed_generator" in one.path]
    assert [ops.convert_to_numpy(one).tolist() for one in states] == [[3, 0], [4, 0]]


def test_frozen_layers_keep_every_bit_and_can_be_trained_again(network: Any) -> None:
    lesson = tiny_tasks.lesson(network, train=SHORT)
    before = {layer.name: layer.get_weights() for layer in lesson.network.layers}
    frozen = ("embedding", "features", "norm")
    take_steps(lesson, lesson.new, freeze=frozen)
    for layer in lesson.network.layers:
        same = all(
            np.array_equal(*pair)
            for pair in zip(before[layer.name], layer.get_weights(), strict=True)
        )
        assert same == (layer.name in frozen or not layer.get_weights()), layer.name
        assert layer.trainable
    assert not {"compute_loss", "compute_metrics"} & set(vars(lesson.network))
    lesson.network.compile(loss="binary_crossentropy")  # the loss is the network's own again
    ids, labels = lesson.new.inputs.take(np.arange(4)), lesson.new.labels[:4, None]
    assert lesson.network.test_on_batch(ids, labels, return_dict=True)["loss"] > 0
    take_steps(lesson, lesson.new)
    assert not np.array_equal(lesson.network.get_layer("features").kernel, before["features"][0])


def test_a_class_may_be_absent_from_the_rows() -> None:
    keras.utils.set_random_seed(0)
    network = tiny_tasks.build((4,), 3)
    one_class = replace(tiny_tasks.task(1), labels=np.full(192, 1, np.int64))
    balanced = SHORT.model_copy(update={"class_weight": "balanced", "label_smoothing": 0.1})
    lesson = tiny_tasks.lesson(network, new=one_class, train=balanced)
    take_steps(lesson, lesson.new)
    assert answers(lesson.network, one_class)[:, 1].mean() > 0.5


def test_a_loss_that_is_no_number_is_refused_with_advice(network: Any) -> None:
    lesson = tiny_tasks.lesson(network, train=SHORT)
    lesson.network.get_layer("answer").bias.assign([np.nan])
    with pytest.raises(RunError, match=r"became nan in epoch 1.*smaller learning rate"):
        take_steps(lesson, lesson.new)


def test_wrong_lessons_are_refused(network: Any) -> None:
    lesson = tiny_tasks.lesson(network)
    with pytest.raises(ConfigError, match="no rows to learn"):
        take_steps(lesson, LessonRows(TokenIds(np.zeros((0, 4), np.int32)), np.zeros(0, np.int64)))
    with pytest.raises(ConfigError, match="no layer 'feature' to be frozen; it has: embedding, "):
        take_steps(lesson, lesson.new, freeze=("feature",))
    everything = ("embedding", "features", "norm", "hidden", "answer")
    with pytest.raises(ConfigError, match="every layer is frozen"):
        take_steps(lesson, lesson.new, freeze=everything)
    assert all(layer.trainable for layer in lesson.network.layers)


COMMITTEE = {"buckets": 64, "known": 12, "filters": 4, "context": 2}
BUILDERS: dict[str, dict[str, Any]] = {
    "ngrams": {"buckets": 64},
    "bilstm": {"embedding": 4, "units": [4], "dense": 4, "dropout": 0.1},
}


@pytest.mark.parametrize(
    "builder", ["committee", *(pytest.param(one, marks=pytest.mark.slow) for one in BUILDERS)]
)
def test_built_in_text_networks_learn_with_kept_rows_and_recorded_answers(builder: str) -> None:
    from modelwright.learning.der import STRATEGY

    options = {"vocabulary": 12, "length": 20, **BUILDERS.get(builder, COMMITTEE)}
    model = ModelConfig(builder=builder, options=options)
    # Padded rows of different lengths, so batches are cut and joined.
    new, old = tiny_tasks.task(1), tiny_tasks.task(0, 40)
    wide = [np.pad(part.inputs.array, ((0, 0), (0, 16))) for part in (new, old)]
    wide[1][:20, 4:] = 9
    network = build_network(model, (None,), 3)
    kept = LessonRows(TokenIds(wide[1]), old.labels, np.full((40, 2), 0.5, np.float32))
    rows = LessonRows(TokenIds(wide[0]), new.labels)
    lesson = Lesson(network, lambda: network, model, SHORT, rows, kept)
    adapt_network(model, network, AdaptationData(rows.inputs, rows.labels))
    before = {
        name: ops.convert_to_numpy(weight).copy() for name, weight in named_weights(network).items()
    }
    STRATEGY.learn(lesson)
    for name, weight in named_weights(network).items():
        after = ops.convert_to_numpy(weight)
        assert np.isfinite(after).all()
        assert not np.array_equal(after, before[name]), name


def batches(kept: Kept | None, size: int = 32, **options: Any) -> LessonBatches:
    train = tiny_tasks.TRAIN.model_copy(update={"batch_size": size})
    rows = tiny_tasks.task(1, 70)
    return LessonBatches(
        rows,
        kept,
        Targets(1, 2),
        train,
        plan_epochs(train, len(rows)),
        augmentation=options.pop("augmentation", Augmentation()),
        any_length=True,
    )


def test_kept_rows_are_seen_equally_often_and_repeat_with_the_step() -> None:
    kept = replace(tiny_tasks.task(0, 50), labels=np.arange(50) % 2)
    made = batches(Kept(kept))
    seen = np.concatenate([made._turn(step) for step in range(25)])
    assert np.bincount(seen).tolist() == [16] * 50
    assert len(set(made._turn(0).tolist())) == 32
    assert np.array_equal(made._turn(7), batches(Kept(kept))._turn(7))


def test_weights_of_new_and_kept_rows_balance_also_in_a_short_batch() -> None:
    kept = tiny_tasks.task(0, 50)
    kept = replace(kept, outputs=np.tile(np.float32([0.25, 0.75]), (50, 1)))
    made, targets = batches(Kept(kept, weight=3.0)), Targets(1, 2)
    for position, new in ((0, 32), (2, 6)):
        ids, table = made.make(position)
        labels, weights, holds, answered = targets.split(table)
        assert len(ids) == len(table) == new + 32
        # Means over all rows of the batch: a quarter for new rows, three for kept ones.
        assert np.isclose(weights[:new].sum() / len(ids), 1 / 4)
        assert np.isclose(weights[new:].sum() / len(ids), 3 / 4)
        assert not holds[:new].any()
        assert np.isclose(holds[new:].sum() / len(ids), 1 / 4)
        assert (answered[:new] == ABSENT).all()
        assert (answered[new:] == [0.25, 0.75]).all()
        assert set(labels[:, 0].tolist()) <= {0.0, 1.0}


def test_rows_without_a_recorded_answer_are_not_held() -> None:
    rows = replace(
        tiny_tasks.task(0, 3),
        outputs=np.float32([[0.2, 0.8, np.nan], [np.nan] * 3, [0.1, 0.2, 0.7]]),
    )
    table = Targets(3, 3).join(rows, tiny_tasks.TRAIN)
    _, _, holds, answered = Targets(3, 3).split(table)
    assert holds.tolist() == [1, 0, 1]
    assert answered[0].tolist() == [np.float32(0.2), np.float32(0.8), ABSENT]


def test_the_network_before_reads_new_tokens_as_unknown(network: Any) -> None:
    lesson = tiny_tasks.lesson(network, tokens_before=8)
    rows = tiny_tasks.task(0, 5)
    unknown = replace(rows, inputs=TokenIds(np.where(rows.inputs.array < 8, rows.inputs.array, 1)))
    assert np.array_equal(answers_before(lesson, rows), answers(network, unknown))
    assert not np.array_equal(answers_before(lesson, rows), answers(network, rows))
    assert np.allclose(answers(network, rows).sum(axis=1), 1)
