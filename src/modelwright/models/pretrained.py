"""A pretrained backbone with one dense layer on its features.

Images are enlarged inside the network where they are smaller than the backbone reads them, and gray
is repeated. The dense layer is solved on standardized features; mean and deviation are folded into
its weights. The backbone's weights come from elsewhere: this module reads no file.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, IntArray
from modelwright.models.adaptation import AdaptationData
from modelwright.models.feature_extractors import (
    add_block_means,
    build_feature_extractor,
    feature_blocks,
)
from modelwright.models.feature_head import out_of_fold as head_out_of_fold
from modelwright.models.feature_head import solve_head
from modelwright.models.options import PretrainedOptions
from modelwright.models.output_layer import classify
from modelwright.models.solution import Solution

FEATURES = "pooled_features"
"""Name of the layer whose output are the features ``[n, d]``, float32."""

_BLOCKS = 2
"""Blocks before the last layer of the backbone whose outputs are features too.

They know less of ImageNet's classes and more of shapes and colors, which other images share.
"""


def build(options: PretrainedOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from uint8 images ``[n, *shape]`` to probabilities.

    Only the last ``options.finetune`` blocks of the backbone and the dense layer are trainable.

    Raises:
        ConfigError: The backbone is unknown, cannot take images of this size, or has fewer blocks.
    """
    if "crop" in options.augment and not options.finetune:
        raise ConfigError(
            f"'model.augment' was given '{options.augment}', but without model.finetune the only"
            " changed copies of images are mirrored ones; expected none or flip. Give another, or"
            " model.finetune=2."
        )
    side = backbone_side(options, shape)
    backbone = add_block_means(build_feature_extractor(options.backbone, side), _BLOCKS)
    blocks = feature_blocks(backbone)
    if options.finetune > len(blocks):
        raise ConfigError(
            f"'model.finetune' was given {options.finetune}, but {options.backbone} has"
            f" {len(blocks)} blocks; expected at most that many."
        )
    inputs = keras.Input(shape, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1.0, dtype="float32", name="pixels")(inputs)
    if shape[:2] != (side, side):
        x = keras.layers.Resizing(
            side, side, interpolation="bilinear", dtype="float32", name="enlarged"
        )(x)
    if shape[-1] == 1:
        x = keras.layers.Concatenate(dtype="float32", name="gray_as_rgb")([x, x, x])
    # In inference mode also in training: BatchNorm keeps its statistics of a million images.
    x = backbone(x, training=False)
    x = keras.layers.Activation("linear", dtype="float32", name=FEATURES)(x)
    network = keras.Model(inputs, classify(x, classes), name="pretrained")
    _freeze(backbone, blocks[: len(blocks) - options.finetune])
    return network


def solve(
    network: keras.Model, options: PretrainedOptions, data: AdaptationData, seed: int
) -> Solution:
    """Sets the weights of the dense layer to the best ones for the features of the rows.

    Args:
        network: A network of ``build``, whose backbone has its weights.
        options: The builder's options.
        data: The rows, with their features.
        seed: Decides which rows are in which fold.
    """
    if data.features is None:
        raise ValueError("the features of the rows are missing")
    classes = max(2, int(network.output_shape[-1]))
    head, solution = solve_head(data, classes, seed)
    network.layers[-1].set_weights([head.kernel, head.bias])
    return solution


def out_of_fold(
    network: keras.Model,
    options: PretrainedOptions,
    data: AdaptationData,
    fold: IntArray,
    seed: int,
) -> FloatArray:
    """Returns the probabilities ``[n, classes]`` of each row by a layer found without its fold.

    Args:
        network: A network of ``build``.
        options: The builder's options.
        data: The rows, with their features.
        fold: The fold of each row, ``[n]``.
        seed: Random seed of the choice of the strength.
    """
    return head_out_of_fold(data, max(2, int(network.output_shape[-1])), fold, seed)


def backbone_side(options: PretrainedOptions, shape: tuple[int, ...]) -> int:
    """Returns the side at which the backbone reads images: theirs, or ``side`` if it is larger."""
    return max(options.side, *shape[:2])


def feature_network(network: keras.Model) -> keras.Model:
    """Returns the part of a network from images to features float32 ``[n, d]``."""
    return keras.Model(network.input, network.get_layer(FEATURES).output, name="features")


def backbone_of(network: keras.Model) -> keras.Model:
    """Returns the backbone in a network."""
    found: keras.Model = next(one for one in network.layers if isinstance(one, keras.Model))
    return found


def learning_rates(options: PretrainedOptions, network: keras.Model) -> dict[str, float]:
    """Returns the learning rate of each variable of the backbone; that of the last layer is 1.

    Each block learns ``options.block_rate`` times as fast as the one after it: the first blocks
    know what all images share, the last ones what only some do.

    Returns:
        The multiples by the paths of the trainable variables.
    """
    backbone = backbone_of(network)
    blocks = feature_blocks(backbone)[::-1][: options.finetune]
    return {
        variable.path: options.block_rate ** (position + 1)
        for position, block in enumerate(blocks)
        for name in block
        for variable in backbone.get_layer(name).trainable_variables
    }


def _freeze(backbone: keras.Model, blocks: Sequence[Sequence[str]]) -> None:
    frozen = {name for block in blocks for name in block}
    for layer in backbone.layers:
        normalizes = isinstance(layer, keras.layers.BatchNormalization)
        if layer.name in frozen or normalizes:
            layer.trainable = False
