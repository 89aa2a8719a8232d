"""The settings with which a trained network takes steps on new rows."""

from __future__ import annotations

from modelwright.core.config import TrainConfig, check_table

EPOCHS = 2
MIN_STEPS = 60
"""Fewest steps of an update: a few hundred rows are gone over more often, in smaller batches."""
RATE_SHARE = 0.3
"""Learning rate of an update, as a share of that of the training."""


def settings_for_update(
    train: TrainConfig, *, epochs: int | None = None, rate: float | None = None
) -> TrainConfig:
    """Returns the settings of an update, from those of the training before.

    An update takes few epochs at a constant rate below the training's. There is no warmup, since
    the weights are no longer random, and no end of a schedule, since nobody knows whether this
    update is the last. No epoch is chosen by validation rows: the last one is the result, and the
    gate measures it. What else describes a step stays: optimizer, batch size, weight decay,
    clipping, label smoothing and class weights.

    Args:
        train: settings of the training.
        epochs: number of epochs; ``EPOCHS`` by default.
        rate: learning rate; ``RATE_SHARE`` of the training's by default.

    Raises:
        ConfigError: epochs or rate are out of bounds.
    """
    changes = {
        "epochs": EPOCHS if epochs is None else epochs,
        "learning_rate": train.learning_rate * RATE_SHARE if rate is None else rate,
        "min_steps": MIN_STEPS,
        "patience": 0,
        "schedule": "constant",
        "warmup": 0.0,
        "lookahead": 0,
        "tensorboard": False,
        "histograms": False,
    }
    return check_table(TrainConfig, train.model_dump() | changes, "train")
