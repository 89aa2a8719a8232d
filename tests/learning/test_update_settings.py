"""The settings of an update: what it takes from the training, and what it does otherwise."""

import pytest

from modelwright.core.config import TrainConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.update_settings import EPOCHS, MIN_STEPS, settings_for_update
from modelwright.training.epoch_plan import plan_epochs

TRAIN = TrainConfig(
    epochs=30,
    min_steps=300,
    patience=5,
    batch_size=64,
    optimizer="sgd",
    learning_rate=0.5,
    momentum=0.8,
    lookahead=5,
    schedule="linear",
    warmup=0.2,
    weight_decay=0.01,
    clip_norm=1.0,
    label_smoothing=0.2,
    class_weight="balanced",
)


def test_an_update_takes_few_epochs_at_a_constant_rate() -> None:
    update = settings_for_update(TRAIN)
    assert (update.epochs, update.learning_rate) == (EPOCHS, pytest.approx(0.015))
    assert (update.schedule, update.warmup, update.lookahead, update.patience) == (
        "constant",
        0,
        0,
        0,
    )
    assert not update.tensorboard
    same = ("batch_size", "optimizer", "momentum", "weight_decay", "clip_norm", "label_smoothing")
    assert [getattr(update, key) for key in same] == [getattr(TRAIN, key) for key in same]
    adam = settings_for_update(TrainConfig(learning_rate=0.002))
    assert adam.learning_rate == 0.002  # Adam's steps are no longer than its rate
    assert update.class_weight == "balanced"


def test_epochs_and_rate_may_be_given_and_are_checked() -> None:
    update = settings_for_update(TRAIN, epochs=7, rate=0.01)
    assert (update.epochs, update.learning_rate) == (7, 0.01)
    with pytest.raises(ConfigError, match=r"train\.epochs"):
        settings_for_update(TRAIN, epochs=0)
    with pytest.raises(ConfigError, match=r"train\.learning_rate"):
        settings_for_update(TRAIN, rate=-1.0)


@pytest.mark.parametrize("rows", [3, 50, 1000, 20_000])
def test_few_rows_still_give_enough_steps(rows: int) -> None:
    update = settings_for_update(TRAIN)
    assert update.epochs * plan_epochs(update, rows).steps >= MIN_STEPS
