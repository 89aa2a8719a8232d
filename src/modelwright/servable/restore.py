"""The network of a servable, built anew from its manifest and its SavedModel's variables."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ServableError, brief
from modelwright.models.builders import augment_network, build_network, check_options
from modelwright.servable.manifest import Manifest

_KEY = "weights/{}/.ATTRIBUTES/VARIABLE_VALUE"


def network(
    folder: Path, manifest: Manifest, *, unpadded: bool = False, values: Path | None = None
) -> keras.Model:
    """Build it in float32, with its weights.

    Args:
        folder: the version's folder.
        manifest: what it says of itself.
        unpadded: of texts as long as they come, all rows of a batch alike, where its kind allows
            that.
        values: an ``.npz`` with other values of its variables, by their position.

    Raises:
        ServableError: the variables are not those of the network that the manifest describes.
        ConfigError: a function of one's own that built it is not here.
    """
    model = ModelConfig(**manifest.config["model"])
    options = check_options(model)
    shape: tuple[int | None, ...] = manifest.shape or (options.length,)
    if unpadded and getattr(options, "any_length", False):
        shape = (None,)
        model = model.model_copy(update={"options": options.unpadded().model_dump()})
    made = build_network(model, shape, len(manifest.labels))
    if manifest.tta:
        made = augment_network(model, made)
    try:
        if values:
            with np.load(values, allow_pickle=False) as stored:
                found = [stored[str(number)] for number in range(len(made.variables))]
        else:
            reader = tf.train.load_checkpoint(str(folder / "variables" / "variables"))
            found = [reader.get_tensor(_KEY.format(i)) for i in range(len(made.variables))]
        for variable, value in zip(made.variables, found, strict=True):
            variable.assign(value)
    except (tf.errors.OpError, ValueError, KeyError) as error:
        raise ServableError(
            f"the variables in {folder} are not those of the network that its manifest"
            f" describes: {brief(error)}."
        ) from None
    return made
