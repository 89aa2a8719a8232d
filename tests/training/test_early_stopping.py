"""Which epoch is the best, and when a training stops."""

from __future__ import annotations

import math

import pytest

from modelwright.training.early_stopping import EarlyStopping


def losses(*values: float) -> list[dict[str, float]]:
    return [{"val_loss": value, "val_accuracy": value} for value in values]


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("val_loss", (0.5, 0.3, 0.3, 0.4), 1),
        ("val_accuracy", (0.5, 0.3, 0.9, 0.9), 2),
        ("val_loss", (0.5, 0.3, math.nan, 0.2), 3),
        ("val_loss", (math.nan, 0.3), 1),
        ("val_loss", (math.nan, math.nan), 0),
    ],
)
def test_the_first_of_the_best_epochs_and_never_one_that_is_not_a_number(
    monitor: str, values: tuple[float, ...], best: int
) -> None:
    assert EarlyStopping(monitor, 1).best(losses(*values)) == best


def test_it_stops_after_as_many_epochs_without_improvement_as_its_patience() -> None:
    rule = EarlyStopping("val_loss", 2)
    assert [rule.exhausted(losses(*[3, 1, 2, 4][:n])) for n in range(5)] == [
        *[False] * 4,
        True,
    ]
    assert not EarlyStopping("val_loss", 0).exhausted(losses(1, 2, 3, 4))
    assert EarlyStopping("val_loss", 3).best([]) is None


def test_of_epochs_with_an_equal_accuracy_the_one_with_the_better_loss_is_best() -> None:
    figures = ((0.9, 0.5), (0.9, 0.3), (0.9, math.nan), (0.8, 0.1), (0.9, 0.3))
    history = [{"val_accuracy": accuracy, "val_loss": loss} for accuracy, loss in figures]
    rule = EarlyStopping("val_accuracy", 4)
    assert rule.best(history) == 1
    assert rule.tied(history) == [0, 1, 2, 4]
    assert rule.exhausted(history)  # a tie is no improvement
    assert EarlyStopping("accuracy", 0).best([{"accuracy": 1, "loss": x} for x in (2, 1)]) == 1
