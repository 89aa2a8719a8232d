from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.models.builders import build_network
from modelwright.models.output_layer import two_columns


def build(builder: str, shape: tuple[int, ...], classes: int, **options: object) -> keras.Model:
    return build_network(ModelConfig(builder=builder, options=options), shape, classes)


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers[1:]]


def test_the_cnn_is_that_of_the_tutorial() -> None:
    model = build("cnn", (32, 32, 3), 10)
    assert model.count_params() == 356_810
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [c.filters for c in convolutions] == [32, 64, 128]
    assert {c.kernel_size for c in convolutions} == {(3, 3)}
    assert kinds(model).count("MaxPooling2D") == 2
    assert model.output_shape == (None, 10)


def test_the_bilstm_is_that_of_the_tutorial() -> None:
    model = build("bilstm", (200,), 2)
    assert kinds(model) == ["Embedding", "Bidirectional", "Bidirectional", "Dense", "Dense"] or (
        "NotEqual" in kinds(model)
    )
    embedding = next(x for x in model.layers if isinstance(x, keras.layers.Embedding))
    assert (embedding.input_dim, embedding.output_dim) == (10_000, 64)
    # Embedding 640,000; BiLSTM 64: 2*4*64*(64+64+1); BiLSTM 32: 2*4*32*(128+32+1); 24; 1.
    expected = 640_000 + 2 * 4 * 64 * 129 + 2 * 4 * 32 * 161 + 65 * 24 + 25
    assert model.count_params() == expected
    assert build("bilstm", (200,), 5).output_shape == (None, 5)


@pytest.mark.parametrize(
    ("options", "kind", "there"),
    [
        ({}, "BatchNormalization", False),
        ({"batch_norm": True}, "BatchNormalization", True),
        ({}, "Dropout", False),
        ({"dropout": 0.5}, "Dropout", True),
    ],
)
def test_options_of_the_cnn_show_in_its_layers(
    options: dict[str, object], kind: str, there: bool
) -> None:
    assert (kind in kinds(build("cnn", (32, 32, 3), 10, **options))) is there


@pytest.mark.parametrize("pooling", ["last", "max"])
def test_masked_padding_does_not_change_the_output(pooling: str) -> None:
    ids = np.array([[5, 6, 7, 0, 0, 0]], np.int32)
    options = {"units": [4], "embedding": 4, "cell": "gru", "pooling": pooling}
    model = build("bilstm", (6,), 2, **options)
    # With states far from zero, which is what the states of padding may be.
    model.set_weights([np.full_like(w, 0.3 * (-1) ** i) for i, w in enumerate(model.get_weights())])
    short = build("bilstm", (3,), 2, **options)
    short.set_weights(model.get_weights())
    np.testing.assert_allclose(
        model.predict(ids, verbose=0), short.predict(ids[:, :3], verbose=0), atol=1e-6
    )
    free = build("bilstm", (None,), 2, **options)  # type: ignore[arg-type]
    free.set_weights(model.get_weights())
    np.testing.assert_allclose(
        model.predict(ids, verbose=0), free.predict(ids[:, :4], verbose=0), atol=1e-6
    )
    unmasked = build("bilstm", (6,), 2, masking=False, **options)
    unmasked.set_weights(model.get_weights())
    assert abs(unmasked.predict(ids, verbose=0) - model.predict(ids, verbose=0)).max() > 1e-6


def test_outputs_are_float32_in_low_precision_and_the_policy_is_restored() -> None:
    before = keras.config.dtype_policy()
    model = build_network(ModelConfig(builder="cnn", options={}), (32, 32, 3), 10, "mixed_bfloat16")
    assert model.output.dtype == "float32"
    assert model.layers[2].compute_dtype == "bfloat16"
    assert keras.config.dtype_policy() == before


def test_images_too_small_for_the_poolings() -> None:
    with pytest.raises(ConfigError, match="images of 8x8 are too small for number 2"):
        build("cnn", (8, 8, 3), 10)


def test_one_sigmoid_becomes_two_columns() -> None:
    outputs = np.array([[0.25]], np.float32)
    np.testing.assert_allclose(two_columns(outputs), [[0.75, 0.25]])
    three = np.array([[0.2, 0.3, 0.5]], np.float32)
    np.testing.assert_array_equal(two_columns(three), three)


FUNCTIONS = """
import keras

def linear(shape, classes, units=3):
    inputs = keras.Input(shape, dtype="uint8")
    x = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(inputs))
    x = keras.layers.Dense(units)(x)
    return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(x))

def number(shape, classes):
    return 3

def narrow(shape, classes):
    return linear(shape, 2)

def needs(shape, classes, missing):
    return linear(shape, classes)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_models.py").write_text(FUNCTIONS)
    (tmp_path / "needs_more.py").write_text("import not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_models", raising=False)


def test_a_function_of_the_user(own: None) -> None:
    model = build("custom", (4, 4, 3), 5, function="own_models:linear", options={"units": 7})
    assert model.layers[3].units == 7
    assert model.output_shape == (None, 5)


@pytest.mark.parametrize(
    ("function", "says", "kind"),
    [
        ("own_models:number", "returned int; expected a keras.Model", ConfigError),
        ("own_models:narrow", r"output \(None, 2\); expected .* width 5", ConfigError),
        ("own_models:linaer", "Did you mean 'linear'", ConfigError),
        ("own_models:keras", "no function 'keras', only a module\\.$", ConfigError),
        ("own_models:needs", r"cannot be called with \(shape, classes", ConfigError),
        ("no_such_module:f", "there is no module 'no_such_module'", ConfigError),
        ("needs_more:f", "imports 'not_there_at_all'", MissingDependencyError),
    ],
)
def test_an_unusable_function_is_explained(
    own: None, function: str, says: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=says):
        build("custom", (4, 4, 3), 5, function=function)
