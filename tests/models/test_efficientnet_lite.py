"""EfficientNet-Lite equals a second computation of the network in numpy, from the same arrays."""

from __future__ import annotations

import numpy as np
import pytest

from models.lite_reference import random_arrays, reference
from modelwright.core.errors import DataError
from modelwright.models.efficientnet_lite import build_features, fill_features
from modelwright.models.feature_extractors import feature_blocks

SIDE = 33  # odd, so that the padding of strides is not the same on both sides of every layer


def test_the_features_equal_a_second_computation_and_wrong_arrays_are_refused() -> None:
    network, arrays = build_features("efficientnet-lite0", SIDE), random_arrays()
    fill_features(network, arrays)
    image = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3))
    found = np.asarray(network(image[None].astype(np.float32)))[0]
    expected = reference(arrays, image)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-4)
    assert all(not layer.name.startswith("_") for layer in network.layers)

    blocks = feature_blocks(network)
    assert len(blocks) == 18
    assert (blocks[0], blocks[-1]) == (["stem_conv", "stem_bn"], ["head_conv", "head_bn"])
    assert [name.partition("_")[0] for name in blocks[16]] == ["block15"] * 6
    weights = [layer.name for layer in network.layers if layer.weights]
    assert [name for block in blocks for name in block] == weights

    kernel = arrays["_conv_head.weight"]
    for changes, reason in (
        ({"_conv_head.weight": kernel[:, :3]}, r"_conv_head\.weight of shape \(1280, 3, 1, 1\)"),
        ({"_conv_head.weight": kernel.ravel()}, r"expected \(1280, 320, 1, 1\)"),
        ({"_bn0.bias": np.full(32, np.nan, np.float32)}, "not finite"),
        ({"_blocks.16._bn0.bias": np.zeros(3)}, r"have _blocks\.16\._bn0\.bias"),
    ):
        with pytest.raises(DataError, match=reason):
            fill_features(network, {**arrays, **changes})
    del arrays["_blocks.3._bn1.running_var"]
    with pytest.raises(DataError, match=r"lack _blocks\.3\._bn1\.running_var"):
        fill_features(network, arrays)
