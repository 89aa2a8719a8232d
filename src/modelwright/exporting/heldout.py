"""The data that a model was trained on, as it was: rows for what is made of the model."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import Config, DataConfig
from modelwright.core.errors import ConfigError, DataError, ServableError
from modelwright.core.types import Dataset, Progress, RawInput, Split
from modelwright.data.images import portable_image
from modelwright.data.load import load_data
from modelwright.servable import examples
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation


def load(
    config: DataConfig, recorded: Mapping[str, Any], whose: Path, progress: Progress | None = None
) -> Dataset:
    """The data of a training, as it was.

    Args:
        config: what the training read.
        recorded: its fingerprint among what was recorded.
        whose: the run or servable that it belongs to, for a person.
        progress: told of each step.

    Raises:
        DataError: it is not there any more, or changed.
    """
    data = load_data(config, progress=progress)
    if data.fingerprint != recorded["fingerprint"]:
        raise DataError(
            f"{data.source} changed since {whose} was trained on it; its rows are needed to"
            " check what is made of it. Bring it back, or train anew."
        )
    return data


def sendable(split: Split, places: list[int]) -> tuple[RawInput, ...]:
    """Texts, or the bytes of encoded pictures, of a kind that every engine reads."""
    rows = (split.inputs.raw(place) for place in places)
    return tuple(portable_image(row) if isinstance(row, bytes) else row for row in rows)


def part_of(data: Dataset, split: str | None) -> tuple[str, Split]:
    """The split that measures and its name."""
    parts: dict[str, Split] = dict(data.splits)  # type: ignore[arg-type]
    name = split or next(name for name in ("val", "test", "train") if name in parts)
    if name not in parts:
        raise ConfigError(f"--split was given '{name}'; {data.source} has {', '.join(parts)}.")
    return name, parts[name]


def ready(data: Dataset, folder: Path, about: Manifest, most: int | None = None) -> Any:
    """Training rows as the network reads them, at most so many, evenly spread."""
    train = data.splits["train"]
    places = examples.held_out(len(train), most or len(train))
    if about.task == "text":
        return Preparation(folder, about)(sendable(train, places))
    return train.inputs.take(np.array(places))


def settings(about: Manifest, folder: Path) -> Config:
    """The settings of the training.

    Raises:
        ServableError: they are not such as this version has.
        ConfigError: a function builds the network that does not lie in the current folder.
    """
    try:
        config = Config.model_validate(about.config)
    except ValueError as error:
        raise ServableError(
            f"the settings in the manifest of {folder} are not of this version: {error}."
        ) from None
    function = str(config.model.options.get("function", ""))
    if config.model.builder == "custom":
        # Whoever wrote the manifest says which function is called here.
        top = function.partition(":")[0].partition(".")[0]
        here = (Path.cwd() / f"{top}.py").is_file() or (Path.cwd() / top).is_dir()
        if not here or top in sys.stdlib_module_names:
            raise ConfigError(
                f"the network of {folder} is built by '{function}', which is not in the current"
                " folder; go to the folder of your module, if it is yours."
            )
    return config
