"""A tiny pretrained backbone without a file, for tests of what is built on one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from modelwright.backbones.load import LoadedBackbone
from modelwright.models import pretrained
from modelwright.models.feature_extractors import feature_blocks
from modelwright.training import pretrained as training_pretrained

RECORD = {"name": "tiny", "sha256": "a" * 64, "license": "none", "source": "a test"}


def build_tiny(name: str, side: int) -> keras.Model:
    """A network with a stem, two blocks and a head: features ``[n, 12]``."""
    layers = keras.layers
    inputs = keras.Input((side, side, 3))
    x = layers.Rescaling(1 / 128, -1, name="rescaling")(inputs)
    x = layers.Conv2D(6, 3, strides=4, activation="relu", name="stem_conv")(x)
    for block in range(2):
        x = layers.Conv2D(8, 3, padding="same", use_bias=False, name=f"block{block}_conv")(x)
        x = layers.BatchNormalization(name=f"block{block}_bn")(x)
        x = layers.ReLU(name=f"block{block}_relu")(x)
    x = layers.Conv2D(12, 1, activation="relu", name="head_conv")(x)
    return keras.Model(inputs, layers.GlobalAveragePooling2D(name="features")(x), name=name)


def use_tiny_backbone(patch: pytest.MonkeyPatch, cache: Path) -> list[Path | None]:
    """Makes every backbone the tiny one. Returns the folders that loading was given."""
    folders: list[Path | None] = []

    def load(name: str, *, folder: Path | None, side: int, progress: Any) -> LoadedBackbone:
        folders.append(folder)
        keras.utils.set_random_seed(7)
        network = build_tiny(name, side)
        return LoadedBackbone(network, RECORD, feature_blocks(network))

    patch.setenv("MODELWRIGHT_CACHE", str(cache))
    patch.setattr(pretrained, "build_feature_extractor", build_tiny)
    patch.setattr(training_pretrained, "load_backbone", load)
    return folders
