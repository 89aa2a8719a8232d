"""The object hp: the values of a trial, and what a function asks for; compared with Keras Tuner."""

from __future__ import annotations

from typing import Any

import keras_tuner
import pytest

from modelwright.core.errors import ConfigError
from modelwright.models.hyperparameters import (
    HyperParameters,
    call_with_hyperparameters,
    takes_hyperparameters,
)


def ask(hp: Any) -> list[Any]:
    """Asks for one of each kind, as a function for Keras Tuner does."""
    found = [
        hp.Int("units", 32, 128, step=32),
        hp.Int("depth", min_value=1, max_value=3, default=2),
        hp.Float("dropout", 0.0, 0.5, step=0.1),
        hp.Float("rate", 1e-4, 1e-2, sampling="log"),
        hp.Choice("cell", ["lstm", "gru"]),
        hp.Choice("width", [3, 5], default=5, ordered=False),
        hp.Boolean("norm"),
        hp.Fixed("seed", 7),
    ]
    with hp.conditional_scope("cell", ["gru"]):
        found.append(hp.Int("reset", 1, 2))
    found.append(hp.Float("inner", 1, 2, parent_name="cell", parent_values=["lstm"]))
    with hp.name_scope("head"):
        found.append(hp.Int("units", 8, 16))
    return [*found, hp.get("units"), hp["depth"], "units" in hp, "other" in hp]


def test_defaults_are_those_of_keras_tuner() -> None:
    own, theirs = HyperParameters(), keras_tuner.HyperParameters()
    assert ask(own) == ask(theirs)
    assert own.values == theirs.values
    assert [type(value) for value in own.values.values()] == [
        int, int, float, float, str, int, bool, int, float, int,
    ]  # fmt: skip


def test_given_values_are_plain_and_conditional_scopes_follow_them() -> None:
    hp = HyperParameters({"units": 64, "cell": "gru", "reset": 2, "norm": True, "head/units": 9})
    assert ask(hp)[8:11] == [2, None, 9]
    assert "inner" not in hp and "inner" in hp.asked
    assert (hp.get("units"), hp.get("norm"), hp.asked["reset"].scopes) == (
        64,
        True,
        (("cell", ("gru",)),),
    )
    with pytest.raises(KeyError):
        hp.get("never")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"units": 200}, "'units' was given 200; expected an integer from 32 to 128"),
        ({"units": 40.5}, "'units' was given 40.5; expected an integer"),
        ({"units": True}, "'units' was given True"),
        ({"rate": "fast"}, "'rate' was given 'fast'; expected a number from 0.0001 to 0.01"),
        ({"cell": "rnn"}, "'cell' was given 'rnn'; expected one of 'lstm', 'gru'"),
        ({"norm": 1}, "'norm' was given 1; expected one of False, True"),
        ({"unit": 64}, "'model.options.unit' has no effect.*Did you mean 'units'?"),
        ({"reset": 1}, "'model.options.reset' has no effect"),
    ],
)
def test_values_that_the_function_cannot_use(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        call_with_hyperparameters(ask, given, "nets:build_model")


def test_dotted_names_are_nested_tables() -> None:
    found = call_with_hyperparameters(
        lambda hp: hp.Int("first.units", 1, 9), {"first": {"units": 3}}, "nets:build"
    )
    assert found == 3


def test_steps_on_a_logarithmic_scale_are_refused() -> None:
    with pytest.raises(ConfigError, match="has sampling='log' and step=2; expected one of them"):
        HyperParameters().Int("units", 2, 32, step=2, sampling="log")
    with pytest.raises(ConfigError, match="has sampling='reverse_log'; expected 'linear' or 'log'"):
        HyperParameters().Float("rate", 0.1, 1, sampling="reverse_log")


def test_a_function_for_keras_tuner_requires_hp_alone() -> None:
    assert takes_hyperparameters(lambda hp: hp)
    assert takes_hyperparameters(lambda hp, width=3, **more: hp)
    assert not takes_hyperparameters(lambda shape, classes: shape)
    assert not takes_hyperparameters(lambda hp, classes: hp)
    assert not takes_hyperparameters(lambda: None)
    assert not takes_hyperparameters(lambda shape: shape)
