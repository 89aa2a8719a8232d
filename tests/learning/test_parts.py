"""The parts of every builder's network, found from its graph."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.learning.parts import find_parts, named_layers, named_weights
from modelwright.models import pretrained
from modelwright.models.builders import build_network
from tiny_backbone import build_tiny

TEXT = {"vocabulary": 20, "length": 8}
SMALL = {
    "bilstm": TEXT | {"embedding": 4, "units": [4], "dense": 4},
    "textcnn": TEXT | {"embedding": 4, "filters": 4, "context": 3},
    "regions": TEXT | {"known": 20, "filters": 4},
    "ngrams": TEXT | {"buckets": 64},
    "committee": TEXT | {"buckets": 64, "known": 20, "filters": 4},
    "cnn": {"filters": [4], "units": 4, "batch_norm": True},
    "whitened": {"widths": [4, 4], "depth": 1},
}


def plain(names: tuple[str, ...]) -> set[str]:
    return {name.rstrip("0123456789").rstrip("_") for name in names}


def small(builder: str, classes: int = 2) -> Any:
    shape = (8,) if "length" in SMALL[builder] else (16, 16, 3)
    return build_network(ModelConfig(builder=builder, options=SMALL[builder]), shape, classes)


@pytest.mark.parametrize(
    ("builder", "last", "dense"),
    [
        ("bilstm", {"probability"}, {"dense", "probability"}),
        ("textcnn", {"probability"}, {"probability"}),
        ("regions", {"probability"}, {"probability"}),
        ("ngrams", {"scores"}, {"scores"}),
        ("committee", {"scores", "probability"}, {"scores", "probability"}),
        ("cnn", {"probability"}, {"dense", "batch_normalization", "probability"}),
        ("whitened", {"probability"}, {"probability"}),
    ],
)
def test_parts_of_a_builder(builder: str, last: set[str], dense: set[str]) -> None:
    network = small(builder)
    parts = find_parts(network)
    assert plain(parts.last) == last
    assert plain(parts.dense) == dense
    assert set(parts.features) == set(named_layers(network)) - set(parts.last)
    if builder == "cnn":  # the normalization of the convolutions is no part of the dense layers
        assert len(parts.dense) == 3
        assert "batch_normalization" in plain(parts.before_dense)


def test_parts_of_a_pretrained_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    model = ModelConfig(builder="pretrained", options={"side": 32})
    network = build_network(model, (32, 32, 3), 3)
    parts = find_parts(network)
    assert parts.last == parts.dense == ("probabilities",)
    inside = {name.partition("/")[2] for name in parts.features}
    assert inside == {
        "stem_conv",
        "block0_conv",
        "block0_bn",
        "block1_conv",
        "block1_bn",
        "head_conv",
    }


def test_parts_of_a_nested_network() -> None:
    inputs = keras.Input((6, 6, 1))
    x = keras.layers.Conv2D(2, 3, name="conv")(inputs)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(4, name="dense")(x)
    inner = keras.Model(inputs, keras.layers.Dense(3, "softmax", name="answer")(x), name="inner")
    image = keras.Input((6, 6, 1), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255)(image)
    network = keras.Model(image, keras.layers.Activation("linear")(inner(scaled)))
    parts = find_parts(network)
    assert parts.last == ("inner/answer",)
    assert parts.dense == ("inner/dense", "inner/answer")
    assert parts.before_dense == ("inner/conv",)


def test_a_nested_backbone_is_left_through_its_input() -> None:
    image = keras.Input((6, 6, 1))
    stem = keras.layers.Conv2D(2, 1, name="stem")(image)
    inner = keras.Sequential([keras.Input((6, 6, 2)), keras.layers.Flatten()], name="inner")
    network = keras.Model(image, keras.layers.Dense(2, "softmax", name="answer")(inner(stem)))
    parts = find_parts(network)
    assert (parts.last, parts.dense, parts.features) == (("answer",), ("answer",), ("stem",))


def test_a_normalization_before_the_answer_belongs_to_the_last_layer() -> None:
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3, name="hidden")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(keras.layers.Dense(3, name="answer")(x))
    parts = find_parts(keras.Model(inputs, keras.layers.Softmax()(x)))
    assert parts.last == ("answer", "norm")
    assert parts.dense == ("answer", "norm")  # a network of dense layers alone keeps the others
    assert parts.features == ("hidden",)


def test_dense_layers_of_each_position_are_features() -> None:
    inputs = keras.Input((5, 4))
    x = keras.layers.Dense(3, name="of_each_position")(inputs)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dense(3, name="hidden")(x)
    parts = find_parts(keras.Model(inputs, keras.layers.Dense(2, name="answer")(x)))
    assert parts.dense == ("hidden", "answer")


def test_names_of_weights_are_the_same_in_the_next_network() -> None:
    first, second = named_weights(small("cnn", 3)), named_weights(small("cnn", 3))
    assert list(first) == list(second)
    assert len(first) == len(small("cnn", 3).trainable_weights)
    for name, weight in first.items():
        assert np.shape(weight) == np.shape(second[name])
