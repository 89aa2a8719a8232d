"""The networks of the pretrained backbones, without weights: images in, features out.

A network is rebuilt from its name and the side of its images alone, so that a run's own weights can
be loaded into it. Where pretrained weights come from is not known here.
"""

from __future__ import annotations

import re
from typing import Any

import keras

from modelwright.models import efficientnet_lite
from modelwright.models.backbone_names import LITE, check_backbone, check_side

_KERAS_FUNCTIONS = {
    "efficientnetv2-b0": "EfficientNetV2B0",
    "mobilenetv3-large": "MobileNetV3Large",
    "mobilenetv3-small": "MobileNetV3Small",
}
_BLOCK = re.compile(r"(block\d+[a-z]?|expanded_conv_\d+|expanded_conv)_")


def build_feature_extractor(name: str, side: int) -> keras.Model:
    """Returns the network of a backbone with random weights.

    Args:
        name: One of ``BACKBONE_NAMES``.
        side: Height and width of the images.

    Returns:
        A model of images ``[n, side, side, 3]``, float32 from 0 to 255, whose output are features
        ``[n, d]``. What a network wants to have subtracted from its pixels is part of the network.

    Raises:
        ConfigError: The name is unknown, or the side is too small or too large.
    """
    check_backbone(name)
    check_side(name, side)
    if name in LITE:
        return efficientnet_lite.build_features(name, side)
    function = getattr(keras.applications, _KERAS_FUNCTIONS[name])
    network: keras.Model = function(
        include_top=False, weights=None, input_shape=(side, side, 3), pooling="avg", name=name
    )
    return network


def feature_blocks(network: keras.Model) -> list[list[str]]:
    """Returns the names of the layers with weights, block by block from input to output.

    The first block is the stem, the last one what follows the last block of the network's paper.
    """
    groups: dict[str, list[str]] = {}
    for layer in network.layers:
        if layer.weights:
            groups.setdefault(_block_of(layer, groups), []).append(layer.name)
    return list(groups.values())


def add_block_means(network: keras.Model, blocks: int) -> keras.Model:
    """Returns the network with the mean outputs of its last blocks in front of its features.

    The layers and the order of their weights stay the same.

    Args:
        network: A network of ``build_feature_extractor``.
        blocks: Number of blocks before the last one, whose output are the features already.
    """
    following = feature_blocks(network)[-blocks:]
    outputs = [network.get_layer(names[0]).input for names in following]
    means = [
        keras.layers.GlobalAveragePooling2D(name=f"block_mean_{position}")(output)
        for position, output in enumerate(outputs)
    ]
    features = keras.layers.Concatenate(name="block_features")([*means, network.output])
    return keras.Model(network.input, features, name=network.name)


def _block_of(layer: Any, seen: dict[str, list[str]]) -> str:
    found = _BLOCK.match(layer.name)
    if found:
        return found[1]
    return "stem" if seen.keys() <= {"stem"} else "head"
