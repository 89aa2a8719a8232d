"""The samplers that need a package of their own: cma, and the oracles of Keras Tuner."""

from __future__ import annotations

import math

import keras_tuner
import numpy as np
import pytest

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.samplers.keras_oracles import hyperparameters
from modelwright.tuning.samplers.registry import make_sampler
from modelwright.tuning.space_points import contains, random_point
from modelwright.tuning.trial_record import TrialRecord
from search_spaces import MIXED, SMALL, again, record, varied_record

NUMBERS: Space = (MIXED[0], MIXED[3], MIXED[4])
SPACES = {"cma": NUMBERS, "keras-random": MIXED, "keras-hyperband": MIXED}


def propose(
    name: str, space: Space, records: list[TrialRecord], seed: int = 0, epochs: int | None = 9
) -> Values | None:
    sampler = make_sampler(name, space, seed=seed, higher_is_better=True, max_epochs=epochs)
    return sampler.propose(len(records), records)


@pytest.mark.parametrize("name", SPACES)
def test_the_same_records_give_the_same_values(name: str) -> None:
    space, generator = SPACES[name], np.random.default_rng(1)
    records = [varied_record(n, random_point(space, generator)) for n in range(13)]
    values = propose(name, space, records)
    assert values is not None
    assert contains(space, {key: one for key, one in values.items() if key != "train.epochs"})
    assert all(type(one) in (int, float, str, list) for one in values.values())
    assert propose(name, space, again(records)) == values
    assert propose(name, space, records, seed=1) != values
    assert propose(name, space, records[:-1]) != values


def test_the_gaussian_process_goes_on_from_the_records() -> None:
    # Two dimensions: six random trials, then the process.
    records = [
        record(n, {"model.embedding": 1 + n % 3, "model.cell": "gru" if n > 2 else "lstm"}, n / 10)
        for n in range(4)
    ]
    values = propose("keras-bayesian", SMALL, records)
    assert values is not None and values not in [one.values for one in records]
    line = (MIXED[3],)
    rates = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2]
    known = [
        record(n, {"train.learning_rate": rate}, -((math.log10(rate) + 3) ** 2))
        for n, rate in enumerate(rates)
    ]
    found = propose("keras-bayesian", line, known)
    assert found is not None and 4e-4 < found["train.learning_rate"] < 3e-3
    assert propose("keras-bayesian", line, again(known)) == found
    running = record(5, found, None, state="running")
    beside = propose("keras-bayesian", line, [*known, running])
    assert beside is not None and beside != found


def test_cma_moves_to_the_better_numbers() -> None:
    records: list[TrialRecord] = []
    for number in range(42):
        values = propose("cma", NUMBERS, records) or {}
        score = -((math.log10(values["train.learning_rate"]) + 2.3) ** 2)
        records.append(record(number, values, score))
    early, late = ([one.objective or 0.0 for one in part] for part in (records[:7], records[-14:]))
    assert sum(late) / len(late) > sum(early) / len(early)


def test_cma_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match=r"train.optimizer, model.units has choices, which have"):
        propose("cma", MIXED, [])
    with pytest.raises(ConfigError, match=r"at least two dimensions.*the space has 1"):
        propose("cma", NUMBERS[:1], [])


def hyperband_search(count: int, stopped: bool) -> list[TrialRecord]:
    """Searches with one worker; with ``stopped`` each trial comes after a round trip as JSON."""
    records: list[TrialRecord] = []
    for number in range(count):
        values = propose("keras-hyperband", MIXED, again(records) if stopped else records)
        assert values is not None
        score = -((math.log10(values["train.learning_rate"]) + 3) ** 2)
        records.append(record(number, values, score))
    return records


def test_hyperband_promotes_the_best_to_more_epochs() -> None:
    records = hyperband_search(21, stopped=False)
    epochs = [one.values["train.epochs"] for one in records]
    # Three brackets of 9 epochs by factor 3, with sizes that Keras Tuner computes.
    assert epochs == [1] * 9 + [3] * 3 + [9] + [3] * 5 + [9] * 2 + [9]
    first = sorted(records[:9], key=lambda one: one.objective or 0, reverse=True)[:3]
    promoted = [one.values["train.learning_rate"] for one in records[9:12]]
    assert promoted == [one.values["train.learning_rate"] for one in first]
    assert records[12].values["train.learning_rate"] == promoted[0]
    assert records == hyperband_search(21, stopped=True)


def test_hyperband_needs_the_epochs_for_itself() -> None:
    with pytest.raises(ConfigError, match=r"itself sets 'train.epochs' of each trial"):
        propose("keras-hyperband", MIXED, [], epochs=None)


def test_a_space_as_hyperparameters_of_keras_tuner() -> None:
    found = hyperparameters(MIXED)
    kinds = [type(one).__name__ for one in found.space]
    assert kinds == ["Int", "Choice", "Choice", "Float", "Float", "Float"]
    assert found.space[2].values == ["[32]", "[64, 32]", "[128, 64]"]
    assert isinstance(found, keras_tuner.HyperParameters)
    assert [
        one.parent.name if hasattr(one, "parent") else one.name for one in found.space[5].conditions
    ] == ["train.optimizer"]


def test_what_an_oracle_prints_is_dropped(capfd: pytest.CaptureFixture[str]) -> None:
    propose("keras-random", MIXED, [])
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(("name", "extra"), [("cma", "cmaes"), ("keras-random", "keras-tuner")])
def test_without_the_package_the_error_names_the_extra(
    name: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=rf"pip install 'modelwright\[{extra}\]'"):
        propose(name, NUMBERS, [])
