"""The importance of settings: a hand-made effect is found, chance is called chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelwright.tuning.dimension import Dimension
from modelwright.tuning.importance import FEWEST, SearchImportance, measure_importance
from modelwright.tuning.trial_record import TrialRecord

RATE = Dimension("train.learning_rate", "float", low=1e-4, high=1e-2, log=True)
CELL = Dimension("model.cell", "choice", choices=("lstm", "gru", ["x"]))
UNITS = Dimension("model.units", "int", low=32, high=128, step=32)


def trials(count: int, effect: str, noise: float = 0.05, seed: int = 0) -> list[TrialRecord]:
    """Trials whose objective depends on one of the settings."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        values: dict[str, Any] = {
            RATE.key: float(10 ** random.uniform(-4, -2)),
            CELL.key: CELL.choices[random.integers(3)],
            UNITS.key: int(32 * random.integers(1, 5)),
        }
        known = {
            "rate": -abs(math.log10(values[RATE.key]) + 3),
            "cell": float(values[CELL.key] == ["x"]),
            "nothing": 0.0,
        }
        objective = known[effect] + noise * random.normal()
        state = "pruned" if number % 3 == 0 else "finished"
        found.append(TrialRecord(number=number, values=values, state=state, objective=objective))
    return found


def measured(records: list[TrialRecord], higher: bool = True) -> SearchImportance:
    return measure_importance([RATE, CELL, UNITS], records, higher_is_better=higher)


@pytest.mark.parametrize(("effect", "key"), [("rate", RATE.key), ("cell", CELL.key)])
def test_the_setting_that_decides_comes_first(effect: str, key: str) -> None:
    found = measured(trials(40, effect))
    assert (found.finished, found.pruned, found.reason) == (26, 14, "")
    first, *others = found.dimensions
    assert first.key == key and first.sure and first.low < first.value < first.high
    assert first.value > 0.3 and first.trials == 40
    assert all(one.value < 0.1 for one in others)
    assert found.explained is not None and found.explained > 0.4


def test_a_diverged_trial_and_the_direction_change_nothing() -> None:
    records = trials(16, "rate")
    worst = min(records, key=lambda one: one.objective or 0.0)
    spoiled = [
        one.model_copy(update={"objective": -1e30}) if one is worst else one for one in records
    ]
    expected = measured(records)
    assert measured(spoiled) == expected
    losses = [one.model_copy(update={"objective": -(one.objective or 0.0)}) for one in records]
    assert measured(losses, higher=False) == expected


def test_chance_is_rarely_called_an_effect() -> None:
    sure = [
        one.sure for seed in range(3) for one in measured(trials(16, "nothing", 1, seed)).dimensions
    ]
    assert len(sure) == 9 and sum(sure) <= 1


def test_too_few_or_equal_trials_say_why() -> None:
    few = measured(trials(FEWEST - 1, "rate"))
    assert few.dimensions == () and f"{FEWEST - 1} trials" in few.reason
    equal = [one.model_copy(update={"objective": 0.5}) for one in trials(12, "rate")]
    assert measured(equal).reason == "all trials have the same objective."
    failed = [one.model_copy(update={"objective": None}) for one in trials(12, "rate")]
    assert measured(failed).reason.startswith("0 trials")
    running = [one.model_copy(update={"state": "running"}) for one in trials(12, "rate")]
    assert measured(running).reason.startswith("0 trials")
    assert measured([]).finished == 0


def test_a_dimension_that_is_rarely_in_force_is_left_out() -> None:
    records = []
    for one in trials(20, "rate"):
        values = dict(one.values)
        if one.number >= 5:
            del values[UNITS.key]
        records.append(one.model_copy(update={"values": values}))
    found = measured(records)
    assert {one.key for one in found.dimensions} == {RATE.key, CELL.key}
    often = [one for one in records if one.number < 5] + trials(20, "rate")[5:17]
    assert {one.key: one.trials for one in measured(often).dimensions}[UNITS.key] == 17


def test_one_and_true_are_different_choices() -> None:
    mixed = Dimension("model.flag", "choice", choices=(1, True))
    records = [
        TrialRecord(
            number=number,
            values={"model.flag": True if number % 2 else 1},
            state="finished",
            objective=number % 2 + 0.01 * number,
        )
        for number in range(12)
    ]
    found = measure_importance([mixed], records, higher_is_better=True)
    assert found.dimensions[0].sure
