"""A build_model(hp) written for Keras Tuner: its space, its trials, and what compile() says."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from modelwright.core.config import ModelConfig, TrainConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import build_network
from modelwright.models.custom import function_notes
from modelwright.tuning.keras_tuner_space import FunctionSpace, function_space
from modelwright.tuning.space import read_space

MODULE = "keras_tuner_nets"
Define = Callable[[Callable[[Any], Any]], str]


@pytest.fixture
def define(monkeypatch: pytest.MonkeyPatch) -> Define:
    """Makes a function importable, and returns its path."""

    def put(function: Callable[[Any], Any]) -> str:
        module = types.ModuleType(MODULE)
        module.build_model = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, MODULE, module)
        return f"{MODULE}:build_model"

    return put


def image_model(hp: Any) -> keras.Model:
    """An unchanged function as in Keras Tuner's guide, on small images."""
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten()])
    for place in range(hp.Int("layers", 1, 2)):
        model.add(
            layers.Dense(
                hp.Int(f"units_{place}", 4, 10, step=4), hp.Choice("act", ["relu", "tanh"])
            )
        )
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(hp.Float("share", 0.1, 0.5, step=0.2)))
    model.add(layers.Dense(3, activation="softmax"))
    rate = hp.Float("lr", 1e-4, 1e-2, sampling="log", default=3e-3)
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", ["accuracy"])
    return model


def found_space(path: str) -> FunctionSpace:
    found = function_space(path)
    assert found is not None
    return found


def test_the_space_of_a_function(define: Define) -> None:
    path = define(image_model)
    found = found_space(path)
    assert found.table == {
        "model.options.layers": {"from": 1, "to": 2},
        "model.options.units_0": {"from": 4, "to": 8, "step": 4},
        "model.options.act": {"choices": ["relu", "tanh"]},
        "model.options.dropout": {"choices": [False, True]},
        "train.learning_rate": {"from": 1e-4, "to": 1e-2, "scale": "log"},
        "model.options.units_1": {
            "from": 4, "to": 8, "step": 4, "when": {"model.options.layers": [2]},
        },
        "model.options.share": {
            "from": 0.1, "to": 0.5, "step": 0.2, "when": {"model.options.dropout": [True]},
        },
    }  # fmt: skip
    assert found.settings == {"data.image_size": 8, "train.optimizer": "adam"}
    assert any("'lr', which compile()" in note for note in found.notes)
    base = {"data": {"source": "photos"}, "model": {"recipe": path}}
    space = read_space(found.table, base)
    assert [one.kind for one in space].count("choice") == 2
    assert function_space("modelwright.models.cnn:build") is None


def test_a_trial_builds_the_network_with_its_values(define: Define) -> None:
    path = define(image_model)
    options = {"function": path, "options": {"layers": 2, "units_1": 8, "dropout": True}}
    network = build_network(ModelConfig(builder="custom", options=options), (8, 8, 3), 3)
    dense = [one for one in network._flatten_layers() if isinstance(one, layers.Dense)]
    assert sorted(layer.units for layer in dense) == [3, 4, 8]
    options["options"] = {"layers": 1, "units_1": 8}
    with pytest.raises(ConfigError, match=r"'model.options.units_1' has no effect"):
        build_network(ModelConfig(builder="custom", options=options), (8, 8, 3), 3)
    options["options"] = {}
    with pytest.raises(
        ConfigError, match=r"reads \(8, 8, 3\), but the rows have .*set data.image_size=8"
    ):
        build_network(ModelConfig(builder="custom", options=options), (16, 16, 3), 3)
    with pytest.raises(ConfigError, match=r"output \(None, 3\); expected .* width 4"):
        build_network(ModelConfig(builder="custom", options=options), (8, 8, 3), 4)


def test_what_a_function_says_is_not_dropped_in_silence(define: Define) -> None:
    path = define(image_model)
    custom = ModelConfig(builder="custom", options={"function": path})
    network = build_network(custom, (8, 8, 3), 3)
    scaled, compiled = function_notes(network, TrainConfig(), path)
    assert "has no Rescaling layer, so its pixels are scaled to 0 to 1" in scaled
    assert "set train.optimizer=adam and train.learning_rate=0.003" in compiled
    assert len(function_notes(network, TrainConfig(learning_rate=3e-3), path)) == 1
    network.compile(keras.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(0.1, 9)))
    assert "rmsprop with a schedule" in function_notes(network, TrainConfig(), path)[1]


def test_pixels_are_scaled_unless_the_network_does(define: Define) -> None:
    def build_model(hp: Any) -> keras.Model:
        scale = [layers.Rescaling(1.0)] if hp.Boolean("own") else []
        return keras.Sequential([keras.Input((8, 8, 3)), *scale, layers.GlobalMaxPooling2D()])

    options: dict[str, Any] = {"function": define(build_model)}
    row = np.full((1, 8, 8, 3), 255, np.uint8)
    for own, value in ((False, 1.0), (True, 255.0)):
        options["options"] = {"own": own}
        custom = ModelConfig(builder="custom", options=options)
        for precision in ("float32", "mixed_bfloat16"):
            network = build_network(custom, (8, 8, 3), 3, precision)
            assert network(row).numpy().tolist() == [[value] * 3]
            assert network.outputs[0].dtype == "float32"


def text_model(hp: Any) -> keras.Model:
    cell = hp.Choice("cell", ["lstm", "gru"])
    model = keras.Sequential([keras.Input((12,)), layers.Embedding(50, 4)])
    with hp.conditional_scope("cell", ["gru"]):
        if cell == "gru":
            model.add(layers.GRU(hp.Int("gru_units", 2, 4)))
    if cell == "lstm":
        model.add(layers.LSTM(hp.Choice("units", [2, 3])))
    model.add(layers.Dense(2, activation="softmax"))
    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


def test_conditional_scopes_and_the_optimizer(define: Define) -> None:
    path = define(text_model)
    found = found_space(path)
    assert found.table == {
        "model.options.cell": {"choices": ["lstm", "gru"]},
        "model.options.units": {"choices": [2, 3], "when": {"model.options.cell": ["lstm"]}},
        "train.optimizer": {"choices": ["adam", "sgd"]},
        "model.options.gru_units": {
            "from": 2, "to": 4, "when": {"model.options.cell": ["gru"]},
        },
    }  # fmt: skip
    assert found.settings["model.length"] == 12 and found.settings["model.vocabulary"] == 50
    custom = ModelConfig(builder="custom", options={"function": path, "vocabulary": 60})
    with pytest.raises(ConfigError, match="Embedding has 50 token ids, but .* up to 60; set model"):
        build_network(custom, (12,), 2)
    with pytest.raises(ConfigError, match=r"reads \(12,\), but .* set model.length=12"):
        build_network(custom, (20,), 2)


def dense(hp: Any, *units: int, **compiled: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten()])
    for width in (*units, 3):
        model.add(layers.Dense(width))
    if compiled:
        model.compile(loss="mse", **compiled)
    return model


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda hp: dense(hp), "asks for no hyperparameter that varies"),
        (lambda hp: dense(hp, hp.Fixed("units", 4)), "asks for no hyperparameter that varies"),
        (lambda hp: hp.Int("units", 1, 2), "returned int; expected a keras.Model"),
        (lambda hp: dense(hp, 1 // hp.Int("units", 0, 2)), "failed with ZeroDivisionError"),
        (
            lambda hp: dense(hp, hp.Int("a", 1, 2), hp.Int("b", 1, 2 + hp.get("a"))),
            "asks for 'b' as an integer from 1 to 3, but with a=2 as an integer from 1 to 4",
        ),
        (
            lambda hp: dense(hp, hp.Int("a", 1, 2), optimizer="rmsprop"),
            "optimizer rmsprop, which .* expected one of adam, adamw, sgd, adagrad",
        ),
        (
            lambda hp: dense(hp, optimizer=keras.optimizers.Adam(10 ** -hp.Float("power", 2, 4))),
            "computes the learning rate from 'power' in a way that cannot be searched",
        ),
        (
            lambda hp: dense(
                hp, hp.Int("a", 1, 2), optimizer=keras.optimizers.Adam(hp.get("a") / 100)
            ),
            "'a' sets layers and also 'train.learning_rate' by compile",
        ),
    ],
)
def test_functions_that_cannot_be_searched(
    define: Define, function: Callable[[Any], Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        function_space(define(function))


def test_a_rate_that_is_computed_from_few_values_becomes_a_choice(define: Define) -> None:
    def build_model(hp: Any) -> keras.Model:
        rate = 10.0 ** -hp.Int("power", 2, 4)
        return dense(hp, optimizer=keras.optimizers.SGD(rate))

    found = found_space(define(build_model))
    assert found.table == {"train.learning_rate": {"choices": [0.01, 0.001, 0.0001]}}
    assert found.settings["train.optimizer"] == "sgd"


def test_values_with_which_the_function_fails_are_told(define: Define) -> None:
    def build_model(hp: Any) -> keras.Model:
        if hp.Choice("kind", ["a", "b"]) == "b":
            raise ValueError("b is not ready")
        return dense(hp, hp.Int("units", 1, 2))

    found = found_space(define(build_model))
    assert "with kind='b', model function" in found.notes[0]
    assert "b is not ready" in found.notes[0]
    assert "when" not in found.table["model.options.units"]
