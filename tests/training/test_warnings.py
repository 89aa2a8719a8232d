"""What a finished training warns of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from modelwright.core.metrics import ClassificationMetrics, compute_metrics
from modelwright.training.early_stopping import EarlyStopping, History
from modelwright.training.warnings import training_warnings

RULE = EarlyStopping("val_accuracy", 3)
EPOCHS = [{"val_accuracy": 0.5, "val_loss": 0.7}, {"val_accuracy": 0.9, "val_loss": 0.3}]


def metrics(labels: list[int], predicted: list[int], classes: int = 2) -> ClassificationMetrics:
    return compute_metrics(np.eye(classes, dtype=np.float32)[predicted], np.array(labels))


GOOD = metrics([0, 1] * 100, [0, 1] * 100)


def warn(
    val: ClassificationMetrics | None,
    history: History = EPOCHS,
    labels: Sequence[str] = ("neg", "pos"),
) -> str:
    return " | ".join(training_warnings(history, RULE, labels, GOOD, val, 80))


def test_a_good_training_has_no_warning() -> None:
    assert warn(GOOD) == ""


def test_a_model_that_predicts_one_class_is_told_and_is_no_better_than_the_baseline() -> None:
    told = warn(metrics([0, 1] * 100, [1] * 200))
    assert "predicts 'pos' for each of the 200 validation rows" in told
    assert "50.00 % (95 %: 43.14 % to 56.86 %) is not shown to be better than 50.00 %" in told
    some = warn(metrics([0, 1, 2] * 100, [0, 1, 1] * 100, 3), labels=("a", "b", "c"))
    assert "predicts none as 'c'" in some


def test_few_or_no_validation_rows_are_told_where_an_epoch_was_chosen() -> None:
    few = metrics([0, 1] * 20, [0, 1] * 20)
    assert "chosen on 40 validation rows, where one row is 2.5 points" in warn(few)
    assert "no validation rows" in warn(None)
    assert warn(few, history=EPOCHS[:1]) == ""


def test_nothing_is_told_of_a_choice_that_was_not_made() -> None:
    few, last = metrics([0, 1] * 20, [0, 1] * 20), EarlyStopping("val_accuracy", 3, chooses=False)
    tied = [EPOCHS[1]] * 3
    for val in (few, None):
        assert training_warnings(tied, last, ("a", "b"), GOOD, val, 80) == ()


@pytest.mark.parametrize("held_out", [True, False])
def test_a_training_at_chance_on_its_own_rows_is_told(held_out: bool) -> None:
    labels = list(range(10)) * 20
    guessed = np.random.default_rng(0).integers(0, 10, 200).tolist()
    chance = metrics(labels, guessed, 10)
    names = [str(one) for one in range(10)]
    val = chance if held_out else None
    told = " | ".join(training_warnings(EPOCHS, RULE, names, chance, val, 18))
    assert "after 18 steps the accuracy on the training rows themselves" in told
    assert "not shown to be better than 10.00 %" in told
    assert "train.min_steps" in told
    assert "themselves" not in warn(GOOD)


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_a_tie_names_the_epochs_and_why_one_was_taken(monitor: str) -> None:
    rule = EarlyStopping(monitor, 3)
    history = [{"val_accuracy": 1.0, "val_loss": loss} for loss in (0.5, 0.25, 0.25)]
    (told,) = training_warnings(history, rule, ("a", "b"), GOOD, GOOD, 80)
    if monitor == "val_accuracy":
        assert told == (
            "epochs 1, 2, 3 tie with a validation accuracy of 1.0000; number 2 was taken, the"
            " lowest loss of them"
        )
    else:
        assert told.endswith("number 2 was taken, the first of them")


def test_a_solved_network_at_chance_is_not_told_to_train_for_more_steps() -> None:
    chance = metrics([0, 1] * 30, [0] * 60)
    told = " | ".join(training_warnings(EPOCHS[:1], RULE, ("a", "b"), chance, None, 0))
    assert "finds nothing that tells the classes apart. Check the rows and their labels" in told
    assert "more steps" not in told
