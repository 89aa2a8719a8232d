"""The settings and the training rows of a servable, which quantization needs again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.types import Dataset
from modelwright.runs.rows import evenly_spaced, raw_inputs
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation


def recorded_config(manifest: Manifest, folder: Path) -> Config:
    """Returns the settings of the training.

    Raises:
        ServableError: this version cannot read them.
        ConfigError: the function that builds the network is not in the current folder.
    """
    try:
        config = Config.model_validate(manifest.config)
    except ValueError as error:
        raise ServableError(
            f"the settings in the manifest of {folder} are not of this version: {error}."
        ) from None
    function = str(config.model.options.get("function", ""))
    if config.model.builder == "custom":
        # The manifest names the function that is called here, and may come from anywhere.
        module = function.partition(":")[0].partition(".")[0]
        here = (Path.cwd() / f"{module}.py").is_file() or (Path.cwd() / module).is_dir()
        if not here or module in sys.stdlib_module_names:
            raise ConfigError(
                f"the network of {folder} is built by '{function}', which is not in the current"
                " folder; go to the folder of your module, if it is yours."
            )
    return config


def prepared_training_rows(
    data: Dataset, folder: Path, manifest: Manifest, most: int | None = None
) -> Any:
    """Returns training rows as the network reads them, at most ``most``, evenly spaced."""
    train = data.splits["train"]
    positions = evenly_spaced(len(train), most or len(train))
    if manifest.task == "text":
        return Preparation(folder, manifest)(raw_inputs(train, positions))
    return train.inputs.take(np.array(positions))
