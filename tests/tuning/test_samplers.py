"""Samplers: functions of the records, never the same values twice, and better than random."""

from __future__ import annotations

import math
from importlib import metadata
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.tuning.dimension import Dimension, Space, Values
from modelwright.tuning.optuna_study import build_study, worst_value
from modelwright.tuning.samplers import registry
from modelwright.tuning.samplers.registry import make_sampler, sampler_names
from modelwright.tuning.samplers.sampler import Sampler
from modelwright.tuning.space_points import contains, point_text, random_point
from modelwright.tuning.trial_record import TrialRecord
from search_spaces import MIXED, SMALL, again, record, varied_record


def sampler_of(name: str, space: Space, seed: int = 0) -> Sampler:
    return make_sampler(name, space, seed=seed, higher_is_better=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 14), st.sampled_from(["random", "tpe"]))
def test_the_same_records_give_the_same_values(seed: int, count: int, name: str) -> None:
    generator = np.random.default_rng(seed)
    records = [varied_record(n, random_point(MIXED, generator)) for n in range(count)]
    values = sampler_of(name, MIXED, seed).propose(count, records)
    assert values is not None and contains(MIXED, values)
    assert sampler_of(name, MIXED, seed).propose(count, again(records)) == values


@pytest.mark.parametrize("name", ["random", "tpe"])
def test_seeds_and_numbers_give_other_values(name: str) -> None:
    found = [sampler_of(name, MIXED, seed).propose(n, []) for seed in range(3) for n in range(3)]
    assert len({point_text(values) for values in found if values}) == 9


@pytest.mark.parametrize("name", ["random", "tpe", "grid"])
def test_no_values_come_twice_and_then_the_space_is_exhausted(name: str) -> None:
    records: list[TrialRecord] = []
    for number in range(6):
        values = sampler_of(name, SMALL).propose(number, records)
        assert values is not None
        assert all(type(one) in (int, str) for one in values.values())
        records.append(record(number, values, 0.5 if number else math.nan))
    assert len({point_text(one.values) for one in records}) == 6
    assert sampler_of(name, SMALL).propose(6, records) is None


def test_the_grid_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="'train.learning_rate' takes any number from 0.0001"):
        sampler_of("grid", MIXED)
    large = tuple(Dimension(f"model.options.x{n}", "int", 0, 99, 1) for n in range(3))
    with pytest.raises(ConfigError, match="would train 1,000,000 points; expected at most 100,000"):
        sampler_of("grid", large)


def score(values: Values) -> float:
    """A hill at a rate of 1e-3 and a dropout of 0.2."""
    rate = math.log10(values["train.learning_rate"]) + 3
    return 1 - rate**2 - (values["model.dropout"] - 0.2) ** 2


def later_mean(name: str, seed: int, **changes: Any) -> float:
    records: list[TrialRecord] = []
    for number in range(25):
        values = sampler_of(name, MIXED, seed).propose(number, records) or {}
        records.append(record(number, values, score(values)))
    return sum(one.objective or 0 for one in records[10:]) / 15


def test_tpe_finds_better_values_than_random() -> None:
    gains = [later_mean("tpe", seed) - later_mean("random", seed) for seed in range(4)]
    assert min(gains) > 0


def test_tpe_minimizes_where_lower_is_better() -> None:
    space = (Dimension("model.options.x", "float", 0.0, 1.0),)
    records: list[TrialRecord] = []
    for number in range(30):
        sampler = make_sampler("tpe", space, seed=1, higher_is_better=False)
        values = sampler.propose(number, records) or {}
        records.append(record(number, values, values["model.options.x"]))
    assert sum(one.values["model.options.x"] for one in records[-10:]) / 10 < 0.2


def test_tpe_sees_what_other_workers_try() -> None:
    space = (Dimension("model.options.x", "float", 0.0, 1.0),)
    places = [0.1, 0.5, 0.48, 0.52, 0.9, 0.3, 0.7, 0.45, 0.55, 0.2]
    ended = [record(n, {"model.options.x": x}, 1 - abs(x - 0.5)) for n, x in enumerate(places)]
    pending = [
        record(10 + n, {"model.options.x": 0.49 + n / 100}, None, state="running") for n in range(3)
    ]
    alone = sampler_of("tpe", space).propose(13, ended)
    beside = sampler_of("tpe", space).propose(13, [*ended, *pending])
    assert alone != beside


def test_an_objective_that_is_no_number_is_the_worst() -> None:
    values = {"model.embedding": 1, "model.cell": "gru"}
    records = [
        record(0, values, 0.4, epochs=(0.3, 0.4)),
        record(1, values, math.nan, epochs=(0.35, math.nan)),
        record(2, values, None, state="failed", epochs=(math.nan,)),
        record(3, values, None, state="failed", epochs=(0.5,)),
        record(4, values, math.inf),
    ]
    assert worst_value(records, higher_is_better=True) == pytest.approx(0.1)
    assert worst_value(records, higher_is_better=False) == pytest.approx(0.7)
    trials = build_study(SMALL, records, higher_is_better=True).trials
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3 + ["FAIL", "COMPLETE"]
    worst = worst_value(records, higher_is_better=True)
    assert [trial.value for trial in trials] == [0.4, worst, worst, None, worst]
    assert trials[1].intermediate_values == {1: 0.35, 2: worst}


def test_an_unknown_sampler_names_the_known_ones() -> None:
    with pytest.raises(
        ConfigError, match=r"no sampler 'tpee'. Did you mean 'tpe'\? Expected one of"
    ):
        sampler_of("tpee", SMALL)
    assert sampler_names()[0] == registry.DEFAULT


def test_without_optuna_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[tune\]'"):
        sampler_of("tpe", SMALL)
    assert sampler_of("random", SMALL).propose(0, [])


class Constant:
    """A sampler of another package, which proposes the same values again and again."""

    values: ClassVar[Values] = {"model.embedding": 2, "model.cell": "gru"}

    def __init__(self, space: Space, **_: object) -> None:
        pass

    def propose(self, number: int, records: list[TrialRecord]) -> Values:
        return dict(self.values)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("constant", "test_samplers:Constant", registry.ENTRY_POINTS)
    monkeypatch.setattr(point.__class__, "load", lambda self: Constant)
    found = metadata.EntryPoints([point])
    monkeypatch.setattr(
        "modelwright.core.plugins.entry_points", lambda **wanted: found.select(**wanted)
    )


@pytest.mark.usefixtures("plugin")
def test_a_sampler_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "constant" in sampler_names()
    first = sampler_of("constant", SMALL).propose(0, [])
    assert first == Constant.values
    second = sampler_of("constant", SMALL).propose(1, [record(0, first, 0.1)])
    assert second is not None and second != first and contains(SMALL, second)
    monkeypatch.setattr(Constant, "values", {"model.embedding": 9, "model.cell": "gru"})
    with pytest.raises(ConfigError, match="'constant' proposed .* which is not in the space"):
        sampler_of("constant", SMALL).propose(0, [])
