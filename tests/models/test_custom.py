"""A user's function: usable names of its layers, its input, and where it failed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import build_network
from modelwright.models.custom import compiled_optimizer
from modelwright.models.network_size import limited_weights


def network(names: list[str], monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """Builds a network of images with dense layers of these names, as a user's function."""

    def build(shape: tuple[int, ...], classes: int, **_: Any) -> keras.Model:
        inputs = keras.Input(shape, dtype="uint8")
        x = keras.layers.Flatten()(inputs)
        for name in names:
            x = keras.layers.Dense(4, name=name)(x)
        return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x), name="own")

    module = ModuleType("users_module")
    module.build = build  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "users_module", module)
    model = ModelConfig(builder="custom", options={"function": "users_module:build"})
    return build_network(model, (4, 4, 3), 3)


def test_only_a_new_network_needs_usable_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert network(["_hidden", "a.b-c"], monkeypatch).name == "own"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["two words", "层", "fine"], "layers with the names 'two words', '层'; expected the"),
        (["_hidden", "fine_"], "layers with the names '_hidden'; expected"),
        (["same", "same"], 'failed with ValueError at .*"same" is used 2 times'),
        (["a/b"], "failed with ValueError at .*cannot contain character"),
    ],
)
def test_other_names_are_refused_before_the_training(
    names: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=message), limited_weights():
        network(names, monkeypatch)


def tuned(function: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """Builds a network of texts with a function that was written for Keras Tuner."""
    module = ModuleType("users_module")
    module.build = function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "users_module", module)
    options = {"function": "users_module:build", "vocabulary": 500}
    return build_network(ModelConfig(builder="custom", options=options), (40,), 2)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_network_without_an_input_gets_that_of_the_rows(
    policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(hp: Any) -> keras.Model:
        layers = keras.layers
        model = keras.Sequential([layers.Embedding(500, 8), layers.GlobalAveragePooling1D()])
        model.add(layers.Dense(hp.Int("units", 8, 32)))
        model.add(layers.Dense(1, activation="sigmoid"))
        model.compile("sgd", "binary_crossentropy")
        return model

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        network = tuned(build, monkeypatch)
    finally:
        keras.config.set_dtype_policy(before)
    assert network.input_shape == (None, 40)
    # Rows of ids that are the same number in bfloat16 are told apart.
    ids = np.full((2, 40), 400)
    ids[1] = 401
    first, second = np.asarray(network(ids))
    assert first != second
    found = compiled_optimizer(network)
    assert found is not None and found[0] == "sgd"


def test_an_error_names_the_line_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(hp: Any) -> keras.Model:
        raise ValueError("sixteen units are too many")

    line = build.__code__.co_firstlineno + 1
    with pytest.raises(ConfigError, match=f"ValueError at test_custom.py:{line}: sixteen units"):
        tuned(build, monkeypatch)


def test_a_network_whose_input_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(keras.Model):
        pass

    with pytest.raises(ConfigError, match=r"a Own whose input shape is unknown.*Input\(\(40,\)\)"):
        tuned(lambda hp: Own(), monkeypatch)
