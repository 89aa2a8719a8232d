"""Builders by name: those of the project, and those that other packages register."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import modelwright
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import BUILDERS, PLUGINS, build_network, find_builder
from plugin_package import install

TABLE = """
from modelwright.core.config import Positive, Table
from modelwright.models.builders import Builder

class Options(Table):
    units: Positive = 4

FLAT = Builder(Options, "acme_network", "image")
OTHER = object()
"""
NETWORK = """
import keras

def build(options, shape, classes):
    inputs = keras.Input(shape)
    x = keras.layers.Dense(options.units)(keras.layers.Flatten()(inputs))
    return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x))

def adapt(network, options, data):
    network.layers[-1].bias.assign([0.0, 9.0, 0.0])
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules = {"acme_table": TABLE, "acme_network": NETWORK}
    entries = {"flat": "acme_table:FLAT", "other": "acme_table:OTHER"}
    install(tmp_path, monkeypatch, PLUGINS, entries, modules)


@pytest.mark.usefixtures("acme")
def test_a_builder_of_another_package_checks_its_options_and_builds() -> None:
    network = build_network(ModelConfig(builder="flat", options={"units": 6}), (2, 2, 3), 3)
    assert isinstance(network, keras.Model)
    assert network.layers[2].units == 6
    with pytest.raises(ConfigError, match=r"unknown key 'model\.unit'\. Did you mean 'units'"):
        build_network(ModelConfig(builder="flat", options={"unit": 6}), (2, 2, 3), 3)


@pytest.mark.usefixtures("acme")
def test_a_builder_of_another_package_trains_under_its_name(colors: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train = {"epochs": 1, "precision": "float32", "learning_rate": 1e-6}
    modelwright.train(
        data={"source": str(colors)}, model={"recipe": "flat", "units": 3}, train=train, out=out
    )
    assert 'builder = "flat"' in (out / "config.toml").read_text()
    report = modelwright.evaluate(out)
    predicted = np.array(report.metrics.confusion).sum(axis=0)
    assert predicted.argmax() == 1, "adapt was called"


@pytest.mark.usefixtures("acme")
def test_an_entry_point_that_is_not_a_builder_is_rejected() -> None:
    with pytest.raises(ConfigError, match=r"'other' in 'modelwright\.builders' is a object"):
        find_builder("other")
    with pytest.raises(ConfigError, match=r"unknown builder 'flatt'\. Did you mean 'flat'\?"):
        find_builder("flatt")


def test_an_unknown_builder_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown builder 'cn'\. Did you mean 'cnn'\?") as error:
        find_builder("cn")
    assert all(name in str(error.value) for name in BUILDERS)
