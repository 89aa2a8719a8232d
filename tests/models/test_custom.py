"""The names of a user's layers: usable in a graph, or refused before training."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import keras
import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import build_network
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
