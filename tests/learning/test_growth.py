"""Growing a network: the old answers stay, for every builder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.grown_weights import NEW_CLASS_SHARE
from modelwright.learning.growth import Grown, grow_network
from modelwright.models import pretrained
from modelwright.models.builders import build_network, check_options
from modelwright.models.ngrams import NO_BUCKET
from modelwright.models.output_layer import two_columns
from tiny_backbone import build_tiny

LENGTH, KNOWN, MORE = 7, 12, 16
NGRAMS = {"vocabulary": 12, "buckets": 4096, "longest": 3, "min_count": 1}
TEXT_BUILDERS: dict[str, dict[str, Any]] = {
    "bilstm": {"vocabulary": 12, "embedding": 3, "units": [3, 2], "dense": 4},
    "textcnn": {"vocabulary": 12, "embedding": 3, "filters": 3, "context": 4},
    "regions": {"vocabulary": 12, "known": 9, "filters": 5, "context": 4},
    "ngrams": NGRAMS,
    "committee": {**NGRAMS, "filters": 5, "context": 3},
}
IMAGE_BUILDERS: dict[str, dict[str, Any]] = {
    "cnn": {"filters": [3, 4], "units": 5, "batch_norm": True},
    "whitened": {"widths": [4, 5]},
    "pretrained": {"side": 32},
}
SHAPE = (20, 20, 3)
SIZES = [(2, 4), (3, 4)]
MODULE = """
import keras
from keras import layers

def text(shape, classes, vocabulary):
    inputs = keras.Input(shape, dtype="int32")
    x = layers.Embedding(vocabulary, 3)(inputs)
    x = layers.GlobalAveragePooling1D()(x)
    units, kind = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    return keras.Model(inputs, layers.Dense(units, kind)(x))

def own_scores(shape, classes, vocabulary):
    inputs = keras.Input(shape, dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(vocabulary, 3)(inputs))
    scores = layers.Dense(classes)(layers.Dense(4, "relu")(x))
    return keras.Model(inputs, layers.Softmax()(scores))

def more_layers(shape, classes, vocabulary):
    inputs = keras.Input(shape, dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(vocabulary, 3)(inputs))
    for _ in range(classes):
        x = layers.Dense(4)(x)
    return keras.Model(inputs, layers.Dense(classes, "softmax")(x))

def independent(shape, classes, vocabulary):
    inputs = keras.Input(shape, dtype="int32")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(vocabulary, 3)(inputs))
    return keras.Model(inputs, layers.Dense(classes, "sigmoid")(x))
"""


def trained(model: ModelConfig, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network whose weights are all different, as after a training."""
    network = build_network(model, shape, classes)
    random = np.random.default_rng(3)
    for weight in network.weights:
        values = random.normal(0, 0.7, weight.shape)
        weight.assign(np.abs(values) + 0.1 if "variance" in weight.path else values)
    if model.builder in ("ngrams", "committee"):
        scores = network.get_layer("scores")
        scores.weight.assign(scores.weight / scores.scale)
        ratio = scores.ratio.numpy()
        ratio[NO_BUCKET] = 0
        scores.ratio.assign(ratio)
    return network


def answers(network: Any, inputs: Any) -> Any:
    return two_columns(keras.ops.convert_to_numpy(network(keras.ops.convert_to_tensor(inputs))))


def texts(known: int = KNOWN, rows: int = 40) -> Any:
    ids = np.random.default_rng(1).integers(1, known, (rows, LENGTH)).astype(np.int32)
    ids[::3, 4:] = 0
    return ids


def images(rows: int = 6) -> Any:
    return np.random.default_rng(1).integers(0, 256, (rows, *SHAPE)).astype(np.uint8)


def grow(
    network: Any, model: ModelConfig, before: int, after: int, tokens: tuple[int, int]
) -> Grown:
    names = [f"class {number}" for number in range(after)]
    return grow_network(
        network,
        model,
        labels_before=names[:before],
        labels=names,
        tokens_before=tokens[0],
        tokens=tokens[1],
    )


@pytest.fixture
def custom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "grown_functions.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "grown_functions", raising=False)
    return "grown_functions"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)


def check(model: ModelConfig, inputs: Any, before: int, after: int) -> Grown:
    """Grows a network by classes, and checks the answers."""
    text = inputs.ndim == 2
    network = trained(model, inputs.shape[1:], before)
    old = answers(network, inputs)
    grown = grow(network, model, before, after, (KNOWN, KNOWN) if text else (0, 0))
    new = answers(grown.network, inputs)
    assert new.shape == (len(inputs), after)
    assert new[:, before:].sum(axis=1).max() <= NEW_CLASS_SHARE
    kept = new[:, :before] / new[:, :before].sum(axis=1, keepdims=True)
    loose = 0.003 if model.builder == "committee" else 2e-6
    np.testing.assert_allclose(kept, old, atol=loose)
    assert (new.argmax(axis=1) == old.argmax(axis=1)).mean() >= (0.95 if loose > 1e-3 else 1)
    np.testing.assert_array_equal(answers(network, inputs), old)
    again = build_network(grown.model, inputs.shape[1:], after)
    again.set_weights(grown.network.get_weights())
    np.testing.assert_array_equal(answers(again, inputs), new)
    return grown


@pytest.mark.parametrize(
    ("builder", "sizes"),
    [("bilstm", (2, 4)), ("regions", (3, 4))]
    + [(name, sizes) for name in ("textcnn", "ngrams", "committee") for sizes in SIZES],
)
def test_a_text_network_keeps_its_answers_with_more_classes(
    builder: str, sizes: tuple[int, int]
) -> None:
    model = ModelConfig(builder=builder, options=TEXT_BUILDERS[builder])
    grown = check(model, texts(), *sizes)
    assert grown.model == model
    assert "last layer grows from" in grown.notes[0]


@pytest.mark.parametrize(
    ("builder", "sizes"),
    [("cnn", (2, 4)), ("pretrained", (3, 4)), ("whitened", (2, 4)), ("whitened", (3, 4))],
)
def test_an_image_network_keeps_its_answers_with_more_classes(
    builder: str, sizes: tuple[int, int]
) -> None:
    model = ModelConfig(builder=builder, options=IMAGE_BUILDERS[builder])
    grown = check(model, images(), *sizes)
    assert grown.model.options == model.options | ({"bias": True} if builder == "whitened" else {})


@pytest.mark.parametrize(
    ("builder", "classes"), [*((name, 2) for name in TEXT_BUILDERS), ("ngrams", 3)]
)
def test_new_tokens_count_as_unknown_ones(builder: str, classes: int) -> None:
    model = ModelConfig(builder=builder, options=TEXT_BUILDERS[builder])
    network = trained(model, (LENGTH,), classes)
    grown = grow(network, model, classes, classes, (KNOWN, MORE))
    ids = texts(MORE)
    unknown = np.where(ids >= KNOWN, 1, ids)
    assert (ids != unknown).any()
    np.testing.assert_allclose(
        answers(grown.network, texts()), answers(network, texts()), atol=1e-6
    )
    if builder in ("ngrams", "committee"):  # every bucket is taken here, so any new run collides
        ids[:, 1::2], ids[:, ::2] = 1, np.where(ids[:, ::2] >= KNOWN, ids[:, ::2], KNOWN)
        unknown = np.where(ids >= KNOWN, 1, ids)
    np.testing.assert_allclose(answers(grown.network, ids), answers(network, unknown), atol=1e-6)
    options: Any = check_options(grown.model)
    assert options.vocabulary == MORE
    if builder in ("ngrams", "committee"):
        assert options.buckets - options.vocabulary == 4096 - 12


def test_tokens_that_the_options_have_room_for_need_no_other_options() -> None:
    options = {**TEXT_BUILDERS["textcnn"], "context": 0, "vocabulary": 20}
    model = ModelConfig(builder="textcnn", options=options)
    network = trained(model, (LENGTH,), 2)
    grown = grow(network, model, 2, 2, (KNOWN, MORE))
    assert grown.model == model
    ids = texts(MORE)
    unknown = np.where(ids >= KNOWN, 1, ids)
    np.testing.assert_allclose(answers(grown.network, ids), answers(network, unknown), atol=1e-6)
    assert not np.allclose(answers(network, ids), answers(network, unknown), atol=1e-3)


def test_classes_and_tokens_grow_together_in_rows_of_any_length() -> None:
    model = ModelConfig(builder="textcnn", options=TEXT_BUILDERS["textcnn"])
    network = build_network(model, (None,), 2)
    grown = grow(network, model, 2, 3, (KNOWN, MORE))
    assert grown.network.input_shape == (None, None)
    old, new = answers(network, texts()), answers(grown.network, texts())
    np.testing.assert_allclose(new[:, :2] / new[:, :2].sum(1, keepdims=True), old, atol=1e-6)


@pytest.mark.parametrize(("known", "after"), [(9, 9), (12, 16), (30, 30)])
def test_regions_learn_new_tokens_only_if_they_know_all_old_ones(known: int, after: int) -> None:
    options = {"vocabulary": 12, "known": known, "filters": 4}
    model = ModelConfig(builder="regions", options=options)
    grown = grow(build_network(model, (LENGTH,), 2), model, 2, 2, (KNOWN, MORE))
    assert grown.model.options == {**options, "vocabulary": MORE, "known": after}
    assert grown.network.get_layer("regions").vocabulary == min(after, MORE)
    assert ("stay unknown to them" in grown.notes[-1]) is (known == 9)


def test_a_network_that_need_not_grow_is_returned_itself() -> None:
    model = ModelConfig(builder="ngrams", options=NGRAMS)
    network = build_network(model, (LENGTH,), 2)
    grown = grow(network, model, 2, 2, (KNOWN, KNOWN))
    assert grown.network is network
    assert grown.model is model
    assert grown.notes == ()


@pytest.mark.parametrize("function", ["text", "own_scores"])
@pytest.mark.parametrize("sizes", [(2, 3), (3, 4)])
def test_a_function_of_the_user_grows_where_it_takes_any_sizes(
    custom: str, function: str, sizes: tuple[int, int]
) -> None:
    options = {"function": f"{custom}:{function}", "vocabulary": 12, "length": LENGTH}
    model = ModelConfig(builder="custom", options=options)
    check(model, texts(), *sizes)
    network = trained(model, (LENGTH,), sizes[0])
    grown = grow(network, model, sizes[0], sizes[1], (KNOWN, MORE))
    assert grown.model.options["vocabulary"] == MORE


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("more_layers", "expected the same layers"),
        ("independent", "gives other answers once it has 4 classes"),
    ],
)
def test_a_function_that_cannot_grow_is_refused_with_a_way_to_go_on(
    custom: str, function: str, message: str
) -> None:
    options = {"function": f"{custom}:{function}", "vocabulary": 12, "length": LENGTH}
    model = ModelConfig(builder="custom", options=options)
    network = trained(model, (LENGTH,), 3)
    with pytest.raises(ConfigError, match=message) as raised:
        grow(network, model, 3, 4, (KNOWN, KNOWN))
    assert "train anew" in str(raised.value)


def test_other_classes_and_fewer_tokens_are_refused() -> None:
    model = ModelConfig(builder="ngrams", options=NGRAMS)
    network = build_network(model, (LENGTH,), 2)
    with pytest.raises(ConfigError, match="do not begin with the model's own, bad, good"):
        grow_network(
            network, model, labels_before=("bad", "good"), labels=("good", "bad", "new"),
            tokens_before=KNOWN, tokens=KNOWN,
        )  # fmt: skip
    with pytest.raises(ConfigError, match="would shrink from 12 tokens to 11"):
        grow(network, model, 2, 2, (KNOWN, 11))


def test_more_tokens_than_there_are_buckets_for_are_refused() -> None:
    options = {**NGRAMS, "buckets": 2**23, "fit": "solver"}
    model = ModelConfig(builder="ngrams", options=options)
    network = build_network(ModelConfig(builder="ngrams", options=NGRAMS), (LENGTH,), 2)
    with pytest.raises(ConfigError, match="4 new tokens would need 8,388,612 buckets"):
        grow(network, model, 2, 2, (KNOWN, MORE))
