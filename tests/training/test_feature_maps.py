"""The recorded outputs of convolutions, their plot, and the errors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.runs.run import load_run
from modelwright.training.convolution_outputs import convolution_outputs, most_varied_channels

PIXELS = np.random.default_rng(0).integers(0, 255, (12, 12, 3)).astype(np.uint8)


def network(body: Callable[[Any], Any]) -> keras.Model:
    """Returns a network from uint8 images through ``body`` to three probabilities."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((12, 12, 3), dtype="uint8")
    x = body(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(x))


def test_outputs_are_those_after_normalization_and_activation_without_pooling() -> None:
    layers = keras.layers
    convolution = layers.Conv2D(4, 3, use_bias=False)
    normalize = layers.BatchNormalization(beta_initializer="ones")
    made = network(
        lambda x: layers.Activation("relu")(normalize(layers.MaxPooling2D()(convolution(x))))
    )
    [(name, values)], probabilities = convolution_outputs(made, PIXELS)
    expected = keras.ops.relu(normalize(convolution(PIXELS[None] / np.float32(255))))
    assert name == convolution.name and values.shape == (10, 10, 4)
    np.testing.assert_allclose(values, np.asarray(expected)[0], atol=1e-5)
    np.testing.assert_allclose(probabilities, made.predict(PIXELS[None], verbose=0)[0], atol=1e-6)


def test_layers_after_an_activation_are_not_recorded() -> None:
    layers = keras.layers
    convolution = layers.Conv2D(4, 3, activation="relu")
    made = network(lambda x: layers.Activation("tanh")(layers.BatchNormalization()(convolution(x))))
    [(_, values)], _ = convolution_outputs(made, PIXELS)
    expected = np.asarray(convolution(PIXELS[None] / np.float32(255)))[0]
    np.testing.assert_allclose(values, expected, atol=1e-6)


class Block(keras.layers.Layer):
    """Two convolutions inside a custom layer, invisible to the functional graph."""

    def __init__(self) -> None:
        super().__init__()
        self.one = keras.layers.Conv2D(2, 1, name="one")
        self.two = keras.layers.DepthwiseConv2D(3, name="two")

    def call(self, inputs: Any) -> Any:
        return self.two(self.one(inputs))


def test_nested_custom_and_shared_layers_are_recorded() -> None:
    inner = keras.Sequential(
        [keras.Input((12, 12, 3)), keras.layers.Conv2D(3, 3, padding="same", name="inner")]
    )
    made = network(lambda x: Block()(inner(inner(x))))
    outputs, _ = convolution_outputs(made, PIXELS)
    assert [(name, values.shape) for name, values in outputs] == [
        ("inner", (12, 12, 3)),
        ("inner", (12, 12, 3)),
        ("one", (12, 12, 2)),
        ("two", (10, 10, 2)),
    ]
    # Afterwards the layers have their own calls again.
    assert len(convolution_outputs(made, PIXELS)[0]) == 4


def test_channels_are_ordered_by_how_much_they_vary() -> None:
    flat = np.array([[1, 5, 0], [1, 5, 9]], np.float32).reshape(1, 2, 3)
    assert most_varied_channels(flat, 2) == (2, 1)
    assert most_varied_channels(np.array([[[-3, 1, 2]]], np.float32), 5) == (0, 2, 1)


def test_the_first_test_image_is_the_default(image_run: Path, tmp_path: Path) -> None:
    report = modelwright.layers(image_run)
    assert report.file == image_run / "plots" / "layers.png"
    with Image.open(report.file) as drawn:
        assert min(drawn.size) > 300
    assert [one.shape for one in report.layers] == [(14, 14, 4), (5, 5, 8)]
    assert [len(one.drawn) for one in report.layers] == [4, 8]
    assert report.label in load_run(image_run).labels
    source = Path(modelwright.load_data(load_run(image_run).config.data).source)
    again = modelwright.layers(image_run, source / report.image, out=tmp_path / "l.png")
    assert again.label is None and again.file == tmp_path / "l.png"
    assert again.probability == report.probability
    assert [one.drawn for one in again.layers] == [one.drawn for one in report.layers]


def test_a_gray_image_of_another_size_is_converted(image_run: Path, tmp_path: Path) -> None:
    Image.new("L", (50, 31), 90).save(tmp_path / "gray.png")
    report = modelwright.layers(image_run, tmp_path / "gray.png", out=tmp_path / "l.png")
    assert report.layers[0].shape == (14, 14, 4)


def test_runs_and_files_that_cannot_be_drawn_are_refused(
    text_run: Path, image_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"text classifies texts, but layers are drawn for im"):
        modelwright.layers(text_run)
    with pytest.raises(DataError, match=r"no\.png: the image's file cannot be read"):
        modelwright.layers(image_run, tmp_path / "no.png")
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(DataError, match=r"a\.png: the image is not a PNG, JPEG"):
        modelwright.layers(image_run, tmp_path / "a.png")
    assert not (tmp_path / "l.png").exists()


CUSTOM_NETWORK = """
import keras

def build(shape, classes, convolutions):
    inputs = keras.Input(shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    for _ in range(convolutions):
        x = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(x)
    x = keras.layers.Flatten()(x)
    return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x))
"""


@pytest.mark.parametrize("convolutions", [0, 11])
def test_custom_networks_without_convolutions_and_with_many(
    convolutions: int, colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "layers_own.py").write_text(CUSTOM_NETWORK)
    monkeypatch.chdir(tmp_path)
    trained = modelwright.train(
        data={"source": str(colors), "limit": 12},
        model={"recipe": "layers_own:build", "options": {"convolutions": convolutions}},
        train={"epochs": 1, "precision": "float32", "tensorboard": False},
        out=tmp_path / "run",
    )
    if not convolutions:
        with pytest.raises(ConfigError, match="has no 2-D convolution, so there is nothing to d"):
            modelwright.layers(trained.run)
        return
    report = modelwright.layers(trained.run)
    drawn = [bool(one.drawn) for one in report.layers]
    assert (len(drawn), sum(drawn), drawn[0], drawn[-1]) == (11, 8, True, True)
