"""Restoring the Keras network of a servable, from its manifest and its SavedModel's variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ServableError, brief
from modelwright.models.builders import augment_network, build_network, check_options
from modelwright.servable.manifest import Manifest

_KEY = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def restore_network(
    folder: Path,
    manifest: Manifest,
    *,
    unpadded: bool = False,
    any_length: bool = False,
    variables: Path | None = None,
) -> keras.Model:
    """Returns the network of a servable in float32, with its weights.

    Args:
        folder: the version's folder.
        manifest: its manifest.
        unpadded: builds a network that takes texts of any length without padding, where its
            builder can do that.
        any_length: builds a network that takes texts of any length, padded or not, where its
            builder can do that.
        variables: an ``.npz`` with other values for its variables, by their position.

    Raises:
        ServableError: the variables are not those of the network that the manifest describes.
        ConfigError: the user's own function that built the network is not here.
    """
    model = ModelConfig(**manifest.config["model"])
    options = check_options(model)
    shape: tuple[int | None, ...] = manifest.shape or (options.length,)
    if (unpadded or any_length) and getattr(options, "any_length", False):
        shape = (None,)
    if unpadded and shape == (None,):
        model = model.model_copy(update={"options": options.unpadded().model_dump()})
    network = build_network(model, shape, len(manifest.labels))
    if manifest.tta:
        network = augment_network(model, network)
    try:
        values = _values(folder, variables, len(network.variables))
        for variable, value in zip(network.variables, values, strict=True):
            variable.assign(value)
    except (tf.errors.OpError, ValueError, KeyError) as error:
        raise ServableError(
            f"the variables in {folder} are not those of the network that its manifest"
            f" describes: {brief(error)}."
        ) from None
    return network


def _values(folder: Path, variables: Path | None, count: int) -> list[Any]:
    if variables:
        with np.load(variables, allow_pickle=False) as stored:
            return [stored[str(position)] for position in range(count)]
    reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
    return [reader.get_tensor(_KEY.format(position)) for position in range(count)]
