"""Pruners: functions of the records, compared with Optuna's and with decisions made by hand."""

from __future__ import annotations

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ConfigError
from modelwright.tuning.optuna_study import quiet_optuna
from modelwright.tuning.pruners import registry
from modelwright.tuning.pruners.hyperband import HyperbandPruner
from modelwright.tuning.pruners.pruner import Pruner
from modelwright.tuning.pruners.registry import (
    default_pruner,
    make_pruner,
    pruner_names,
    takes_factor,
)
from modelwright.tuning.pruners.successive_halving import is_rung, passes_rung
from modelwright.tuning.trial_record import TrialRecord
from search_spaces import again, record

CURVES = st.lists(st.lists(st.floats(0, 1), min_size=9, max_size=9), min_size=1, max_size=8)


def pruner_of(name: str, epochs: int = 9, higher: bool = True) -> Pruner:
    return make_pruner(name, seed=0, higher_is_better=higher, max_epochs=epochs)


def trial(number: int, *epochs: float, **changes: object) -> TrialRecord:
    return record(number, dict(changes), None, state="running", epochs=epochs)


def test_rungs_are_powers_of_the_factor() -> None:
    assert [epoch for epoch in range(1, 20) if is_rung(epoch, 1, 2)] == [1, 2, 4, 8, 16]
    assert [epoch for epoch in range(1, 20) if is_rung(epoch, 2, 3)] == [2, 6, 18]


def test_asha_keeps_the_better_half_of_a_rung() -> None:
    others = [trial(n, value) for n, value in enumerate((0.1, 0.2, 0.3, 0.4))]
    asha = pruner_of("asha")
    assert not asha.stops(trial(5, 0.35), others)
    assert asha.stops(trial(5, 0.25), others)
    assert not asha.stops(trial(5, 0.25), []), "the first trial of a rung goes on"
    assert not asha.stops(trial(5, 0.1, 0.1), others), "no other trial reached the second epoch"
    assert not asha.stops(trial(5, 0.1, 0.1, 0.0), others), "the third epoch is no rung"
    assert not pruner_of("asha", higher=False).stops(trial(5, 0.15), others)
    assert pruner_of("asha", higher=False).stops(trial(5, 0.25), others[:2])


def test_a_larger_factor_keeps_fewer_trials() -> None:
    others = [trial(n, value) for n, value in enumerate((0.1, 0.2, 0.3, 0.4, 0.5))]
    makes = {"seed": 0, "higher_is_better": True, "max_epochs": 9}
    half, third = make_pruner("asha", **makes), make_pruner("asha", factor=3, **makes)  # type: ignore[arg-type]
    assert not half.stops(trial(5, 0.35), others)
    assert third.stops(trial(5, 0.35), others)
    assert not third.stops(trial(5, 0.45), others)
    twice = [trial(n, 0.9, 0.9) for n in range(4)]
    assert half.stops(trial(5, 0.9, 0.1), twice)
    assert not third.stops(trial(5, 0.9, 0.1), twice), "the second epoch is no rung of three"


@pytest.mark.parametrize(("factor", "brackets"), [(2, 4), (3, 3), (9, 2)])
def test_hyperband_has_a_bracket_for_each_power_of_the_factor(factor: int, brackets: int) -> None:
    pruner = HyperbandPruner(seed=1, higher_is_better=True, max_epochs=9, factor=factor)
    assert {pruner.bracket(number) for number in range(200)} == set(range(brackets))
    own = next(number for number in range(200) if pruner.bracket(number) == 1)
    rivals = [trial(n, *[0.9] * 9) for n in range(200, 260) if pruner.bracket(n) == 1]
    stopped = [epoch for epoch in range(1, 9) if pruner.stops(trial(own, *[0.1] * epoch), rivals)]
    assert stopped == [epoch for epoch in range(1, 9) if is_rung(epoch, factor, factor)]


def test_a_pruner_says_whether_it_takes_a_factor() -> None:
    taking = {name for name in ("asha", "hyperband", "median", "none") if takes_factor(name)}
    assert taking == {"asha", "hyperband"}


@pytest.mark.parametrize("name", ["asha", "hyperband", "median"])
def test_no_trial_is_stopped_at_its_last_epoch(name: str) -> None:
    others = [record(n, {}, 0.9, epochs=(0.9,) * 9) for n in range(8)]
    worse = [trial(9, *[0.1] * count) for count in range(1, 10)]
    stopped = [pruner_of(name).stops(one, others) for one in worse]
    assert any(stopped) and not stopped[-1]
    short = trial(9, 0.1, 0.1, 0.1, 0.1, **{"train.epochs": 4})
    assert not pruner_of(name).stops(short, others)
    assert not any(pruner_of("none").stops(one, others) for one in worse)


@pytest.mark.parametrize("name", ["asha", "median"])
def test_what_is_no_number_is_the_worst(name: str) -> None:
    others = [record(n, {}, 0.5, epochs=(0.5,) * 4) for n in range(4)]
    assert pruner_of(name).stops(trial(9, math.nan, math.nan, math.nan, math.nan), others)
    bad = [record(n, {}, math.nan, epochs=(math.nan,) * 4) for n in range(4)]
    assert not pruner_of(name).stops(trial(9, 0.1, 0.1, 0.1, 0.1), bad)


@settings(max_examples=30, deadline=None)
@given(CURVES, st.sampled_from([2, 3]), st.booleans())
def test_successive_halving_is_that_of_optuna(
    curves: list[list[float]], factor: int, higher: bool
) -> None:
    reference = optuna.pruners.SuccessiveHalvingPruner(1, factor)
    with quiet_optuna():
        study = optuna.create_study(
            direction="maximize" if higher else "minimize", pruner=reference
        )
    ended: list[TrialRecord] = []
    for number, curve in enumerate(curves):
        asked, epochs = study.ask(), tuple[float, ...]()
        for epoch, value in enumerate(curve, 1):
            asked.report(value, epoch)
            epochs = (*epochs, value)
            stops = not passes_rung(
                trial(number, *epochs), ended, first=1, factor=factor, higher_is_better=higher
            )
            assert stops == asked.should_prune()
            if stops:
                break
        study.tell(asked, state=optuna.trial.TrialState.PRUNED)
        ended.append(trial(number, *epochs))


@settings(max_examples=30, deadline=None)
@given(CURVES, st.sampled_from(["asha", "hyperband", "median"]))
def test_the_same_records_give_the_same_decision(curves: list[list[float]], name: str) -> None:
    records = [record(n, {}, max(curve), epochs=curve) for n, curve in enumerate(curves)]
    own = trial(len(curves), 0.3, 0.4, 0.2)
    decision = pruner_of(name).stops(own, records)
    assert pruner_of(name).stops(again([own])[0], again(records)) == decision


def test_hyperband_has_more_trials_in_the_brackets_that_begin_early() -> None:
    pruner = HyperbandPruner(seed=0, higher_is_better=True, max_epochs=9)
    counts = [0, 0, 0]
    for number in range(2000):
        counts[pruner.bracket(number)] += 1
    # The budgets of the three brackets are ceil(3 * 9 / 3), ceil(3 * 3 / 2) and 3.
    assert [round(count / 2000, 1) for count in counts] == [0.5, 0.3, 0.2]
    late = next(n for n in range(100) if pruner.bracket(n) == 2)
    others = [trial(n, *[0.9] * 8) for n in range(100) if n != late]
    assert not any(pruner.stops(trial(late, *[0.1] * count), others) for count in range(1, 9))


def test_an_unknown_pruner_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"no pruner 'ahsa'. Did you mean 'asha'\? Expected one"):
        pruner_of("ahsa")
    assert pruner_names() == ["asha", "none", "median", "hyperband"]
    assert default_pruner("tpe") == registry.DEFAULT
    assert default_pruner("keras-hyperband") == "none"
