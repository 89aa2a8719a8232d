"""The settings with which a trained network takes steps on new rows."""

from __future__ import annotations

from modelwright.core.config import TrainConfig, check_table

EPOCHS = 2
MIN_STEPS = 60
"""Fewest steps of an update: a few hundred rows are gone over more often, in smaller batches."""
RATE_SHARES = {"adam": 1.0, "adamw": 1.0, "adagrad": 1.0, "sgd": 0.03}
"""Learning rate of an update, as a share of that of the training.

Learning hotel reviews after book reviews in Chinese (``textcnn``, 500 rows kept, macro-F1 in
percent, 86.8 on books and 63.1 on hotels before): ``replay`` ends at 86.2 and 80.2 with two epochs
at the full rate of Adam, at 86.6 and 77.6 with half of it, at 86.8 and 73.7 with 0.3 of it. The
rates of sgd are those of a network that still has all to learn: a small ``whitened`` network told
birds from airplanes in 89.8 % and learned dogs and trucks with ``naive``; at 0.1 of its rate it
ended at 82.2 and 95.9 %, at 0.03 of it at 84.7 and 95.0 %.
"""


def settings_for_update(
    train: TrainConfig, *, epochs: int | None = None, rate: float | None = None
) -> TrainConfig:
    """Returns the settings of an update, from those of the training before.

    An update takes few epochs at a constant rate, with sgd below the training's. There is no
    warmup, since the weights are no longer random, and no end of a schedule, since nobody knows
    whether this update is the last. No epoch is chosen by validation rows: the last one is the
    result, and the gate measures it. What else describes a step stays: optimizer, batch size,
    weight decay, clipping, label smoothing and class weights.

    Args:
        train: settings of the training.
        epochs: number of epochs; ``EPOCHS`` by default.
        rate: learning rate; a share of the training's by default (``RATE_SHARES``).

    Raises:
        ConfigError: epochs or rate are out of bounds.
    """
    usual = train.learning_rate * RATE_SHARES[train.optimizer]
    changes = {
        "epochs": EPOCHS if epochs is None else epochs,
        "learning_rate": usual if rate is None else rate,
        "min_steps": MIN_STEPS,
        "patience": 0,
        "schedule": "constant",
        "warmup": 0.0,
        "lookahead": 0,
        "tensorboard": False,
        "histograms": False,
    }
    return check_table(TrainConfig, train.model_dump() | changes, "train")
